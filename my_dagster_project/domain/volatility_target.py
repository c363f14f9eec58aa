"""Scales what a strategy wants so that the account as a whole moves as much as the team asks for (`trading.volatility_target`).

    scale = target / sigma,   sigma = sqrt(252) x standard deviation of the wanted portfolio's last 21 one-session returns

The portfolio's return of a session is the sum of share x return over its symbols, so how they move together counts: sigma is
sqrt(w' S w) of the sample covariance S. After Moreira and Muir, "Volatility-Managed Portfolios", Journal of Finance 72 (2017),
who measure over the last month as well, and Harvey and others, "The Impact of Volatility Targeting", Journal of Portfolio
Management 45 (2018), who divide by the volatility as here. Nothing is borrowed for it: together the shares never exceed the
equity (or what the strategy wanted of it), and each stays within the limits.

What the strategy leaves alone keeps its size, but at most scale x `position_share`; with such positions the scale is the largest
one at which the whole comes to the target. (Multiplied by the scale itself they would shrink anew every session.)
"""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_DOWN, Decimal

from my_dagster_project.domain.plan import Rules, Snapshot
from my_dagster_project.domain.strategies import LEAST_VOLATILITY, Weight
from my_dagster_project.domain.volatility import SESSIONS_A_YEAR, WINDOW

_STEP = Decimal("0.000001")
_HALVINGS = 30


def scaled(
    weights: Mapping[str, Weight],
    snapshot: Snapshot,
    returns: Mapping[str, Mapping[date, float]],
    rules: Rules,
    leaving: Mapping[str, str],
) -> dict[str, Weight]:
    """Give the weights times what brings the portfolio to the rules' target (a fraction, annualised).

    `returns` are log returns by symbol and session, up to this one; a symbol without any is not bought. `leaving` is sold
    anyway.
    """
    wanted = {symbol: one.share for symbol, one in weights.items() if one.share is not None}
    present = _present(snapshot)
    alone = {symbol: share for symbol, share in present.items() if symbol not in {*wanted, *leaving}}
    portfolio = _Portfolio(wanted, alone, rules.position_share)
    target = rules.volatility_target or Decimal(0)
    now = portfolio_volatility(portfolio.at(1.0), returns)
    # What stands still is left as it is.
    scale = 1.0 if now < LEAST_VOLATILITY else _scale(portfolio, returns, float(target))
    said = f"x {scale:.2f} for a volatility of {target:.1%} a year (now {now:.1%})"
    shares = {symbol: Decimal(repr(share)) for symbol, share in portfolio.at(scale).items()}
    return {
        symbol: _weight(symbol, one, present.get(symbol), shares.get(symbol), returns, said)
        for symbol, one in weights.items()
    }


@dataclass(frozen=True)
class _Portfolio:
    """Shares of equity: those a strategy wants, those it leaves alone, and what it would have bought of these."""

    wanted: Mapping[str, Decimal]
    alone: Mapping[str, Decimal]
    usual: Decimal

    def at(self, scale: float) -> dict[str, float]:
        """Give the shares at a scale."""
        most = scale * float(self.usual)
        kept = {symbol: float(share) for symbol, share in self.alone.items()}
        kept = {symbol: math.copysign(min(abs(share), most), share) for symbol, share in kept.items()}
        return {symbol: scale * float(share) for symbol, share in self.wanted.items()} | kept

    @property
    def largest_scale(self) -> float:
        """Give a scale beyond which nothing that counts changes: all is invested, and all that is left alone left alone."""
        invested = float(sum(map(abs, self.wanted.values()), Decimal(0)))
        return max(1.0, 1 / float(self.usual), 1 / invested if invested else 1.0)


def _scale(portfolio: _Portfolio, returns: Mapping[str, Mapping[date, float]], target: float) -> float:
    """Give the largest scale at which the portfolio moves no more than the target and borrows nothing, by halving."""
    most = max(1.0, sum(map(abs, portfolio.at(1.0).values())))

    def fits(scale: float) -> bool:
        shares = portfolio.at(scale)
        return sum(map(abs, shares.values())) <= most and portfolio_volatility(shares, returns) <= target

    low, high = 0.0, portfolio.largest_scale
    if fits(high):
        return high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def portfolio_volatility(shares: Mapping[str, float], returns: Mapping[str, Mapping[date, float]]) -> float:
    """Give the annualised standard deviation of a portfolio's last 21 returns, 0 where none is known.

    A symbol that did not trade in one of these sessions stood still in it.
    """
    days = sorted({day for symbol in shares for day in returns.get(symbol, ())})[-WINDOW:]
    moves = [
        sum(share * math.expm1(returns.get(symbol, {}).get(day, 0.0)) for symbol, share in shares.items())
        for day in days
    ]
    return statistics.stdev(moves) * math.sqrt(SESSIONS_A_YEAR) if len(moves) > 1 else 0.0


def _present(snapshot: Snapshot) -> dict[str, Decimal]:
    if snapshot.equity <= 0:
        return {}
    prices = {**snapshot.marks, **snapshot.closes}
    return {
        symbol: qty * prices[symbol] / snapshot.equity
        for symbol, qty in snapshot.signed.items()
        if symbol in prices
    }


def _weight(
    symbol: str,
    weight: Weight,
    present: Decimal | None,
    share: Decimal | None,
    returns: Mapping[str, Mapping[date, float]],
    said: str,
) -> Weight:
    """Give a symbol's weight with its share; None of it, and one that is left alone whole, stay what they are."""
    if not share or (weight.share is None and present is not None and abs(share) >= abs(present) - _STEP):
        return weight
    if symbol not in returns:
        return Weight(None, f"{weight.why}; its volatility is not known: left as it is")
    return replace(weight, share=share.quantize(_STEP, ROUND_DOWN), why=f"{weight.why}; {said}")
