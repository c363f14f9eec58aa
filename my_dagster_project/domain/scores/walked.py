"""A walk through the years, cut by what may make the difference: symbol, year, refit, how wild the market was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from my_dagster_project.domain.scores.forecasts import ForecastScores, forecast_scores
from my_dagster_project.domain.scores.probabilities import ProbabilityScores, probability_scores
from my_dagster_project.domain.volatility import WINDOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pandas import DataFrame, Series

type Cut = Literal["all", "symbol", "year", "volatility", "refit"]
CUTS: tuple[Cut, ...] = ("all", "symbol", "year", "volatility", "refit")
_TERCILES = {1: "calm", 2: "usual", 3: "wild"}


@dataclass(frozen=True)
class Slice:
    """Scores of some of the sessions: of which cut, and which part of it."""

    cut: Cut
    name: str
    scores: ForecastScores


@dataclass(frozen=True)
class Evaluation:
    """What a team's walk through some sessions (ISO, the first and the last) was worth."""

    team: str
    first: str
    last: str
    slices: tuple[Slice, ...]
    probabilities: ProbabilityScores

    @property
    def whole(self) -> ForecastScores:
        """The scores of all sessions and symbols together."""
        return self.slices[0].scores


def evaluated(team: str, scored: Mapping[str, DataFrame]) -> Evaluation:
    """Score what was walked, by symbol: `evaluation.SCORED_COLUMNS`, `refit` (ISO) and `volatility` (see `wildness`)."""
    import pandas as pd

    together = pd.concat([frame.assign(of=symbol) for symbol, frame in scored.items()], ignore_index=True)
    parts: dict[Cut, Series] = {
        "all": pd.Series("", index=together.index),
        "symbol": together["of"],
        "year": together["session"].dt.year.astype(str),
        "volatility": together["volatility"].map(_TERCILES),
        "refit": together["refit"],
    }
    found = []
    for cut in CUTS:
        for name, rows in together.groupby(parts[cut], sort=True):
            by_symbol = {str(of): frame.drop(columns="of") for of, frame in rows.groupby("of")}
            found.append(Slice(cut, str(name), forecast_scores(by_symbol)))
    ends = together["session"].dt.date
    return Evaluation(team, str(ends.min()), str(ends.max()), tuple(found), probability_scores(together))


def wildness(bars: DataFrame, sessions: Series) -> Series:
    """In which third of these sessions each falls by the deviation of the 21 returns up to it: 1 calm, 3 wild; NaN without them.

    The thirds are the symbol's own: what is wild for IBM is a Tuesday for a penny stock.
    """
    import numpy as np
    import pandas as pd

    moves = np.log(bars.set_index("session")["adj_close"]).diff()
    deviation = sessions.map(moves.rolling(WINDOW).std())
    return pd.Series(np.ceil(deviation.rank(pct=True) * 3), index=sessions.index)
