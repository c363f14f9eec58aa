"""Telling a split that nobody adjusted for from a crash.

Both halve a price. On 2000-09-29 AAPL really fell by 52 %; on 2000-06-21, 2005-02-28 and (MSFT) 2003-02-18 it was 2:1 splits.
What tells them apart in the sample, as open / last close, close / last close, volume / median of 20 sessions:

    split 2000-06-21    0.499   0.549    1.3
    split 2003-02-18    0.510   0.517    0.7
    split 2005-02-28    0.502   0.504    0.6
    crash 2000-09-29    0.527   0.481   22.4

A split happens between two sessions: the *open* stands at the ratio, while the close has a day of trading on top (a rule
of "close within 2 % of 1:2" would have missed two of the three). And nothing has happened: the day is traded like any other,
while nobody loses half a company on an ordinary day's volume.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

# New shares for one old; reverse splits are the inverses. Below 3:2 (5:4, 10 % in stock) ordinary news moves prices as much.
RATIOS = (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0)
# How far the open may stand from the ratio: the usual night, two standard deviations of a volatile stock's. The sample's worst
# split is 2.0 % off, its crash 5.4 %.
OPEN_TOLERANCE = 0.04
# Times the median of VOLUME_SESSIONS, on top of the n-fold number of shares. Crashes of this size trade 10 times and more.
ORDINARY_VOLUME = 3.0
VOLUME_SESSIONS = 20


def unadjusted_splits(bars: "pd.DataFrame") -> "pd.Series":
    """True for the rows at which the adjusted prices of a bars frame, sorted by session, jump as at a split.

    Looks at adjusted prices (raw times adj_close / close): an adjusted split leaves no jump in them, a forgotten one does, and
    so does an adjustment for a split that never was. A row counts when its open stands at a split's ratio to the last close,
    its whole range lies on the new side of halfway (geometric), and its volume is ordinary. Rows next to prices that are not
    positive and finite never count.
    """
    import numpy as np
    import pandas as pd

    usable = bars.where(
        np.isfinite(bars["adj_close"]) & (bars[["open", "high", "low", "close", "adj_close"]] > 0).all(axis=1)
    )
    last_close = usable["adj_close"].shift()
    factor = usable["adj_close"] / usable["close"]
    opened, high, low = (usable[name] * factor / last_close for name in ("open", "high", "low"))
    busy = usable["volume"] / usable["volume"].shift().rolling(VOLUME_SESSIONS, min_periods=1).median()
    jumps = pd.Series(False, index=bars.index)
    for ratio in RATIOS:
        ordinary = ~(busy > ORDINARY_VOLUME * ratio)
        down = ((opened * ratio - 1).abs() <= OPEN_TOLERANCE) & (high < ratio**-0.5)
        up = ((opened / ratio - 1).abs() <= OPEN_TOLERANCE) & (low > ratio**0.5)
        jumps |= (down | up) & ordinary
    return jumps
