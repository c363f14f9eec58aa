"""The season on the front page: its clock, what happens next, and the organiser's hand on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from my_dagster_project.foundation.errors import SeasonError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.foundation.sign_in import person
from my_dagster_project.storage.audit import FRONT, Act, note_beside
from my_dagster_project.storage.opening import open_store
from my_dagster_project.storage.season import SeasonBook, State
from my_dagster_project.teams import season_controls
from my_dagster_project.teams.deployment import season_book
from my_dagster_project.teams.platform import Platform

TO_WATCH = "The season is the organiser's to pause and to hurry; teams and visitors watch it."
_PACES = ("0s", "5s", "10s", "30s", "1m", "5m")


@dataclass(frozen=True)
class SeasonClock:
    """Where a season stands. `place` of `count` sessions is at work (`count` is 0 where bars go on); the times are UTC."""

    state: State
    lapse: bool
    now: datetime
    zone: str
    place: int
    count: int
    following: date | None
    due: datetime | None
    """When the next session begins by the wall clock; None where nobody can tell."""
    last_missed: Mapping[str, str]

    @property
    def word(self) -> str:
        """What it does, in a word."""
        return "ended" if self.state.ended else "paused" if self.state.paused else "going on"

    @property
    def paces(self) -> list[str]:
        """Paces to choose from, the one that counts now among them."""
        return list(_PACES) if self.pace in _PACES else [self.pace, *_PACES]

    @property
    def pace(self) -> str:
        """The pace that counts now, as `paces` spells it."""
        seconds = self.state.session_every
        return f"{seconds / 60:g}m" if seconds >= 60 else f"{seconds:g}s"

    def events(self) -> list[tuple[str, str]]:
        """When (in words) and what happens next."""
        state = self.state
        if state.ended:
            return [("now", f"The season has ended with session {state.session}; its table stays.")]
        session = f"{state.session:%a %d %b %Y}"
        told = [("now", f"Session {session}: bars, predictions, orders for the next open, then the table.")]
        if not self.lapse:
            return [
                (f"{self.due:%a %d %b %H:%M} UTC", f"Session {session} closes at the exchange; {told[0][1]}")
            ]
        if self.following:
            what = f"Session {self.following:%a %d %b %Y} begins: the orders are filled at its open."
            told.append((self._until_next(), what))
        if state.last:
            left = self.count - self.place
            told.append(
                (f"in {left} session{'s' * (left != 1)}", f"The season ends with session {state.last}.")
            )
        return told

    def _until_next(self) -> str:
        if self.state.paused or self.state.until == self.state.session:
            return "after a resume"
        left = (self.due - datetime.now(UTC)).total_seconds() if self.due else 0.0
        return f"in {left:.0f} s" if left > 0 else "as soon as that is done"


def season_clock(platform: Platform, settings: Settings) -> SeasonClock | None:
    """The season of a deployment; None where none was begun. Raises StorageError."""
    state = season_book(settings).read() if platform.registry.season else None
    if state is None:
        return None
    calendar = platform.calendar
    place = len(calendar.sessions(state.first, state.session))
    count = len(calendar.sessions(state.first, state.last)) if state.last else 0
    over = state.ended or state.session == state.last
    due = (
        state.since + timedelta(seconds=state.session_every)
        if platform.in_lapse
        else calendar.close_at(state.session)
    )
    before = calendar.previous_session(state.session)
    return SeasonClock(
        state,
        platform.in_lapse,
        platform.now(),
        str(calendar.time_zone),
        place,
        count,
        None if over else calendar.next_session(state.session),
        due,
        state.missed_of(before),
    )


def act(name: str, value: str, platform: Platform, settings: Settings, user: str) -> State:
    """Do one of the organiser's acts and put it on record; raises SeasonError where it cannot be done."""
    who = user or person()
    store = open_store(settings.store_url, settings.s3)
    what = f"season {name} {value}".rstrip()
    try:
        if not platform.in_lapse:
            raise SeasonError("the season's pace is that of the exchange, or none is lived here")
        state = _ACTS[name](season_book(settings), platform, value, who)
    except SeasonError as error:
        note_beside(store, Act(who, FRONT, what, f"failed: {error}"))
        raise
    note_beside(store, Act(who, FRONT, what))
    return state


def refuse(name: str, settings: Settings, user: str) -> None:
    """Put on record that somebody wanted what he may not."""
    store = open_store(settings.store_url, settings.s3)
    note_beside(store, Act(user or "nobody", FRONT, f"season {name}", f"refused: {TO_WATCH}"))


def _count(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= 10_000:
        raise SeasonError(f"{value!r} is no number of sessions")
    return int(value)


_ACTS: Mapping[str, Callable[[SeasonBook, Platform, str, str], State]] = {
    "pause": lambda book, platform, value, by: season_controls.pause(book, by),
    "resume": lambda book, platform, value, by: book.go_on(by),
    "next": lambda book, platform, value, by: book.only(platform.calendar, _count(value or "1"), by),
    "speed": lambda book, platform, value, by: season_controls.change_pace(book, value, by),
}
ACTS = tuple(_ACTS)
