"""Splits and dividends of a symbol, from its bars. Those that a source forgot to adjust for are `splits.py`'s.

Where the source says them (columns `split_ratio`, new shares per old, and `dividend`, dollars a share as of the session's open)
that is what they are, exactly, if the prices have them: yfinance writes splits beside closes that are adjusted for them, and by
default dividends too; who holds at such prices gets neither again. Prices have what the factor (adj_close / close) steps by from
one session to the next, or, where it does not step, what they themselves clearly do. A step by something else, or by what nobody
said, counts as where there are only adjusted closes. There it says what a share of yesterday is worth today, and is booked in
full, whatever it was:

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

DECLARED = ("split_ratio", "dividend")
"""Columns that bars have where their source says them."""
NO_SPLIT = Decimal(1)
LARGE = 1.2
# How far a step may be off what was declared, as a part of it: sources round both.
_AGREES = 0.25
# Declared ratios are written with four decimals: 1.3333 is 4:3.
_DECIMALS, _LARGEST_PART = 5.1e-5, 20
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
    found: dict[date, tuple[Decimal, Decimal]] = {}
    unexplained: dict[date, float] = {}
    for one in _steps(bars, _declared(bars)):
        if one.has_what_was_declared:
            found[one.session] = one.ratio, one.cash
        elif one.is_step and one.is_unknown_to_prices:
            unexplained[one.session] = one.factor
        elif one.is_step:
            found[one.session] = action_of(one.factor, one.close)
    return Actions(
        {day: ratio for day, (ratio, _) in found.items() if ratio != NO_SPLIT},
        {day: cash for day, (_, cash) in found.items() if cash},
        unexplained,
    )


@dataclass(frozen=True)
class _Step:
    """A session: by what the adjustment factor steps at its open, the raw close before, the raw open, what was declared.

    `rounding` is how far the factor may be off; `adjusted` says that closes are adjusted ones throughout.
    """

    session: date
    factor: float
    close: float
    opened: float
    rounding: float
    adjusted: bool
    ratio: Decimal = NO_SPLIT
    cash: Decimal = Decimal(0)

    @property
    def is_step(self) -> bool:
        """Whether the factor moves by more than sources round."""
        return abs(self.factor - 1) > self.rounding

    @property
    def expected(self) -> float:
        """The step that was declared; 1 where none was, or more cash than a share was worth."""
        rest = 1 - float(self.ratio * self.cash) / self.close
        return float(self.ratio) / rest if rest > 0 else 1.0

    @property
    def is_unseen(self) -> bool:
        """Whether what was declared is less than the factor's rounding."""
        return not self.is_step and 0 < abs(self.expected - 1) <= self.rounding

    @property
    def has_what_was_declared(self) -> bool:
        """Whether something was, and the raw prices step by it."""
        expected = self.expected
        if expected == 1:
            return False
        if self.is_step:
            room = max(_AGREES * abs(math.log(expected)), self.rounding)
            return abs(math.log(self.factor / expected)) <= room
        if self.is_unseen:
            return not self.adjusted
        return max(expected, 1 / expected) > LARGE and self._opens_after(expected)

    @property
    def is_unknown_to_prices(self) -> bool:
        """Whether a large step is the factor's alone."""
        return max(self.factor, 1 / self.factor) > LARGE and not self._opens_after(self.factor)

    def _opens_after(self, step: float) -> bool:
        night = math.log(self.opened / self.close)
        return abs(night + math.log(step)) <= abs(night)


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


def _steps(bars: "pd.DataFrame", declared: Mapping[date, tuple[Decimal, Decimal]]) -> Iterator[_Step]:
    """Give each session at which the factor steps beyond rounding, and those declared."""
    columns = zip(bars["session"], bars["close"], bars["adj_close"], bars["open"], strict=True)
    adjusted = bool(declared) and bool((bars["adj_close"] == bars["close"]).all())
    known: tuple[float, float] | None = None  # factor, and how far rounding may have moved it
    before = 0.0
    for stamp, close, price, opened in columns:
        if not (min(close, price, opened) > 0 and math.isfinite(close * price * opened)):
            continue
        factor, fuzzy = price / close, _ROUNDING / price
        if known is None:
            known = factor, fuzzy
        elif abs(factor / known[0] - 1) > known[1] + fuzzy or stamp.date() in declared:
            session, rounding = stamp.date(), known[1] + fuzzy
            said = declared.get(session, (NO_SPLIT, Decimal(0)))
            one = _Step(session, factor / known[0], before, opened, rounding, adjusted, *said)
            yield one
            if one.is_step:
                known = factor, fuzzy
            elif one.is_unseen:
                known = known[0] * one.expected, known[1]  # or several of them would be a step of their own
        before = close


def _declared(bars: "pd.DataFrame") -> dict[date, tuple[Decimal, Decimal]]:
    """Give by session the split and the cash that the source says."""
    ratios, cash = (_said(bars, name) if name in bars.columns else {} for name in DECLARED)
    days = {day for day, ratio in ratios.items() if ratio != NO_SPLIT} | cash.keys()
    return {day: (ratios.get(day, NO_SPLIT), cash.get(day, Decimal(0))) for day in days}


def _said(bars: "pd.DataFrame", name: str) -> dict[date, Decimal]:
    rows = bars[["session", name]].dropna()
    rows = rows[rows[name] > 0]
    exact = _ratio if name == "split_ratio" else _decimal
    return {
        stamp.date(): exact(float(value)) for stamp, value in zip(rows["session"], rows[name], strict=True)
    }


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))


def _ratio(value: float) -> Decimal:
    near = Fraction(value).limit_denominator(_LARGEST_PART)
    exact = near.numerator > 0 and abs(value - near) <= _DECIMALS
    return Decimal(near.numerator) / Decimal(near.denominator) if exact else _decimal(value)
