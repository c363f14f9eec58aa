"""Steps between two sessions that trading does not explain: a split nobody adjusted for, or prices in another unit.

A crash and a split both halve a price. On 2000-09-29 AAPL really fell by 52 %; on 2000-06-21, 2005-02-28 and (MSFT)
2003-02-18 it was 2:1 splits. In the sample, as open / last close, close / last close, volume / median of 20 sessions:

    split 2000-06-21    0.499   0.549    1.3
    split 2003-02-18    0.510   0.517    0.7
    split 2005-02-28    0.502   0.504    0.6
    crash 2000-09-29    0.527   0.481   22.4

No list of ratios tells them apart: there are splits of 1:190 and 49.426:1, and 10 % in stock. What does is that nothing has
happened: the day is traded like any other, in shares or in dollars, while nobody loses half a company on an ordinary day's
volume, nor a tenth. Of 34 real nights of the sample that were three times as long as its longer ones, the quietest had 2.1
times the usual volume (AAPL, 2012-04-25, +9.9 %), those beyond 15 % at least 2.7 times.
"""

from typing import TYPE_CHECKING

from my_dagster_project.domain.trading_days import Thresholds, TradingDays, deviation, rarely_exceeded

if TYPE_CHECKING:
    import pandas as pd

# Times the longer nights of the symbol, those it exceeds one time in twenty.
_NIGHTS = 3
_BEFORE = 3
# A step asks for so much of `Thresholds.busy`, for all of it from the second factor on, and for more beyond the third: nothing
# loses six sevenths overnight on three times its volume, though a split on the day after a crash looks like that.
_LEAST_BUSY, _ALL_BUSY, _HALVED = 0.4, 1.43, 2.0
# No volume explains more: no listed stock has opened at 20 times, or a 20th of, its last close.
_NEVER = 20.0
# Times the usual night, of a declared split that an ordinary night cannot be taken for.
_CLEAR_NIGHTS = 6


def unexplained_steps(days: TradingDays, limits: Thresholds, sessions: "pd.Series | int" = 1) -> "pd.Series":
    """True for the rows that begin on another level than the session before ended.

    A row counts when its open is `limits.step` or more away and far outside the symbol's own nights, its whole range lies
    on the new side of halfway (geometric), also from where prices were for some sessions, and its volume is ordinary for a
    step of that size. `sessions` is how many of them lie between a row and the one before: over a hole prices go on as in
    days, and only what no day does is a step.
    """
    import numpy as np

    last = days.close.shift()
    step, high, low = (np.log(price / last) for price in (days.open, days.high, days.low))
    night, day = (_NIGHTS * rarely_exceeded(moves) for moves in (step, np.log(days.close).diff()))
    over_hole = np.maximum(np.log(_ALL_BUSY), np.sqrt(sessions) * day)
    usual = np.where(np.greater(sessions, 1), over_hole, night)
    limit = np.maximum(np.log(limits.step), usual) + days.grain
    level = np.log(days.open / days.close.rolling(_BEFORE, min_periods=1).median().shift())
    moved = (step < 0) & (high < step / 2) | (step > 0) & (low > step / 2)
    # Back from a single wrong close is no new level.
    moved &= level / step >= 0.5
    asked = np.minimum(1, _LEAST_BUSY + (1 - _LEAST_BUSY) * step.abs() / np.log(_ALL_BUSY))
    news = limits.busy * np.maximum(asked, step.abs() / np.log(_HALVED))
    explained = (days.busier > news) & (step.abs() <= np.log(_NEVER))
    return (step.abs() >= limit) & moved & ~explained


def unadjusted_declared(bars: "pd.DataFrame", days: TradingDays) -> "pd.Series":
    """True for the rows of a bars frame, `days` of which are given, at which the source itself declares a split (column
    `split_ratio`) and adjusted prices open nearer to the split than to the last close, whatever was traded."""
    import numpy as np

    if "split_ratio" not in bars:
        return bars["session"].isna()
    split = np.log(bars["split_ratio"].where(bars["split_ratio"] > 0, 1.0))
    step = np.log(days.open / days.close.shift())
    return (split.abs() >= _CLEAR_NIGHTS * deviation(step)) & ((step + split).abs() < step.abs())
