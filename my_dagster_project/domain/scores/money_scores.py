"""What a team's money did, each figure with how far luck alone moves it, beside buying and holding its own symbols.

Returns are simple, per session, after costs; the risk-free rate is 0. Figures are `empyrical`'s definitions (its tests are ours).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.scores.blocks import (
    LEAST_SESSIONS,
    NOTHING,
    Figure,
    block_length,
    drawn,
    figure,
)
from my_dagster_project.domain.volatility import SESSIONS_A_YEAR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_PER_SESSION = ("returns", "held", "traded", "costs", "exposure")


@dataclass(frozen=True)
class MoneyScores:
    """Fractions, but for `sharpe`, `sharpe_error` and `sortino`; a figure that does not exist is NaN.

    `volatility`, `sharpe`, `sortino`, `turnover` and `costs` are a year's, `total_return`, `excess` (over the own buy-and-hold) and
    `max_drawdown` (at most 0) of all sessions. `turnover` is what was traded by equity, `exposure` the mean share of equity at
    risk, `hit_rate` the share of sessions that won of those that moved.
    """

    sessions: int = 0
    total_return: Figure = NOTHING
    excess: Figure = NOTHING
    volatility: Figure = NOTHING
    sharpe: Figure = NOTHING
    sharpe_error: float = math.nan
    sortino: Figure = NOTHING
    max_drawdown: Figure = NOTHING
    hit_rate: Figure = NOTHING
    turnover: Figure = NOTHING
    costs: Figure = NOTHING
    exposure: Figure = NOTHING


def money_scores(
    returns: Any, held: Any = None, *, traded: Any = None, costs: Any = None, exposure: Any = None
) -> MoneyScores:
    """Score returns per session beside those of the own buy-and-hold, and what was traded, paid and at risk by equity.

    All are sequences of the same length, fractions of equity; what is not given has no figure. With fewer than 20 sessions
    there are no intervals.
    """
    import numpy as np

    given = dict(zip(_PER_SESSION, (returns, held, traded, costs, exposure), strict=True))
    n = len(returns)
    rows = {
        name: np.full(n, np.nan) if one is None else np.asarray(one, float) for name, one in given.items()
    }
    if n < 2:
        return MoneyScores(n)
    values = _figures({name: one[None] for name, one in rows.items()})
    draws: Mapping[str, Any] = {name: [math.nan] for name in values}
    if n >= LEAST_SESSIONS:
        places = drawn(n, block_length(rows["returns"]))
        draws = _figures({name: one[places] for name, one in rows.items()})
    found = {name: figure(float(value[0]), draws[name]) for name, value in values.items()}
    return MoneyScores(sessions=n, sharpe_error=sharpe_error(returns), **found)


def _figures(rows: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Every figure of each row of (draws, sessions)."""
    import numpy as np

    returns, year = rows["returns"], SESSIONS_A_YEAR
    growth = np.cumprod(1 + returns, axis=1)
    total, own = growth[:, -1] - 1, np.prod(1 + rows["held"], axis=1) - 1
    deviation = returns.std(axis=1, ddof=1)
    downside = np.sqrt((np.minimum(returns, 0) ** 2).mean(axis=1))
    # What was put in is the first peak.
    peaks = np.maximum(np.maximum.accumulate(growth, axis=1), 1.0)
    moved = (returns != 0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "total_return": total,
            "excess": total - own,
            "volatility": deviation * math.sqrt(year),
            "sharpe": np.where(deviation > 1e-15, returns.mean(axis=1) / deviation, np.nan) * math.sqrt(year),
            "sortino": np.where(downside > 0, returns.mean(axis=1) / downside, np.nan) * math.sqrt(year),
            "max_drawdown": (growth / peaks - 1).min(axis=1),
            "hit_rate": np.where(moved > 0, (returns > 0).sum(axis=1) / moved, np.nan),
            "turnover": rows["traded"].mean(axis=1) * year,
            "costs": rows["costs"].mean(axis=1) * year,
            "exposure": rows["exposure"].mean(axis=1),
        }


def sharpe_error(returns: Any) -> float:
    """Standard error of the annualised Sharpe ratio: Mertens (2002), as Opdyke, J. Asset Manag. 8 (2007) has it; NaN where nothing moved.

    That of Lo, Financ. Anal. J. 58 (2002), for returns that are skewed and have fat tails.
    """
    import numpy as np

    values = np.asarray(returns, float)
    ratio = per_session_sharpe(values)
    if math.isnan(ratio):
        return math.nan
    return math.sqrt(sharpe_variance(ratio, *shape_of(values)) / len(values) * SESSIONS_A_YEAR)


def per_session_sharpe(returns: Any) -> float:
    """Mean by sample deviation of returns per session; NaN for fewer than 3 or where nothing moved."""
    import numpy as np

    values = np.asarray(returns, float)
    deviation = float(values.std(ddof=1)) if len(values) > 2 else 0.0
    return float(values.mean() / deviation) if deviation > 1e-15 else math.nan


def shape_of(returns: Any) -> tuple[float, float]:
    """Skewness and kurtosis (3 for the normal distribution), by the sample's own moments."""
    import numpy as np

    centred = np.asarray(returns, float) - np.mean(returns)
    variance = float((centred**2).mean())
    return float((centred**3).mean()) / variance**1.5, float((centred**4).mean()) / variance**2


def sharpe_variance(ratio: float, skewness: float, kurtosis: float) -> float:
    """Variance of a ratio per session, times the number of sessions."""
    return 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
