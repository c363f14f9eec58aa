"""Whether bars are fit to train and trade on: the blocking checks behind every bars asset.

Each rule looks at one kind of damage and leaves the others' alone, so that the rule that fires names the cause.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Literal

from my_dagster_project.domain.plausibility import copied_bars, implausible_prices, implausible_volumes
from my_dagster_project.domain.splits import unadjusted_declared, unexplained_steps
from my_dagster_project.domain.trading_days import PRICES, Thresholds, trading_days
from my_dagster_project.foundation.calendar import TradingCalendar

if TYPE_CHECKING:
    import pandas as pd

_PRICES = list(PRICES)
_NAMED_SESSIONS = 5
# Finer than a cent of a $10,000 share; the noise of adjusting in floats is 2e-16, in single precision 1e-7.
_PRECISION = 1e-6
_DEFAULTS = Thresholds()


@dataclass(frozen=True)
class Finding:
    """One broken rule: what, on which sessions, and what to do about it."""

    rule: str
    severity: Literal["error", "warning"]
    message: str
    sessions: list[date] = field(repr=False)


@dataclass(frozen=True)
class _Rule:
    """What to tell people of the rows that break a rule."""

    name: str
    problem: str
    advice: str


@dataclass(frozen=True)
class _RowRule(_Rule):
    """A rule that each row keeps or breaks by itself."""

    broken: Callable[["pd.DataFrame"], "pd.Series"]


def check_bars(
    bars: "pd.DataFrame",
    symbol: str,
    calendar: TradingCalendar,
    start: date,
    end: date,
    limits: Thresholds = _DEFAULTS,
) -> list[Finding]:
    """All findings about a bars frame asked for from `start` to `end`; an empty list is a clean bill.

    Errors mean that nothing may be computed from the bars. A symbol whose bars begin after `start` gets a warning only, since
    a late listing looks like that. Sessions that the organiser accepts (`limits.accepted`) need no bar, and theirs is as it
    is. Raises CalendarError when the span leaves the calendar.
    """
    import pandas as pd

    accepted = limits.accepted.get(symbol, frozenset())
    expected = [day for day in calendar.sessions(start, end) if day not in accepted]
    if not expected:
        return []
    if bars.empty:
        return [
            _finding(
                "has_bars",
                symbol,
                [],
                f"no bars at all from {start} to {end}",
                "Check the symbol and its source.",
            )
        ]
    # Each column and each sum of columns would carry a deep copy of what is noted of the frame: a tenth of all this.
    ordered = bars.sort_values("session", ignore_index=True)
    ordered.attrs = {}
    single = ordered.drop_duplicates("session", ignore_index=True)
    findings = [
        *_check_rows(ordered, symbol, _DUPLICATES, _DUPLICATES.broken(ordered)),
        *_check_sessions(single, symbol, expected, accepted),
    ]
    known = single["session"].isin(pd.DatetimeIndex(sorted(accepted)))
    for rule in _ROW_RULES:
        findings += _check_rows(single, symbol, rule, rule.broken(single) & ~known)
    apart = _apart(single, calendar.sessions(start, end))
    return [*findings, *_check_levels(single, symbol, limits, known, apart)]


def _apart(bars: "pd.DataFrame", sessions: Sequence[date]) -> "pd.Series":
    """How many sessions lie between each bar and the one before; 1 where there is none, or where the exchange was closed."""
    import pandas as pd

    places = pd.Series(pd.DatetimeIndex(sessions).get_indexer(bars["session"]), bars.index, dtype="float64")
    return places.where(places >= 0).ffill().diff().fillna(1).clip(lower=1)


def _check_levels(
    bars: "pd.DataFrame", symbol: str, limits: Thresholds, known: "pd.Series", apart: "pd.Series"
) -> list[Finding]:
    """What only the sessions around a price can tell. A wrong bar makes a step before and after it; that is not told again."""
    days = trading_days(bars)
    inconsistent, copied = _inconsistent(bars), copied_bars(bars, days) & ~known
    stepped = unexplained_steps(days, limits, apart) | unadjusted_declared(bars, days)
    # Of the newest bar nobody knows yet whether prices stay there: on the morning of a split they will.
    newest = bars.index == bars.index[-1]
    odd = implausible_prices(days, limits) & ~known & ~inconsistent & ~(stepped & newest)
    wrong = odd | copied | inconsistent
    beside = wrong | wrong.shift(fill_value=False) | known
    return [
        *_check_rows(bars, symbol, _IMPLAUSIBLE, odd),
        *_check_rows(bars, symbol, _VOLUME, implausible_volumes(bars, days) & ~known),
        *_check_rows(bars, symbol, _COPIED, copied),
        *_check_rows(bars, symbol, _UNADJUSTED, stepped & ~beside),
    ]


def _check_rows(bars: "pd.DataFrame", symbol: str, rule: _Rule, broken: "pd.Series") -> list[Finding]:
    if not broken.any():
        return []
    sessions = _dates(bars.loc[broken, "session"])
    return [_finding(rule.name, symbol, sessions, rule.problem, rule.advice)]


def _check_sessions(
    bars: "pd.DataFrame", symbol: str, expected: list[date], accepted: Collection[date]
) -> list[Finding]:
    have = _dates(bars["session"])
    first, last = have[0], have[-1]
    missing = sorted(set(expected).difference(have))
    found = (
        _sessions_finding("sessions_complete", symbol, [day for day in missing if first < day < last]),
        _sessions_finding("only_sessions", symbol, sorted(set(have).difference(expected, accepted))),
        _sessions_finding("not_stale", symbol, [day for day in missing if day > last]),
        _sessions_finding(
            "starts_on_time", symbol, [day for day in missing if day < first], severity="warning"
        ),
    )
    return [finding for finding in found if finding]


def _sessions_finding(
    rule: str, symbol: str, sessions: list[date], severity: Literal["error", "warning"] = "error"
) -> Finding | None:
    problem, advice = _SESSION_RULES[rule]
    return _finding(rule, symbol, sessions, problem, advice, severity) if sessions else None


def _finding(
    rule: str,
    symbol: str,
    sessions: list[date],
    problem: str,
    advice: str,
    severity: Literal["error", "warning"] = "error",
) -> Finding:
    where = f" on {_named(sessions)}" if sessions else ""
    return Finding(rule, severity, f"{symbol}: {problem}{where}. {advice}", sessions)


def _named(sessions: list[date]) -> str:
    shown = ", ".join(day.isoformat() for day in sessions[:_NAMED_SESSIONS])
    more = len(sessions) - _NAMED_SESSIONS
    return f"{shown} and {more} more, up to {sessions[-1]}" if more > 0 else shown


def _dates(sessions: "pd.Series") -> list[date]:
    return list(sessions.dt.date)


def _all_of(columns: "Iterable[pd.Series]") -> "pd.Series":
    """Column by column: a frame's `all(axis=1)` takes five times as long."""
    return reduce(and_, columns)


def _not_finite(bars: "pd.DataFrame") -> "pd.Series":
    import numpy as np

    return ~_all_of(np.isfinite(bars[name]) for name in _PRICES)


def _not_positive(bars: "pd.DataFrame") -> "pd.Series":
    return ~_all_of(~(bars[name] <= 0) for name in _PRICES)


def _inconsistent(bars: "pd.DataFrame") -> "pd.Series":
    import numpy as np

    # Of one that is missing the other is the body.
    bottom, top = np.fmin(bars["open"], bars["close"]), np.fmax(bars["open"], bars["close"])
    outside = (bars["low"] * (1 - _PRECISION) > bottom) | (bars["high"] * (1 + _PRECISION) < top)
    # A price of -1 or NaN is another rule's; here it would only be blamed on its neighbours.
    return outside & ~_not_positive(bars) & ~_not_finite(bars)


def _no_volume(bars: "pd.DataFrame") -> "pd.Series":
    import numpy as np

    return ~((bars["volume"] > 0) & np.isfinite(bars["volume"]))


_DUPLICATES = _RowRule(
    "no_duplicates",
    "more than one bar",
    "Remove the duplicates at the source, or fetch the bars anew.",
    lambda bars: bars["session"].duplicated(),
)
_ROW_RULES = (
    _RowRule(
        "finite_values",
        "a price is missing or infinite",
        "Correct the rows at the source, or remove them and fetch anew.",
        _not_finite,
    ),
    _RowRule(
        "positive_prices",
        "a price is zero or negative",
        "Correct the rows at the source, or remove them and fetch anew.",
        _not_positive,
    ),
    _RowRule(
        "ohlc_consistent",
        "open or close lies outside low..high",
        "Correct the rows at the source; raw and adjusted prices mixed in one row look like this.",
        _inconsistent,
    ),
    _RowRule(
        "volume_present",
        "no volume",
        "A session without trades has no bar; correct the rows at the source.",
        _no_volume,
    ),
)
_ACCEPT = "or accept the session under market.accepted if it is true."
_IMPLAUSIBLE = _Rule(
    "plausible_prices",
    "a price is far from the sessions around it, on a day without news in its volume",
    f"Correct the rows at the source, {_ACCEPT}",
)
_VOLUME = _Rule(
    "plausible_volume",
    "a thousand times the volume of busy days, or a thousandth of that of quiet ones",
    f"Correct the rows at the source (shares, not thousands of them), {_ACCEPT}",
)
_COPIED = _Rule(
    "no_copied_bar",
    "the bar is that of the session before, volume included, or its prices stood still for sessions",
    f"The source stood still: fetch the bars anew, {_ACCEPT}",
)
_UNADJUSTED = _Rule(
    "no_unadjusted_split",
    "prices step as at a split that was not adjusted for, and trading does not explain it",
    f"Correct adj_close at the source (`trading fetch SYMBOL --again`), {_ACCEPT}",
)
_SESSION_RULES = {
    "sessions_complete": (
        "no bar",
        "Fetch the bars anew; if the stock was halted, exclude it or start after the halt.",
    ),
    "only_sessions": (
        "a bar outside the sessions asked for",
        "The exchange was closed: a wrong date or time zone at the source.",
    ),
    "not_stale": (
        "the newest bars are missing",
        "Run again once the source has them; a delisted symbol must leave the team.",
    ),
    "starts_on_time": (
        "bars begin late, none",
        "Right for a stock listed later; otherwise fetch the bars anew.",
    ),
}
