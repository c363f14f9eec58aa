"""An event of Dagster is stored whole: with the row of its asset, its tags and its check, in one transaction.

Dagster commits the event first and the rest after it. What becomes due is judged by both: the newest event of a session, and
the event that the asset's own row says was the newest when it was read. `trading run`, killed between the two commits of its
last order record, left a row that is one event behind: the fills made from it next counted as out of date for ever.

What a step tells of itself (inputs loaded, outputs handled, a line of its log) waits for the next event that somebody judges by,
and is stored with it, in order: each in a transaction of its own, a season's session made 600 of them. A kill loses no
materialization, observation, failure or end of a run by that; of what its step had told since the last one, at most half a second.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from dagster import DagsterEventType, EventLogEntry
from sqlalchemy import Connection

from my_dagster_project.deploy.instance.redacting import Clean, without_secrets

_AT_WORK: ContextVar[tuple[object, Connection] | None] = ContextVar("events_at_work", default=None)
"""The storage that is storing events in this thread, and the transaction it does so in."""
_WAITING = {
    DagsterEventType.LOADED_INPUT,
    DagsterEventType.STEP_INPUT,
    DagsterEventType.STEP_OUTPUT,
    DagsterEventType.HANDLED_OUTPUT,
    DagsterEventType.STEP_SUCCESS,
    # Of a check that its asset's materialization, or the step's failure, follows.
    DagsterEventType.ASSET_CHECK_EVALUATION,
}
_LONGEST_SECONDS = 0.5


@dataclass
class _Waiting:
    """What waits in this process, in the order it was told; a fork begins with nothing, for its parent stores it."""

    events: list[EventLogEntry] = field(default_factory=list)
    since: float = 0.0
    answered: tuple[Any, float, Any] = (None, 0.0, None)
    """The last question about materializations, when it was asked, and its answer."""
    lock: Any = field(default_factory=RLock)
    process: int = field(default_factory=os.getpid)


class WholeEvents:
    """Goes before an event log storage whose connections all come from `_connect`."""

    _waiting: _Waiting | None = None

    def store_event(self, event: EventLogEntry) -> None:
        """Store the event and all that is kept of it elsewhere, or nothing; some wait for the next one."""
        waiting = self._those_waiting()
        if not (_may_wait(event) and (not waiting.events or _is_young(waiting))):
            self._store([event])
            return
        with waiting.lock:
            waiting.since = waiting.since if waiting.events else time.monotonic()
            waiting.events.append(event)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store all of the events, or none."""
        self._store(events)

    def fetch_materializations(self, *asked: Any, **named: Any) -> Any:
        """A step asks the same for each of its checks: which materialization it is about. Of half a second one answer serves all."""
        waiting, now, asking = self._those_waiting(), time.monotonic(), (*asked, named)
        before, at, answer = waiting.answered
        if not (waiting.events and before == asking and now - at < _LONGEST_SECONDS):
            answer = super().fetch_materializations(*asked, **named)  # type: ignore[misc]  # Dagster's, beside which this is mixed in
            waiting.answered = (asking, now, answer)
        return answer

    def write(self, connection: Connection, events: Sequence[Clean]) -> None:
        """Write events, and all that is kept of them elsewhere, in this transaction."""
        for event in events:
            super().store_event(event.record)  # type: ignore[misc]  # as above

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        """A connection that sees what waited."""
        at_work = _AT_WORK.get()
        if at_work is not None and at_work[0] is self:
            yield at_work[1]
            return
        if self._those_waiting().events:
            self._store([])
        with super()._connect() as connection:  # type: ignore[misc]  # as above
            yield connection

    def _store(self, events: Sequence[EventLogEntry]) -> None:
        waiting = self._those_waiting()
        with waiting.lock:
            told = [without_secrets(event) for event in (*waiting.events, *events)]
            if told:
                with self._transaction() as connection:
                    self.write(connection, told)
            waiting.events.clear()
            if events:
                waiting.answered = (None, 0.0, None)

    def _those_waiting(self) -> _Waiting:
        if self._waiting is None or self._waiting.process != os.getpid():
            self._waiting = _Waiting()
        return self._waiting

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with super()._connect() as connection, _begun(connection):  # type: ignore[misc]  # as above
            before = _AT_WORK.set((self, connection))
            try:
                yield connection
            finally:
                _AT_WORK.reset(before)


def _may_wait(event: EventLogEntry) -> bool:
    told = event.dagster_event
    return event.step_key is not None and (told is None or told.event_type in _WAITING)


def _is_young(waiting: _Waiting) -> bool:
    return time.monotonic() - waiting.since < _LONGEST_SECONDS


@contextmanager
def _begun(connection: Any) -> Iterator[None]:
    """PostgreSQL's connections commit every statement by themselves until they are told otherwise, as Dagster does too."""
    if connection.in_transaction():
        yield
    else:
        with connection.execution_options(isolation_level="READ COMMITTED").begin():
            yield
