"""What many tries do to the best of them: a Sharpe ratio deflated by their number, and how likely the best is luck.

A *trial* is a distinct configuration on a distinct span, with its returns per session; refits and repetitions are none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.scores.blocks import LEAST_SESSIONS
from my_dagster_project.domain.scores.money_scores import per_session_sharpe, shape_of, sharpe_variance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

_EULER = 0.5772156649015329
_BLOCKS = 16


@dataclass(frozen=True)
class Deflated:
    """The best of some tries: which, how many they count for, and how likely its true Sharpe ratio is above luck's.

    `expected` is the Sharpe ratio per session that the best of as many tries without any skill is expected to have;
    `probability` the deflated Sharpe ratio. NaN where there is none.
    """

    best: int
    trials: int
    effective: float
    sharpe: float
    expected: float
    probability: float


@dataclass(frozen=True)
class Tries:
    """What the tries that led to a record do to it: how many there were on its sessions, and how many they count for.

    `deflated` is how likely its true Sharpe ratio is above what luck alone makes of the best of so many, `overfit` how likely the best
    of them is below the middle on other sessions. NaN where there is none.
    """

    trials: int = 0
    effective: float = math.nan
    deflated: float = math.nan
    overfit: float = math.nan


def tries_of(record: Mapping[str, float], tried: Iterable[Mapping[str, float]]) -> Tries:
    """A record of returns by session among the tries that led to it; those that have not all of its sessions do not count.

    The record itself is one of them, once.
    """
    import numpy as np

    days = list(record)
    if len(days) < LEAST_SESSIONS:
        return Tries()
    rows = {tuple(one[day] for day in days) for one in tried if one.keys() >= record.keys()}
    own = np.array([*record.values()])
    table = np.column_stack([own, *(row for row in sorted(rows) if not np.allclose(row, own, atol=1e-12))])
    if math.isnan(per_session_sharpe(own)):
        return Tries(table.shape[1])
    luck = deflated_sharpe(table)
    return Tries(luck.trials, luck.effective, probabilistic_sharpe(own, luck.expected), overfitting(table))


def deflated_sharpe(returns: Any) -> Deflated:
    """Of returns (sessions, tries) on the same sessions: Bailey and Lopez de Prado, J. Portf. Manag. 40 (2014), by the effective number of tries.

    Raises ValueError without a try that moved.
    """
    import numpy as np

    table = np.asarray(returns, float)
    ratios = np.array([per_session_sharpe(column) for column in table.T])
    if np.isnan(ratios).all():
        raise ValueError("no try moved its money, so none has a Sharpe ratio")
    best, many = int(np.nanargmax(ratios)), effective_trials(table)
    spread = float(np.nanstd(ratios, ddof=1)) if (~np.isnan(ratios)).sum() > 1 else 0.0
    expected = spread * expected_maximum(many)
    told = probabilistic_sharpe(table[:, best], expected)
    return Deflated(best, table.shape[1], many, float(ratios[best]), expected, told)


def effective_trials(returns: Any) -> float:
    """How many independent tries these count for, 1 to their number: the participation ratio of their correlations' eigenvalues.

    Bretherton et al., J. Climate 12 (1999), eq. 5: two that always move together are one. What never moved counts for nothing.
    """
    import numpy as np

    table = np.asarray(returns, float)
    moved = table[:, table.std(axis=0) > 1e-15]
    if moved.shape[1] < 2:
        return 1.0
    correlation = np.corrcoef(moved, rowvar=False)
    return float(moved.shape[1] ** 2 / (correlation**2).sum())


def expected_maximum(trials: float) -> float:
    """The expected best of so many standard normal draws, at least 0: eq. 6 of the deflated Sharpe ratio's paper."""
    from scipy.special import ndtri

    if trials <= 1:
        return 0.0
    first, second = ndtri(1 - 1 / trials), ndtri(1 - 1 / (trials * math.e))
    return max(0.0, float((1 - _EULER) * first + _EULER * second))


def probabilistic_sharpe(returns: Any, benchmark: float = 0.0) -> float:
    """How likely the true Sharpe ratio per session is above a benchmark: Bailey and Lopez de Prado, J. Risk 15 (2012); NaN without one."""
    import numpy as np
    from scipy.special import ndtr

    values = np.asarray(returns, float)
    ratio = per_session_sharpe(values)
    if math.isnan(ratio):
        return math.nan
    error = math.sqrt(sharpe_variance(ratio, *shape_of(values)))
    return float(ndtr((ratio - benchmark) * math.sqrt(len(values) - 1) / error))


def overfitting(returns: Any, blocks: int = _BLOCKS) -> float:
    """The probability of backtest overfitting of tries (sessions, tries): how often the best of half the sessions is below the middle in the rest.

    By combinatorially symmetric cross-validation, in sessions side by side: Bailey, Borwein, Lopez de Prado and Zhu, J. Comput.
    Finance 20 (2017). NaN for fewer than 2 tries or 2 sessions a block.
    """
    import numpy as np

    table = np.asarray(returns, float)
    if table.ndim != 2 or table.shape[1] < 2 or len(table) < 2 * blocks:
        return math.nan
    centre = table.mean(axis=0)
    bounds = np.linspace(0, len(table), blocks + 1).astype(int)
    bounds[1:-1] = np.cumsum([len(part) for part in np.array_split(table, blocks)])[:-1]
    sums = np.add.reduceat(table - centre, bounds[:-1], axis=0)
    squares = np.add.reduceat((table - centre) ** 2, bounds[:-1], axis=0)
    chosen = np.zeros((math.comb(blocks, blocks // 2), blocks))
    for row, half in enumerate(combinations(range(blocks), blocks // 2)):
        chosen[row, half] = 1
    inside, outside = (
        _ratios(half @ sums, half @ squares, half @ np.diff(bounds), centre) for half in (chosen, 1 - chosen)
    )
    own = outside[np.arange(len(chosen)), inside.argmax(axis=1)][:, None]
    place = (outside < own).sum(axis=1) + ((outside == own).sum(axis=1) + 1) / 2
    return float((place / (table.shape[1] + 1) <= 0.5).mean())


def _ratios(sums: NDArray[Any], squares: NDArray[Any], n: NDArray[Any], centre: NDArray[Any]) -> NDArray[Any]:
    """Sharpe ratios per session from sums of centred returns; what did not move has 0."""
    import numpy as np

    mean = sums / n[:, None]
    variance = (squares - sums * mean) / (n[:, None] - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 1e-18, (mean + centre) / np.sqrt(variance), 0.0)
