"""Keeping the stored bars of a symbol complete while asking the source for as little as possible."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from my_dagster_project.domain.revisions import revisions
from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.foundation.errors import MalformedDataError
from my_dagster_project.market_data.coverage import Coverage, read_coverage, with_coverage
from my_dagster_project.market_data.frames import between, empty_bars, require_bars, session_dates

if TYPE_CHECKING:
    from my_dagster_project.market_data.source import BarsFrame, MarketDataSource


def fetch_range(
    existing: "BarsFrame | None",
    start: date,
    end: date,
    calendar: TradingCalendar,
    look_back: int | None = 0,
) -> tuple[date, date] | None:
    """First and last session to ask for, or None when there is nothing to ask from `start` to `end` (both included).

    Beside what is missing the range holds the newest `look_back` stored sessions (None: all), because sources correct
    bars, and at least one stored session, if there is one, so that a new adjustment shows.
    """
    sessions = calendar.sessions(start, end)
    if look_back is None:
        return (start, end) if sessions else None
    stored = session_dates(_stored(existing, start, end))
    missing = _missing(stored, read_coverage(existing), sessions)
    if asked := [*missing, *(stored[-look_back:] if look_back else [])]:
        return _with_overlap(min(asked), max(asked), stored)
    return None


def update_bars(
    existing: "BarsFrame | None",
    source: "MarketDataSource",
    symbol: str,
    start: date,
    end: date,
    calendar: TradingCalendar,
    *,
    as_of: datetime,
    again: bool = False,
) -> "BarsFrame":
    """The bars of `symbol` from `start` to `end`, as far as their sessions had closed at `as_of` (an aware instant).

    What is missing is asked for, and what the source may have corrected (its `look_back`); with `again` everything, and the
    answer is taken as it is, also where it holds less than what is stored.

    A session still open at `as_of` is neither asked for nor let in: the project before this one traded on half a day's bar.
    When a stored bar comes back changed (a correction, a split or dividend since), everything is fetched anew. Raises what
    the source raises, and MalformedDataError when its answer is no bars frame or lacks sessions we hold; `existing` is
    never touched.
    """
    end = min(end, calendar.last_closed(as_of))
    if existing is not None:
        require_bars(existing, f"{symbol}: stored bars")
    if again:
        existing = None
    stored = _stored(existing, start, end)
    wanted = fetch_range(existing, start, end, calendar, source.look_back)
    merged = stored if wanted is None else _fetch_and_merge(stored, source, symbol, wanted, (start, end))
    missing = set(calendar.sessions(start, end)).difference(session_dates(merged))
    return with_coverage(merged, _learn(existing, stored, wanted, start, missing))


def _stored(existing: "BarsFrame | None", start: date, end: date) -> "BarsFrame":
    return empty_bars() if existing is None else between(existing, start, end)


def _missing(stored: list[date], known: Coverage, sessions: list[date]) -> list[date]:
    if not stored:
        return sessions
    have = set(stored)
    return [day for day in sessions if day not in have and not known.excuses(day, stored[0])]


def _with_overlap(first: date, last: date, stored: list[date]) -> tuple[date, date]:
    if not stored or any(first <= session <= last for session in stored):
        return first, last
    before = [session for session in stored if session < first]
    return (before[-1], last) if before else (first, stored[0])


def _fetch_and_merge(
    stored: "BarsFrame",
    source: "MarketDataSource",
    symbol: str,
    wanted: tuple[date, date],
    whole: tuple[date, date],
) -> "BarsFrame":
    fresh = _fetch(source, symbol, wanted)
    if wanted != whole and not _revised(between(stored, *wanted), fresh):
        return _merge(stored, fresh)
    everything = fresh if wanted == whole else _fetch(source, symbol, whole)
    _require_nothing_lost(stored, everything, source.name, symbol)
    return everything


def _fetch(source: "MarketDataSource", symbol: str, wanted: tuple[date, date]) -> "BarsFrame":
    """The source's answer, cut to what was asked for: a source may add today's unfinished bar on its own."""
    answer = require_bars(source.fetch(symbol, *wanted), f"{source.name}: {symbol} {wanted[0]}..{wanted[1]}")
    return between(answer, *wanted)


def _revised(stored: "BarsFrame", fresh: "BarsFrame") -> bool:
    """Whether a stored bar came back with another value, or did not come back at all."""
    return len(fresh.merge(stored["session"])) < len(stored) or bool(revisions(stored, fresh))


def _merge(stored: "BarsFrame", fresh: "BarsFrame") -> "BarsFrame":
    import pandas as pd

    kept = stored[~stored["session"].isin(fresh["session"])]
    return pd.concat([kept, fresh]).sort_values("session", ignore_index=True)


def _require_nothing_lost(stored: "BarsFrame", everything: "BarsFrame", source: str, symbol: str) -> None:
    lost = sorted(set(session_dates(stored)).difference(session_dates(everything)))
    if lost:
        raise MalformedDataError(
            f"{source}: {symbol}: the source no longer has {len(lost)} of the bars we hold ({lost[0]}..{lost[-1]}). Nothing "
            f"was changed. Move market.start past them, or take the source as it is: `trading fetch {symbol} --again`."
        )


def _learn(
    existing: "BarsFrame | None",
    stored: "BarsFrame",
    wanted: tuple[date, date] | None,
    start: date,
    missing: set[date],
) -> Coverage:
    """What is known to be absent after this update: a hole counts once it was asked for while bars stood on both sides."""
    known = read_coverage(existing).within(start, missing)
    if wanted is None:
        return known
    held = session_dates(stored)
    holes = {day for day in missing if held and held[0] < day < held[-1] and wanted[0] <= day <= wanted[1]}
    head_was_asked = not held or wanted[0] < held[0]
    return Coverage(start if head_was_asked else known.asked_from, known.absent | holes)
