"""What a team's forecasts add to those of all, and whose they are like.

Contribution is numerai's MMC (docs.numer.ai, "Meta Model Contribution"): the covariance with what came of that part of a forecast
which the others' mean does not say already. Forecasts and their mean are ranked, made normal, and the one is freed of the other by
least squares; here in each symbol by itself, because a day has few symbols, and against the mean of the *other* teams, because of
two teams each is half of the mean of all.
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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from pandas import DataFrame, Series


@dataclass(frozen=True)
class Original:
    """What a team's forecasts add to those of the others, and the rival whose they are most like, with their rank correlation."""

    adds: Figure = NOTHING
    like: str = ""
    likeness: float = math.nan


def originals(said: Mapping[str, DataFrame], came: Mapping[str, Series]) -> dict[str, Original]:
    """By team, from what all said of each symbol (a column for each team, by session) and what came of it."""
    alike = likeness(said)
    normed = {symbol: table.apply(_normed) for symbol, table in said.items()}
    found = {}
    for team in alike:
        own = {symbol: table[team] for symbol, table in said.items() if team in table}
        others = {symbol: normed[symbol].drop(columns=team).mean(axis=1) for symbol in own}
        rivals = alike[team].dropna()
        like = str(rivals.idxmax()) if len(rivals) else ""
        found[team] = Original(
            contribution(own, others, came), like, float(rivals.max()) if like else math.nan
        )
    return found


def _normed(said: Series) -> Series:
    import pandas as pd

    known = said.dropna()
    return pd.Series(normal(known), index=known.index).reindex(said.index)


def contribution(
    own: Mapping[str, Series], others: Mapping[str, Series], came: Mapping[str, Series]
) -> Figure:
    """Mean product of what is new in a forecast and what came, in standard deviations, of symbols that all three know.

    Each is by session. 0 is nothing new or nothing true; the interval draws whole sessions. None of fewer than 20 sessions.
    """
    import numpy as np
    import pandas as pd

    parts = [_products(own[symbol], others[symbol], came[symbol]) for symbol in own if symbol in others]
    known = [part for part in parts if len(part) >= LEAST_SESSIONS]
    if not known:
        return NOTHING
    days = pd.concat(known, axis=1).mean(axis=1).to_numpy()
    return figure(float(days.mean()), np.asarray(days)[drawn(len(days), block_length(days))].mean(axis=1))


def _products(own: Series, others: Series, came: Series) -> Series:
    import pandas as pd

    rows = pd.DataFrame({"own": own, "others": others, "came": came}).dropna()
    mine, theirs, actual = normal(rows["own"]), normal(rows["others"]), normal(rows["came"])
    scale = float(theirs @ theirs)
    new = mine - theirs * (float(mine @ theirs) / scale) if scale else mine
    return pd.Series(new * actual, index=rows.index)


def normal(values: Any) -> NDArray[Any]:
    """Values by their ranks as quantiles of the standard normal distribution; equal ones stay equal, zeros where all are."""
    import numpy as np
    from scipy.special import ndtri
    from scipy.stats import rankdata

    if not len(values):
        return np.zeros(0)
    quantiles = ndtri((rankdata(values) - 0.5) / len(values))
    centred = quantiles - quantiles.mean()
    spread = float(centred.std())
    return centred / spread if spread > 1e-12 else np.zeros(len(centred))


def likeness(said: Mapping[str, DataFrame]) -> DataFrame:
    """Rank correlation of every two teams' forecasts, from those of each symbol (a column for each team, by session).

    Each symbol by itself, then the mean weighted by sessions; NaN with oneself and where two have fewer than 20 sessions together.
    """
    import numpy as np
    import pandas as pd

    teams = sorted({team for table in said.values() for team in table})
    sums, weights = np.zeros((len(teams), len(teams))), np.zeros((len(teams), len(teams)))
    for table in said.values():
        whole = table.reindex(columns=teams)
        told = whole.corr("spearman", min_periods=LEAST_SESSIONS).to_numpy()
        known = whole.notna().to_numpy().astype(float)
        weight = np.where(np.isnan(told), 0.0, known.T @ known)
        sums, weights = sums + np.nan_to_num(told) * weight, weights + weight
    with np.errstate(invalid="ignore"):
        found = sums / np.where(weights > 0, weights, np.nan)
    np.fill_diagonal(found, np.nan)
    return pd.DataFrame(found, index=teams, columns=teams)
