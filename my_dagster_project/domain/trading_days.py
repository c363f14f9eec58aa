"""What ordinary trading looks like in a symbol's own bars: how far it moves, how much is traded, how fine its prices are.

Everything is looked at in adjusted prices (raw times adj_close / close): a split or dividend that was adjusted for leaves no
step in them. Rows next to prices that are not positive and finite are left to the rules for those.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

PRICES = ("open", "high", "low", "close", "adj_close")
VOLUME_SESSIONS = 20
# After a month of hectic trading a day of news looks ordinary (AAPL, 2012-04-25); half a year knows better.
_HALF_YEAR = 120
# Sessions whose moves say how lively a symbol is at the time, beside its whole history.
_LATELY, _ENOUGH = 60, 10
_RARELY = 0.05
# A normal distribution's standard deviation is 1.48 times the median of its absolute values.
_TO_DEVIATION = 1.4826
_LARGEST_TICK = 0.01
# Prices this many ticks apart are near each other: a share of $0.0002 doubles by two.
_TICKS = 5


@dataclass(frozen=True)
class Thresholds:
    """The organiser's: from where on a price needs an explanation, and what has been explained.

    `step`: an overnight factor, `spike`: a factor away from the sessions around, `busy`: times the usual volume.
    """

    step: float = 1.08
    spike: float = 1.3
    busy: float = 3.0
    accepted: "Mapping[str, frozenset[date]]" = field(default_factory=dict)


@dataclass(frozen=True)
class TradingDays:
    """Bars in adjusted prices, and what is usual for them; rows as in the frame."""

    open: "pd.Series"
    high: "pd.Series"
    low: "pd.Series"
    close: "pd.Series"
    busy: "pd.Series"
    """Times the median volume of the sessions before: of shares or of dollars, whichever is less.

    A split multiplies the shares and leaves the dollars, a wrong price does the opposite; news multiplies both.
    """
    busier: "pd.Series"
    """The same, of what was usual in half a year where that is more."""
    factor: "pd.Series"
    """adj_close / close."""
    grain: "pd.Series"
    """A few ticks, as a difference of logarithms."""


def trading_days(bars: "pd.DataFrame") -> TradingDays:
    """The days of a bars frame, sorted by session."""
    import numpy as np

    prices = bars[list(PRICES)]
    usable = bars.where((np.isfinite(prices) & (prices > 0)).all(axis=1))
    factor = usable["adj_close"] / usable["close"]
    # Shares of today: after a 1:12 that was adjusted for, a twelfth of them is as many.
    volumes = usable["volume"] / factor, usable["volume"] * usable["close"]
    busy, half_year = (
        np.minimum(*(_times_usual(volume, sessions) for volume in volumes))
        for sessions in (VOLUME_SESSIONS, _HALF_YEAR)
    )
    ticks = usable["close"].diff().abs()
    tick = min(ticks[ticks > 0].min(), _LARGEST_TICK) if (ticks > 0).any() else _LARGEST_TICK
    return TradingDays(
        open=usable["open"] * factor,
        high=usable["high"] * factor,
        low=usable["low"] * factor,
        close=usable["adj_close"],
        busy=busy,
        busier=np.maximum(busy, half_year),
        factor=factor,
        grain=np.log1p(_TICKS * tick / np.minimum(usable["close"], usable["close"].shift())).fillna(0.0),
    )


def deviation(moves: "pd.Series") -> "pd.Series":
    """How far these moves (logarithms) usually go: a standard deviation that a few wild days leave as it is."""
    import numpy as np

    size = moves.abs()
    lately = size.rolling(_LATELY, min_periods=_ENOUGH).median()
    return _TO_DEVIATION * np.maximum(lately.fillna(0.0), size.median() if size.notna().any() else 0.0)


def rarely_exceeded(moves: "pd.Series") -> "pd.Series":
    """What these moves (logarithms) exceed one time in twenty, of all of them or of the sessions before, whichever is more."""
    import numpy as np

    # "lower", or in ten sessions the one that is looked at would be what is usual.
    size, rare = moves.abs(), {"q": 1 - _RARELY, "interpolation": "lower"}
    lately = size.shift().rolling(_LATELY, min_periods=2 * _ENOUGH).quantile(**rare)
    return np.maximum(lately.fillna(0.0), size.quantile(**rare) if size.notna().any() else 0.0)


def _times_usual(volume: "pd.Series", sessions: int) -> "pd.Series":
    return volume / volume.shift().rolling(sessions, min_periods=1).median()
