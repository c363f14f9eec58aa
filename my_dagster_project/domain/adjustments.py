"""The splits that a source's adjusted closes speak of. Those it forgot to adjust for are `splits.py`'s."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NO_SPLIT = Decimal(1)


def adjusted_splits(bars: "pd.DataFrame") -> dict[date, Decimal]:
    """Give the new shares per old share, by the session before whose open they became effective, of a symbol's bars."""
    sessions = [stamp.date() for stamp in bars["session"]]
    factors = (bars["adj_close"] / bars["close"]).tolist()
    steps = zip(factors, factors[1:], sessions[1:], strict=False)
    ratios = {day: split_between(before, after) for before, after, day in steps}
    return {day: ratio for day, ratio in ratios.items() if ratio != NO_SPLIT}


def split_between(before: float, after: float) -> Decimal:
    """Give the split that the step of the adjustment factor (adj_close / close) from one session to the next says.

    A dividend moves the factor by its yield, a percent or so; a split multiplies it by n/m. A step smaller than
    6:5 is taken for a dividend; a larger one for the nearest ratio of small whole numbers within 3 % (a dividend
    may fall on the same day). Any other step is no split, because nobody deals in such ratios.
    """
    step = after / before
    if 0.82 < step < 1.22:
        return NO_SPLIT
    ratio = _small_ratio(step) if step > 1 else 1 / _small_ratio(1 / step)
    near = abs(float(ratio) / step - 1) < 0.03
    return Decimal(ratio.numerator) / Decimal(ratio.denominator) if near else NO_SPLIT


def _small_ratio(step: float) -> Fraction:
    # 5:4, 4:3, 3:2 exist below 2; 5:2 and 7:2 below 4; above that only whole numbers do.
    return Fraction(step).limit_denominator(4 if step < 1.9 else 2 if step < 4 else 1)
