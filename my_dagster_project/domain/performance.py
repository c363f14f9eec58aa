"""What an equity curve was worth: return, risk, and the curve of someone who just bought and held.

A curve is a list of (session, equity in dollars at that session's close), oldest first, one point per session.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from my_dagster_project.domain.volatility import SESSIONS_A_YEAR
from my_dagster_project.foundation.errors import MarketDataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pandas import DataFrame, Series

# Of fewer returns an interval says nothing that their number does not say.
LEAST_RETURNS = 20
_DRAWS = 2000

EquityCurve = list[tuple["date", float]]


@dataclass(frozen=True)
class Performance:
    """Figures of one equity curve, all fractions except `sharpe`; `math.nan` where a figure does not exist.

    `volatility` and `sharpe` are annualised; `max_drawdown` is the worst fall from a peak, at most 0.
    """

    total_return: float = math.nan
    volatility: float = math.nan
    sharpe: float = math.nan
    max_drawdown: float = math.nan


def performance(curve: Sequence[tuple[date, float]], starting_cash: float | None = None) -> Performance:
    """Figures of `curve`; with `starting_cash` (dollars) the first session's own gain and costs count too.

    Sharpe ratio (Sharpe 1994) on simple returns per session with a zero risk-free rate and the sample deviation,
    annualised by the root of 252; NaN for fewer than 2 returns or when nothing moved.
    """
    equity = ([] if starting_cash is None else [starting_cash]) + [value for _, value in curve]
    if len(equity) < 2:
        return Performance()
    returns = [after / before - 1 for before, after in itertools.pairwise(equity)]
    mean, deviation = _mean_and_deviation(returns)
    return Performance(
        total_return=equity[-1] / equity[0] - 1,
        volatility=deviation * math.sqrt(SESSIONS_A_YEAR),
        sharpe=mean / deviation * math.sqrt(SESSIONS_A_YEAR) if deviation > 0 else math.nan,
        max_drawdown=_max_drawdown(equity),
    )


def return_interval(
    curve: Sequence[tuple[date, float]], starting_cash: float | None = None
) -> tuple[float, float]:
    """95 % interval of the total return: how far luck alone moves it, sessions like these drawn anew; NaNs for too few of them.

    The stationary bootstrap of Politis and Romano, J. Am. Stat. Assoc. 89 (1994): blocks of sessions in a row keep what one
    session has to do with the next; their length is geometric with mean n^(1/3) (Hall, Horowitz and Jing, Biometrika 82
    (1995)). Percentiles of 2,000 drawn total returns; the draw is the same every time.
    """
    import numpy as np

    equity = np.array(([] if starting_cash is None else [starting_cash]) + [value for _, value in curve])
    if len(equity) <= LEAST_RETURNS:
        return math.nan, math.nan
    growth = equity[1:] / equity[:-1]
    random, sessions = np.random.default_rng(0), len(growth)
    begins = random.random((sessions, _DRAWS)) < sessions ** (-1 / 3)
    at = random.integers(sessions, size=(sessions, _DRAWS))
    for row in range(1, sessions):
        at[row] = np.where(begins[row], at[row], (at[row - 1] + 1) % sessions)
    low, high = np.percentile(growth[at].prod(axis=0) - 1, [2.5, 97.5])
    return float(low), float(high)


def _mean_and_deviation(values: list[float]) -> tuple[float, float]:
    mean = math.fsum(values) / len(values)
    if len(values) < 2 or max(values) == min(values):
        return mean, math.nan if len(values) < 2 else 0.0
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _max_drawdown(equity: list[float]) -> float:
    peak, worst = equity[0], 0.0
    for value in equity:
        peak = max(peak, value)
        worst = min(worst, value / peak - 1)
    return worst


def buy_and_hold(
    bars: Mapping[str, DataFrame],
    first_session: date,
    last_session: date,
    starting_cash: float,
    cost_bps: float | Mapping[str, float] = 0.0,
    largest_share: float = 1.0,
) -> EquityCurve:
    """Equity of someone who split `starting_cash` (dollars) equally over the symbols and then did nothing.

    With `largest_share` no symbol gets more than this fraction; what is left stays cash.

    Each symbol is bought at the raw open of its first bar in the range (its share stays cash until then), in fractional
    shares, paying `cost_bps` (1/10000 of what is bought, of all symbols or by symbol) out of the same share; it is never
    sold. Afterwards the holding follows the adjusted close, so that splits and dividends are neither lost nor counted twice.
    A session without a bar keeps the last value. One point for each session on which any symbol traded.

    Raises MarketDataError when a symbol has no bar in the range.
    """
    import pandas as pd

    share = starting_cash * min(1 / len(bars), largest_share)
    idle = starting_cash - share * len(bars)
    held = {symbol: _holding(frame, symbol, first_session, last_session) for symbol, frame in bars.items()}
    growth = pd.DataFrame(held).sort_index().ffill()
    costs = pd.Series(cost_bps, index=growth.columns, dtype=float)
    values = (growth * share / (1 + costs / 10_000)).fillna(share).sum(axis=1) + idle
    return [(session.date(), float(value)) for session, value in values.items()]


def buying_costs(dollars: float, cost_bps: float) -> float:
    """What buying for so many dollars, costs included, costs: the rest is what shares are had for."""
    return dollars - dollars / (1 + cost_bps / 10_000)


def _holding(bars: DataFrame, symbol: str, first_session: date, last_session: date) -> Series:
    """What one dollar put in at the first open of the range is worth at each close."""
    import pandas as pd

    inside = bars["session"].between(pd.Timestamp(first_session), pd.Timestamp(last_session))
    rows = bars[inside].set_index("session")
    if rows.empty:
        raise MarketDataError(
            f"{symbol}: no bar between {first_session} and {last_session}, so buying and holding it has no value; "
            "fetch its bars or choose other sessions."
        )
    first = rows.iloc[0]
    return first["close"] / first["open"] * rows["adj_close"] / first["adj_close"]
