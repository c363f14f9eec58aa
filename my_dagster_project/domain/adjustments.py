"""Splits and dividends of a symbol, from its bars. Those that a source forgot to adjust for are `splits.py`'s.

Where the source says them (columns `split_ratio`, new shares per old, and `dividend`, dollars a share as of the session's open)
that is what they are. Where there are only adjusted closes, the step of the factor (adj_close / close) from one session to the
next says what a share of yesterday is worth today, and is booked in full, whatever it was:

- a step within 3 % above a ratio that people deal in (6:5 and more, or a reverse split) is that split; what is left of it, a
  dividend on the same day; any other step down is the reverse split that it says, exactly;
- any other step up is cash, close x (1 - 1 / step) a share: a dividend, special or not, a spin-off, 10 % in stock.

Either way equity does not move by it. A step of more than 6:5 of which the price knows nothing (it opens nearer to the last
close than to what the step makes of it) is a mistake of the source: it is not booked, and its symbol is not traded.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

NO_SPLIT = Decimal(1)
LARGE = 1.2
_FINE = Decimal("0.000001")
# Sources round adjusted closes to cents, which moves the factor by this many dollars over the close, on either side.
_ROUNDING = 0.0051


@dataclass(frozen=True)
class Actions:
    """By the session before whose open they are effective: new shares per old share, dollars a (new) share, steps unexplained."""

    splits: Mapping[date, Decimal] = field(default_factory=dict)
    dividends: Mapping[date, Decimal] = field(default_factory=dict)
    unexplained: Mapping[date, float] = field(default_factory=dict)


def corporate_actions(bars: "pd.DataFrame") -> Actions:
    """Give the splits and dividends of a symbol's bars, sorted by session."""
    said = [name for name in ("split_ratio", "dividend") if name in bars.columns]
    if said:
        ratios, dividends = (
            _said(bars, name) if name in said else {} for name in ("split_ratio", "dividend")
        )
        splits = {day: value for day, value in ratios.items() if value != NO_SPLIT}
        return Actions(splits, dividends)
    found, unexplained = {}, {}
    for day, step, close, opened in _steps(bars):
        if max(step, 1 / step) > LARGE and abs(math.log(opened / close * step)) > abs(
            math.log(opened / close)
        ):
            unexplained[day] = step
        else:
            found[day] = action_of(step, close)
    return Actions(
        {day: ratio for day, (ratio, _) in found.items() if ratio != NO_SPLIT},
        {day: cash for day, (_, cash) in found.items() if cash},
        unexplained,
    )


def action_of(step: float, close: float) -> tuple[Decimal, Decimal]:
    """Give the split (new shares per old) and the cash (dollars a new share) of a step of the adjustment factor.

    `close` is the raw close before it, dollars: a share of it is worth as much as ratio x (close / (ratio x rest) + cash).
    """
    ratio = _split(step)
    if ratio is None:
        ratio = NO_SPLIT if step > 1 else Decimal(repr(step))
    rest = step / float(ratio)
    cash = Decimal(repr(close)) / ratio * (1 - 1 / Decimal(repr(rest))) if rest > 1 else Decimal(0)
    return ratio, cash.quantize(_FINE)


def _split(step: float) -> Decimal | None:
    """Give the ratio of small whole numbers that a step is, or is less than 3 % above; None when there is none."""
    if 1 / LARGE < step < LARGE:
        return None
    ratio = _small_ratio(step) if step > 1 else 1 / _small_ratio(1 / step)
    rest = step / float(ratio)
    # A ten-thousandth below is the source's rounding.
    return Decimal(ratio.numerator) / Decimal(ratio.denominator) if 0.9999 < rest < 1.03 else None


def _small_ratio(step: float) -> Fraction:
    # 5:4, 4:3, 3:2 exist below 2; 5:2 and 7:2 below 4; above that only whole numbers do.
    return Fraction(step).limit_denominator(5 if step < 1.9 else 2 if step < 4 else 1)


def _steps(bars: "pd.DataFrame") -> Iterator[tuple[date, float, float, float]]:
    """Give each step beyond rounding: the session, the step since the last one, the raw close before, the raw open."""
    columns = zip(bars["session"], bars["close"], bars["adj_close"], bars["open"], strict=True)
    known: tuple[float, float] | None = None  # factor, and how far rounding may have moved it
    before = 0.0
    for stamp, close, adjusted, opened in columns:
        if not (min(close, adjusted, opened) > 0 and math.isfinite(close * adjusted * opened)):
            continue
        factor, fuzzy = adjusted / close, _ROUNDING / adjusted
        if known is None:
            known = factor, fuzzy
        elif abs(factor / known[0] - 1) > known[1] + fuzzy:
            yield stamp.date(), factor / known[0], before, opened
            known = factor, fuzzy
        before = close


def _said(bars: "pd.DataFrame", name: str) -> dict[date, Decimal]:
    rows = bars[["session", name]].dropna()
    rows = rows[rows[name] > 0]
    return {
        stamp.date(): Decimal(repr(float(value)))
        for stamp, value in zip(rows["session"], rows[name], strict=True)
    }
