"""Prices that cannot be: far from the sessions before and after them, on a day when nothing happened.

A crash stays: the prices after it are its neighbours. A wrong price does not. Judged by the symbol's own history, so that
what is wild for IBM is a Tuesday for a penny stock; a day of heavy trading explains more.
"""

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from my_dagster_project.domain.trading_days import Thresholds, TradingDays, deviation

if TYPE_CHECKING:
    import pandas as pd

# Times the usual move of a session.
_MOVES = 12
# What a busy day explains, and what the first session may be away from those after it: a factor.
_BUSY_SPIKE, _FIRST_SPIKE = 10.0, 5.0
_AROUND = 3
# How far one adjusted close may be off the factor of its neighbours, beside what rounding to cents makes.
_FACTOR_OFF, _CENT = 0.05, 0.01
_STILL = ["open", "high", "low", "close"]
# A share of 10 dollars and more in cents: five of them are less than this part of its price.
_FINE = 0.005
# The busiest day of the sample was 5.4 times its busy days; that of a stock at rest may be some hundred.
_VOLUMES, _RARELY = 1000, 0.05


def implausible_prices(days: TradingDays, limits: Thresholds) -> "pd.Series":
    """True for the rows that hold a price which cannot be."""
    import numpy as np

    moves = np.log(days.close).diff()
    limit = np.maximum(np.log(limits.spike), _MOVES * deviation(moves)) + days.grain
    limit = limit.where(~(days.busy > limits.busy), np.maximum(limit, np.log(_BUSY_SPIKE)))
    limit.iloc[:1] = np.maximum(limit.iloc[:1], np.log(_FIRST_SPIKE))
    return (_distance(days) > limit) | _odd_factor(days)


def implausible_volumes(bars: "pd.DataFrame", days: TradingDays) -> "pd.Series":
    """True for the rows with a volume that no news explains: beyond the busiest and quietest twentieth by a factor."""
    import numpy as np

    shares = bars["volume"].where(np.isfinite(bars["volume"]) & (bars["volume"] > 0)) / days.factor
    quiet, busy = (shares.quantile(part, interpolation="nearest") for part in (_RARELY, 1 - _RARELY))
    return (shares > _VOLUMES * busy) | (shares * _VOLUMES < quiet)


def copied_bars(bars: "pd.DataFrame", days: TradingDays) -> "pd.Series":
    """True for rows of a feed that stood still: that say, volume included, what the session before said of its own, or
    stand in a row of three and more with the same four prices, where prices are fine enough that trading moves them."""
    same = reduce(and_, (bars[name] == bars[name].shift() for name in _STILL))
    copied = same & (bars["volume"] == bars["volume"].shift()) & (bars["high"] > bars["low"])
    stood = same & (same.shift(fill_value=False) | same.shift(-1, fill_value=False))
    wide = (days.high / days.low - 1 > days.grain) | (bars["high"] == bars["low"])
    return copied | stood & wide & (days.grain < _FINE)


def _distance(days: TradingDays) -> "pd.Series":
    """How far the oddest price of each row is from the sessions around it (a difference of logarithms)."""
    import numpy as np

    before = days.close.rolling(_AROUND, min_periods=1).median().shift()
    after = days.close[::-1].rolling(_AROUND, min_periods=1).median().shift()[::-1]

    def away(price: "pd.Series") -> "pd.Series":
        far = np.fmin(np.log(price / before).abs(), np.log(price / after).abs())
        # The newest session has nothing after it; the day after a crash is near the crash, not the days before.
        return far.where(after.notna(), np.fmin(far, np.log(price / days.close.shift()).abs()))

    body_top, body_bottom = np.maximum(days.open, days.close), np.minimum(days.open, days.close)
    far = (
        away(days.open),
        away(days.close),
        # A wick is as near as the body of its own day.
        np.minimum(away(days.high), np.log(days.high / body_top).abs()),
        np.minimum(away(days.low), np.log(body_bottom / days.low).abs()),
    )
    return reduce(np.fmax, far).fillna(0.0)


def _odd_factor(days: TradingDays) -> "pd.Series":
    """An adjustment factor steps and stays; one that comes back the next session is a wrong adjusted close."""
    import numpy as np

    factor = days.factor
    room = _FACTOR_OFF + _CENT / days.close
    before, after = np.log(factor / factor.shift()), np.log(factor / factor.shift(-1))
    alike = np.log(factor.shift() / factor.shift(-1)).abs() < _FACTOR_OFF
    return (before.abs() > room) & (after.abs() > room) & (before * after > 0) & alike
