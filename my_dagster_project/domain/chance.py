"""Luck, skill, or a leak: what a team's forecasts prove, session by session.

Each scored session gives three pieces of evidence whose means are the figures people know: `loss` 1 - MASE, `rank` the
information coefficient, `timing` how much more often the direction was right than the team's own share of up calls gets
by luck. So one test serves all, Student's t of the mean; over several symbols a session's evidence is averaged first,
because stocks move together on a day and are no independent witnesses.

- `loss`: Diebold & Mariano, J. Bus. Econ. Stat. 13 (1995), with the small-sample correction of Harvey, Leybourne &
  Newbold, Int. J. Forecasting 13 (1997); for forecasts one step ahead that is the t test of the paired difference.
- `timing`: Pesaran & Timmermann, J. Bus. Econ. Stat. 10 (1992), in the form of a covariance test (the same authors, J. Am.
  Stat. Assoc. 104 (2009)): predicting "up" always gives 0, however often the stock rose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray
    from pandas import DataFrame

SIGNIFICANT = 0.05
# What honest daily forecasts reach at best. Beyond them a figure needs no luck to be wrong, only enough sessions to be sure.
HONEST_IC = 0.05
HONEST_MASE = 0.98
# Of a whole table of honest teams at most so many raise an alarm (measured: `tests/domain/test_chance.py`).
FALSE_ALARMS = 0.01
LEAST_SESSIONS = 20


@dataclass(frozen=True)
class Chances:
    """One-sided p values against "no better than chance"; NaN where there is nothing to test."""

    loss_p: float = math.nan
    rank_p: float = math.nan
    timing_p: float = math.nan


@dataclass(frozen=True)
class Suspicion:
    """A figure that is surely better than honest forecasts get: of which symbols (or all of a team's), and in words."""

    of: str
    fact: str

    def __str__(self) -> str:
        return f"{self.of}: too good to be true: {self.fact}; look for a feature, a target or a model that has seen the future"


def evidence(scored: DataFrame) -> DataFrame:
    """`loss`, `rank` and `timing` of every session of a scored frame (`evaluation.score`), NaN where there is none.

    A model that gives only probabilities has `rank` and `timing` by those.
    """
    import pandas as pd

    return pd.DataFrame(evidence_columns(scored), index=pd.DatetimeIndex(scored["session"]))


def evidence_columns(scored: DataFrame) -> dict[str, NDArray[Any]]:
    """The evidence as plain arrays, in the order of the rows."""
    import numpy as np

    call = calls(scored)
    actual = scored["actual_return"].to_numpy(float)
    naive, own = (np.abs(scored[name].to_numpy(float)) for name in ("naive_error", "error"))
    scale = _mean(naive[~np.isnan(own)])
    decided = np.where(np.isnan(call) | (call == 0) | (actual == 0), np.nan, 1.0)
    return {
        "loss": (naive - own) / scale if scale else naive * np.nan,
        "rank": _ranks(call) * _ranks(np.where(np.isnan(call), np.nan, actual)),
        "timing": 2 * _centred((call > 0) * decided) * _centred((actual > 0) * decided),
    }


def _mean(values: NDArray[Any]) -> float:
    known = values[values == values]
    return float(known.mean()) if len(known) else math.nan


def chances(found: DataFrame) -> Chances:
    """What the evidence of one symbol, or the `pooled` one of several, says against luck."""
    return Chances(*(mean_above(found[name], 0.0) for name in ("loss", "rank", "timing")))


def pooled(symbols: Iterable[DataFrame]) -> DataFrame:
    """The evidence of several symbols as one: the mean of those that have some on a session."""
    import pandas as pd

    found = list(symbols)
    return (
        pd.concat(found).groupby(level=0).mean()
        if found
        else pd.DataFrame(columns=["loss", "rank", "timing"])
    )


def suspicions(symbols: Mapping[str, DataFrame], tests: int) -> list[Suspicion]:
    """What of a team's evidence by symbol is too good to be true, each symbol alone and all together.

    `tests` is how many symbols and teams the whole table looks at: with many looks something always stands out, so each is
    held to its share of `FALSE_ALARMS` (Bonferroni).
    """
    looks = dict(symbols)
    if len(symbols) > 1:
        looks = {", ".join(symbols): pooled(symbols.values()), **looks}
    limit = FALSE_ALARMS / (2 * max(tests, len(looks)))
    return [Suspicion(of, fact) for of, found in looks.items() if (fact := _too_good(found, limit))]


def _too_good(found: DataFrame, limit: float) -> str:
    facts = []
    if mean_above(found["loss"], 1 - HONEST_MASE, least=LEAST_SESSIONS) < limit:
        facts.append(f"MASE {1 - found['loss'].mean():.2f}, surely below {HONEST_MASE}")
    if mean_above(found["rank"], HONEST_IC, least=LEAST_SESSIONS) < limit:
        facts.append(f"IC {found['rank'].mean():+.2f}, surely above {HONEST_IC}")
    return f"{' and '.join(facts)} over {len(found)} sessions" if facts else ""


def mean_above(values: Any, bound: float, least: int = 2) -> float:
    """The one-sided p of Student's t test that the mean of these values is above `bound`; NaN for fewer than `least`."""
    import numpy as np
    from scipy.special import stdtr

    known = np.asarray(values, float)
    known = known[~np.isnan(known)] - bound
    if len(known) < max(least, 2):
        return math.nan
    deviation = float(known.std(ddof=1))
    if deviation < 1e-12:
        return 0.0 if known.mean() > 1e-12 else 1.0
    return float(stdtr(len(known) - 1, -known.mean() / deviation * math.sqrt(len(known))))


def calls(scored: DataFrame) -> NDArray[Any]:
    """Predicted returns, above 0 for up; of a model that gives only a probability, that above a half."""
    import numpy as np

    predicted, up = (scored[name].to_numpy(float) for name in ("predicted_return", "probability_up"))
    return np.where(np.isnan(predicted), up - 0.5, predicted)


def _ranks(values: NDArray[Any]) -> NDArray[Any]:
    """Average ranks, standardised; zeros where all are alike."""
    import numpy as np
    from scipy.stats import rankdata

    ranks = np.full(len(values), np.nan)
    there = values == values
    ranks[there] = rankdata(values[there])
    centred = _centred(ranks)
    known = centred[centred == centred]
    deviation = float(known.std()) if len(known) else 0.0
    return centred / deviation if deviation else centred


def _centred(values: NDArray[Any]) -> NDArray[Any]:
    known = values[values == values]
    return values - known.mean() if len(known) else values
