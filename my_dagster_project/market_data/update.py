"""Keeping the stored bars of a symbol complete while asking the source for as little as possible."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.foundation.errors import MalformedDataError
from my_dagster_project.market_data.coverage import Coverage, read_coverage, with_coverage
from my_dagster_project.market_data.frames import between, empty_bars, require_bars, session_dates

if TYPE_CHECKING:
    from my_dagster_project.market_data.source import BarsFrame, MarketDataSource

# A dividend of one cent on a 1,000 dollar stock moves the factor by 1e-5; writing a float as text and back by 1e-15.
_ADJUSTMENT_TOLERANCE = 1e-6


def fetch_range(
    existing: "BarsFrame | None", start: date, end: date, calendar: TradingCalendar
) -> tuple[date, date] | None:
    """First and last session to ask for, or None when nothing is missing from `start` to `end` (both included).

    Beside what is missing the range holds at least one stored session, if there is one, so that a new adjustment shows.
    """
    stored = session_dates(_stored(existing, start, end))
    missing = _missing(stored, read_coverage(existing), calendar.sessions(start, end))
    if not missing:
        return None
    return _with_overlap(missing[0], missing[-1], stored)


def update_bars(
    existing: "BarsFrame | None",
    source: "MarketDataSource",
    symbol: str,
    start: date,
    end: date,
    calendar: TradingCalendar,
    *,
    as_of: datetime,
) -> "BarsFrame":
    """The bars of `symbol` from `start` to `end`, as far as their sessions had closed at `as_of` (an aware instant).

    A session still open at `as_of` is neither asked for nor let in: the project before this one traded on half a day's bar.
    When a stored bar comes back changed (a split or dividend since), everything is fetched anew. Raises what the source
    raises, and MalformedDataError when its answer is no bars frame or lacks sessions we hold; `existing` is never touched.
    """
    end = min(end, calendar.last_closed(as_of))
    if existing is not None:
        require_bars(existing, f"{symbol}: stored bars")
    stored = _stored(existing, start, end)
    wanted = fetch_range(existing, start, end, calendar)
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
    if not _readjusted(between(stored, *wanted), fresh):
        return _merge(stored, fresh)
    everything = _fetch(source, symbol, whole)
    _require_nothing_lost(stored, everything, f"{source.name}: {symbol}")
    return everything


def _fetch(source: "MarketDataSource", symbol: str, wanted: tuple[date, date]) -> "BarsFrame":
    """The source's answer, cut to what was asked for: a source may add today's unfinished bar on its own."""
    answer = require_bars(source.fetch(symbol, *wanted), f"{source.name}: {symbol} {wanted[0]}..{wanted[1]}")
    return between(answer, *wanted)


def _readjusted(stored: "BarsFrame", fresh: "BarsFrame") -> bool:
    """Whether a stored bar came back with another close, raw or adjusted, or did not come back at all."""
    both = stored.merge(fresh, on="session", suffixes=("", "_now"))
    if len(both) < len(stored):
        return True
    changes = [(both[f"{name}_now"] / both[name] - 1).abs() for name in ("close", "adj_close")]
    return any((change > _ADJUSTMENT_TOLERANCE).any() for change in changes)


def _merge(stored: "BarsFrame", fresh: "BarsFrame") -> "BarsFrame":
    import pandas as pd

    kept = stored[~stored["session"].isin(fresh["session"])]
    return pd.concat([kept, fresh]).sort_values("session", ignore_index=True)


def _require_nothing_lost(stored: "BarsFrame", everything: "BarsFrame", where: str) -> None:
    lost = sorted(set(session_dates(stored)).difference(session_dates(everything)))
    if lost:
        raise MalformedDataError(
            f"{where}: the source changed bars we hold and no longer has {len(lost)} of them ({lost[0]}..{lost[-1]}). "
            "Nothing was changed. Move market.start past them, or materialize the bars from another source."
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
