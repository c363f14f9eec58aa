"""Which days the exchange trades, and from when to when: the only clock of this project.

Pure Python over a committed JSON file: building the same calendar with exchange_calendars costs a second and 100 MB in
every process that loads the definitions. `calendar_build` writes the file; a test compares every session with its source.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from zoneinfo import ZoneInfo

from my_dagster_project.foundation.errors import CalendarError

_SATURDAY = 5


@dataclass(frozen=True)
class TradingCalendar:
    """The sessions of one exchange between two days; a session is a `date` in the exchange's time zone.

    Every method raises CalendarError for a day outside `first`..`last`, rather than guess, and for a `datetime` or a pandas
    Timestamp where a date is meant: which day an instant belongs to depends on the time zone, so the caller has to say.
    """

    name: str
    time_zone: ZoneInfo
    first: date
    """First day of the span (a day, not always a session)."""
    last: date
    """Last day of the span (a day, not always a session)."""
    closed: frozenset[date] = field(repr=False)
    """Weekdays without a session."""
    regular_open: time
    regular_close: time
    special_opens: Mapping[date, time] = field(hash=False, repr=False)
    special_closes: Mapping[date, time] = field(hash=False, repr=False)
    """Half days: session -> local time at which it closes."""

    def is_session(self, day: date) -> bool:
        """Whether the exchange trades on this day."""
        self._require_inside(day)
        return day.weekday() < _SATURDAY and day not in self.closed

    def next_session(self, day: date) -> date:
        """The first session strictly after `day` (any date)."""
        self._require_inside(day)
        return self._session_number(bisect_right(self._sessions, day), day)

    def previous_session(self, day: date) -> date:
        """The last session strictly before `day` (any date)."""
        self._require_inside(day)
        return self._session_number(bisect_left(self._sessions, day) - 1, day)

    def offset(self, session: date, count: int) -> date:
        """The session `count` sessions after `session` (before, when negative); `session` must be one."""
        self._require_session(session)
        return self._session_number(bisect_left(self._sessions, session) + count, session)

    def sessions(self, start: date, end: date) -> list[date]:
        """All sessions from `start` to `end`, both included; empty when `start` is after `end`."""
        self._require_inside(start)
        self._require_inside(end)
        return list(self._sessions[bisect_left(self._sessions, start) : bisect_right(self._sessions, end)])

    def holidays(self, start: date, end: date) -> list[date]:
        """Weekdays from `start` to `end`, both included, on which the exchange is closed; sorted."""
        self._require_inside(start)
        self._require_inside(end)
        return sorted(day for day in self.closed if start <= day <= end)

    def open_at(self, session: date) -> datetime:
        """The instant (UTC) at which the session opens."""
        self._require_session(session)
        return self._instant(session, self.special_opens.get(session, self.regular_open))

    def close_at(self, session: date) -> datetime:
        """The instant (UTC) at which the session closes; 18:00 on a half day in winter, 20:00 on a full one in summer."""
        self._require_session(session)
        return self._instant(session, self.special_closes.get(session, self.regular_close))

    def last_closed(self, now: datetime) -> date:
        """The newest session whose close is at or before `now` (an aware instant): the newest whole bar there can be."""
        if now.tzinfo is None:
            raise CalendarError(
                f"calendar {self.name}: {now} has no time zone; pass an aware instant, like `Platform.now()`."
            )
        today = now.astimezone(self.time_zone).date()
        if self.is_session(today) and self.close_at(today) <= now:
            return today
        return self.previous_session(today)

    @cached_property
    def _sessions(self) -> tuple[date, ...]:
        days = (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))
        return tuple(day for day in days if day.weekday() < _SATURDAY and day not in self.closed)

    def _instant(self, session: date, local: time) -> datetime:
        return datetime.combine(session, local, tzinfo=self.time_zone).astimezone(UTC)

    def _session_number(self, number: int, asked_from: date) -> date:
        # A negative number would silently count from the other end of the tuple.
        if not 0 <= number < len(self._sessions):
            raise CalendarError(
                f"calendar {self.name}: the session asked for, counted from {asked_from}, {self._span_help}"
            )
        return self._sessions[number]

    def _require_session(self, day: date) -> None:
        if not self.is_session(day):
            raise CalendarError(f"calendar {self.name}: {day} ({day:%A}) is not a session.")

    def _require_inside(self, day: date) -> None:
        if isinstance(day, datetime):
            raise CalendarError(
                f"calendar {self.name}: {day!r} is an instant; pass a session as a date, `.date()`."
            )
        if not self.first <= day <= self.last:
            raise CalendarError(f"calendar {self.name}: {day} {self._span_help}")

    @property
    def _span_help(self) -> str:
        return (
            f"lies outside {self.first}..{self.last}. To extend the calendar run "
            f"`python -m my_dagster_project.foundation.calendar_build {self.name} --end YYYY-MM-DD` and commit the file."
        )


@cache
def load_calendar(name: str = "XNYS") -> TradingCalendar:
    """The committed calendar of an exchange (ISO 10383 code); raises CalendarError for one we do not carry."""
    known = {entry.name.removesuffix(".json"): entry for entry in _calendar_files()}
    if name not in known:
        raise CalendarError(
            f"calendar {name!r}: not carried, known are {', '.join(sorted(known))}. "
            f"To add it run `python -m my_dagster_project.foundation.calendar_build {name}` and commit the file."
        )
    return _parse(json.loads(known[name].read_text(encoding="utf-8")))


def _calendar_files() -> list[Traversable]:
    folder = files("my_dagster_project.foundation") / "calendars"
    return [entry for entry in folder.iterdir() if entry.name.endswith(".json")]


def _parse(raw: dict) -> TradingCalendar:
    return TradingCalendar(
        name=raw["name"],
        time_zone=ZoneInfo(raw["time_zone"]),
        first=date.fromisoformat(raw["first"]),
        last=date.fromisoformat(raw["last"]),
        closed=frozenset(date.fromisoformat(day) for day in raw["closed"]),
        regular_open=time.fromisoformat(raw["open"]),
        regular_close=time.fromisoformat(raw["close"]),
        special_opens=_times(raw["special_opens"]),
        special_closes=_times(raw["special_closes"]),
    )


def _times(raw: dict[str, str]) -> dict[date, time]:
    return {date.fromisoformat(day): time.fromisoformat(local) for day, local in raw.items()}
