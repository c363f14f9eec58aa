"""Scales what a strategy wants so that the account as a whole moves as much as the team asks for (`trading.volatility_target`).

    scale = target / sigma,   sigma = sqrt(252) x standard deviation of the wanted portfolio's last 21 one-session returns

The portfolio's return of a session is the sum of share x return over its symbols, so how they move together counts: sigma is
sqrt(w' S w) of the sample covariance S. After Moreira and Muir, "Volatility-Managed Portfolios", Journal of Finance 72 (2017),
who measure over the last month as well, and Harvey and others, "The Impact of Volatility Targeting", Journal of Portfolio
Management 45 (2018), who divide by the volatility as here. Nothing is borrowed for it: together the shares never exceed the
equity (or what the strategy wanted of it), and each stays within the limits.
"""

import math
import statistics
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import ROUND_DOWN, Decimal

from my_dagster_project.domain.plan import Snapshot
from my_dagster_project.domain.strategies import LEAST_VOLATILITY, Weight
from my_dagster_project.domain.volatility import SESSIONS_A_YEAR, WINDOW

_STEP = Decimal("0.000001")


def scaled(
    weights: Mapping[str, Weight],
    snapshot: Snapshot,
    returns: Mapping[str, Mapping[date, float]],
    target: Decimal,
    leaving: Mapping[str, str],
) -> dict[str, Weight]:
    """Give the weights times what brings the portfolio to the target (a fraction, annualised).

    `returns` are log returns by symbol and session, up to this one. What the strategy leaves alone counts with the share it
    has, and is only ever made smaller; a symbol whose returns are not known is not bought. `leaving` is sold anyway.
    """
    present = {symbol: share for symbol, share in _present(snapshot).items() if symbol not in leaving}
    wanted = present | {symbol: one.share for symbol, one in weights.items() if one.share is not None}
    sigma = portfolio_volatility({symbol: float(share) for symbol, share in wanted.items()}, returns)
    scale = _scale(target, sigma, sum(map(abs, wanted.values()), Decimal(0)))
    said = f"x {scale:.2f} for a volatility of {target:.1%} a year (now {sigma:.1%})"
    return {symbol: _weight(symbol, one, present, returns, scale, said) for symbol, one in weights.items()}


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


def _scale(target: Decimal, sigma: float, invested: Decimal) -> Decimal:
    """Give the scale; a portfolio that stands still is left as it is."""
    if sigma < LEAST_VOLATILITY:
        return Decimal(1)
    most = max(Decimal(1), 1 / invested) if invested else Decimal(1)
    return min(target / Decimal(repr(sigma)), most)


def _weight(
    symbol: str,
    weight: Weight,
    present: Mapping[str, Decimal],
    returns: Mapping[str, Mapping[date, float]],
    scale: Decimal,
    said: str,
) -> Weight:
    share = weight.share
    if share is None and scale < 1:
        share = present.get(symbol)
    if not share:
        return weight
    if symbol not in returns:
        return Weight(None, f"{weight.why}; its volatility is not known: left as it is")
    return replace(weight, share=(share * scale).quantize(_STEP, ROUND_DOWN), why=f"{weight.why}; {said}")
