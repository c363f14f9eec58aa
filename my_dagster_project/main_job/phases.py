"""What the stages tell while they work: small messages that a queue carries from a team's process to the screen."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import dagster as dg
from dagster import DagsterEventType

_ENDS = (DagsterEventType.STEP_SUCCESS, DagsterEventType.STEP_FAILURE, DagsterEventType.STEP_SKIPPED)


@dataclass(frozen=True)
class PhaseEvent:
    """One message about a phase: it begins (`number` pieces of work), something happens, it ends (`number` seconds, `text` on how)."""

    phase: str
    kind: Literal["begin", "now", "step", "failed step", "end"]
    number: float = 0
    text: str = ""


type Tell = Callable[[PhaseEvent], None]


class Phase:
    """The voice of one phase."""

    def __init__(self, title: str, tell: Tell) -> None:
        self._title, self._tell = title, tell
        self.note = ""
        """What people should know of how it was done; stands in its lasting line."""

    def heard(self, event: dg.DagsterEvent | None, text: str) -> None:
        """Pass on what our own code says; Dagster's own events are not news to people."""
        if event is None:
            self._tell(PhaseEvent(self._title, "now", text=text.splitlines()[0][:70]))

    def heard_step(self, event: dg.DagsterEvent | None, text: str) -> None:
        """As `heard`, and count finished steps."""
        self.heard(event, text)
        if event is not None and event.event_type in _ENDS:
            self.step(failed=event.event_type != DagsterEventType.STEP_SUCCESS)

    def heard_session(self, event: dg.DagsterEvent | None, text: str) -> None:
        """As `heard`, and count sessions: each is on record when it is done, and one that fails ends its run."""
        self.heard(event, text)
        if event is not None and event.event_type in (
            DagsterEventType.ASSET_MATERIALIZATION,
            DagsterEventType.STEP_FAILURE,
        ):
            self.step(failed=event.event_type == DagsterEventType.STEP_FAILURE)

    def step(self, *, failed: bool = False) -> None:
        """Count one piece of work."""
        self._tell(PhaseEvent(self._title, "failed step" if failed else "step"))


@contextmanager
def phase(tell: Tell, title: str, total: int) -> Iterator[Phase]:
    """A phase of `total` pieces of work; none means that everything is up to date."""
    started = time.monotonic()
    tell(PhaseEvent(title, "begin", total))
    voice = Phase(title, tell)
    try:
        yield voice
    finally:
        tell(PhaseEvent(title, "end", time.monotonic() - started, voice.note))
