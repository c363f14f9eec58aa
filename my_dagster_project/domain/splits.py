"""Steps between two sessions that trading does not explain: a split nobody adjusted for, or prices in another unit.

A crash and a split both halve a price. On 2000-09-29 AAPL really fell by 52 %; on 2000-06-21, 2005-02-28 and (MSFT)
2003-02-18 it was 2:1 splits. In the sample, as open / last close, close / last close, volume / median of 20 sessions:

    split 2000-06-21    0.499   0.549    1.3
    split 2003-02-18    0.510   0.517    0.7
    split 2005-02-28    0.502   0.504    0.6
    crash 2000-09-29    0.527   0.481   22.4

No list of ratios tells them apart: there are splits of 1:190 and 49.426:1. What does is that nothing has happened: the day is
traded like any other, in shares or in dollars, while nobody loses half a company on an ordinary day's volume.
"""

from typing import TYPE_CHECKING

from my_dagster_project.domain.trading_days import Thresholds, deviation, trading_days

if TYPE_CHECKING:
    import pandas as pd

# Times the usual night of the symbol: nights of lively stocks that trade a few dollars a day.
_NIGHTS = 10
# No volume explains more: no listed stock has opened at 20 times, or a 20th of, its last close.
_NEVER = 20.0
# A declared split smaller than this moves prices less than a usual week does.
_SMALLEST_DECLARED = 0.095


def unexplained_steps(bars: "pd.DataFrame", limits: Thresholds) -> "pd.Series":
    """True for the rows of a bars frame, sorted by session, that begin on another level than the session before ended.

    A row counts when its open is `limits.step` or more away and far outside the symbol's own nights, its whole range lies
    on the new side of halfway (geometric), and its volume is ordinary.
    """
    import numpy as np

    days = trading_days(bars)
    last = days.close.shift()
    step, high, low = (np.log(price / last) for price in (days.open, days.high, days.low))
    limit = np.maximum(np.log(limits.step), _NIGHTS * deviation(step)) + days.grain
    moved = (step < 0) & (high < step / 2) | (step > 0) & (low > step / 2)
    explained = (days.busy > limits.busy) & (step.abs() <= np.log(_NEVER))
    return (step.abs() >= limit) & moved & ~explained


def unadjusted_declared(bars: "pd.DataFrame") -> "pd.Series":
    """True for the rows at which the source itself declares a split (`attrs["splits"]`, new shares for one old, by session)
    and adjusted prices open nearer to the split than to the last close, whatever was traded."""
    import numpy as np
    import pandas as pd

    declared = {pd.Timestamp(day): float(ratio) for day, ratio in bars.attrs.get("splits", {}).items()}
    split = np.log(bars["session"].map(declared).astype("float64"))
    days = trading_days(bars)
    step = np.log(days.open / days.close.shift())
    return (split.abs() >= _SMALLEST_DECLARED) & ((step + split).abs() < step.abs())
