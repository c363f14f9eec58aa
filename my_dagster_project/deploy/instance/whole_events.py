"""An event of Dagster is stored whole: with the row of its asset, its tags and its check, in one transaction.

Dagster commits the event first and the rest after it. What becomes due is judged by both: the newest event of a session, and
the event that the asset's own row says was the newest when it was read. `trading run`, killed between the two commits of its
last order record, left a row that is one event behind: the fills made from it next counted as out of date for ever.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from dagster import EventLogEntry
from sqlalchemy import Connection

_AT_WORK: ContextVar[tuple[object, Connection] | None] = ContextVar("events_at_work", default=None)
"""The storage that is storing an event in this thread, and the transaction it does so in."""


class WholeEvents:
    """Goes before an event log storage whose connections all come from `_connect`."""

    def store_event(self, event: EventLogEntry) -> None:
        """Store the event and all that is kept of it elsewhere, or nothing."""
        with self._transaction():
            super().store_event(event)  # type: ignore[misc]  # Dagster's, beside which this is mixed in

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store all of the events, or none."""
        with self._transaction():
            super().store_event_batch(events)  # type: ignore[misc]  # as above

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        at_work = _AT_WORK.get()
        if at_work is not None and at_work[0] is self:
            yield at_work[1]
        else:
            with super()._connect() as connection:  # type: ignore[misc]  # as above
                yield connection

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._connect() as connection, _begun(connection):
            before = _AT_WORK.set((self, connection))
            try:
                yield
            finally:
                _AT_WORK.reset(before)


@contextmanager
def _begun(connection: Any) -> Iterator[None]:
    """PostgreSQL's connections commit every statement by themselves until they are told otherwise, as Dagster does too."""
    if connection.in_transaction():
        yield
    else:
        with connection.execution_options(isolation_level="READ COMMITTED").begin():
            yield
