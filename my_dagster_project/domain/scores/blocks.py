"""How far luck alone moves a figure: sessions like these drawn anew, in blocks, by the stationary bootstrap.

Politis and Romano, J. Am. Stat. Assoc. 89 (1994), from `arch`; the mean length of a block is Politis and White's (Econometric
Reviews 23 (2004), corrected 28 (2009)), by the series that the figure hangs on. The draw is the same every time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAWS = 1000
LEAST_SESSIONS = 20
"""Of fewer an interval says nothing that their number does not say."""
_LEVEL = (2.5, 97.5)


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval; NaN where there is none."""

    value: float = math.nan
    low: float = math.nan
    high: float = math.nan

    def excludes(self, bound: float) -> bool:
        """Whether the interval lies on one side of a bound: only then may anything be claimed."""
        return self.low > bound or self.high < bound


NOTHING = Figure()


def block_length(series: Any) -> float:
    """The mean length of a block in sessions, at least 1, at most a third of the series."""
    import numpy as np

    known = np.asarray(series, float)
    known = known[~np.isnan(known)]
    if len(known) < LEAST_SESSIONS or np.ptp(known) == 0:
        return 1.0
    from arch.bootstrap import optimal_block_length

    found = float(optimal_block_length(known)["stationary"].iloc[0])
    return min(max(found, 1.0), len(known) / 3) if math.isfinite(found) else 1.0


def drawn(sessions: int, block: float, draws: int = DRAWS) -> NDArray[Any]:
    """Which session stands in each place of each draw: integers (draws, sessions), those of `arch`'s StationaryBootstrap.

    All draws at once: one after the other they took 12 of the 14 seconds of a walk's scores.
    """
    import numpy as np

    dice = np.random.default_rng(0)
    thrown = [(dice.integers(sessions, size=sessions), dice.random(sessions)) for _ in range(draws)]
    begins = np.stack([chances for _, chances in thrown]) <= 1 / block
    begins[:, 0] = True
    places = np.arange(sessions)
    first = np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    starts = np.take_along_axis(np.stack([ones for ones, _ in thrown]), first, axis=1)
    return (starts + places - first) % sessions


def counted(places: NDArray[Any]) -> NDArray[Any]:
    """How often each session is in each draw: what a figure made of sums over sessions needs, (draws, sessions)."""
    import numpy as np

    draws, sessions = places.shape
    shifted = places + sessions * np.arange(draws)[:, None]
    return np.bincount(shifted.ravel(), minlength=draws * sessions).reshape(draws, sessions).astype(float)


def figure(value: float, draws: Any) -> Figure:
    """A figure with the percentile interval of its draws; none where more than a tenth of them has no figure."""
    import numpy as np

    known = np.asarray(draws, float)
    known = known[np.isfinite(known)]
    if math.isnan(value) or len(known) < 0.9 * np.size(draws) or not len(known):
        return Figure(float(value))
    low, high = np.percentile(known, _LEVEL)
    return Figure(float(value), float(low), float(high))
