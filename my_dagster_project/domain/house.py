"""What the house teams forecast, scored like everybody's: no change, as always so far, always up, the mean of all; what a team adds to that."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.chance import calls
from my_dagster_project.domain.evaluation import drift_of, score
from my_dagster_project.domain.leaderboard import ALWAYS_UP, CONSENSUS, DRIFT, NAIVE
from my_dagster_project.domain.scores.originality import Original, originals

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pandas import DataFrame, Series

type Scored = Mapping[tuple[str, str], DataFrame]


def house_forecasts(
    scored: Scored, bars: Mapping[str, DataFrame], left_out: Collection[str] = ()
) -> dict[tuple[str, str], DataFrame]:
    """By (house team, symbol) its forecasts of every session that any team has one of, scored (`evaluation.score`).

    The mean of all is that of two teams or more; `left_out` of it is whose answers say nothing of the size of a move, and who is in
    doubt: with a leak in it the mean put every honest team into the second tier.
    """
    found = {}
    forecasts = {of: frame for of, frame in scored.items() if of[0] not in left_out}
    for symbol in sorted({symbol for _, symbol in scored}):
        asked = _asked(scored, symbol)
        told = _said(bars[symbol])
        if len({team for team, _ in forecasts}) > 1:
            told[CONSENSUS] = answers(forecasts, symbol).mean(axis=1)
        for team, said in told.items():
            found[team, symbol] = _scored(asked, symbol, asked["session"].map(said), bars[symbol])
    return found


def answers(scored: Scored, symbol: str) -> DataFrame:
    """What each team predicted of a symbol: a log return, or of a team that answers with probabilities their distance from a half."""
    import pandas as pd

    frames = {team: frame for (team, of), frame in scored.items() if of == symbol}
    return pd.DataFrame({team: pd.Series(calls(one), index=one["session"]) for team, one in frames.items()})


def originals_of(scored: Scored) -> dict[str, Original]:
    """By team what its forecasts add to those of the others."""
    symbols = sorted({symbol for _, symbol in scored})
    said = {symbol: answers(scored, symbol) for symbol in symbols}
    came = {symbol: _asked(scored, symbol).set_index("session")["actual_return"] for symbol in symbols}
    return originals(said, came)


def _said(bars: DataFrame) -> dict[str, Series]:
    import numpy as np

    adjusted = bars.set_index("session")["adj_close"]
    size = np.log(adjusted).diff().abs().expanding().mean().fillna(0.0)
    return {NAIVE: 0.0 * size, DRIFT: drift_of(adjusted), ALWAYS_UP: size}


def _asked(scored: Scored, symbol: str) -> DataFrame:
    import pandas as pd

    frames = [frame for (_, of), frame in scored.items() if of == symbol]
    rows = pd.concat(frames)[["session", "target_session", "close", "actual_return"]]
    return rows.drop_duplicates("session").sort_values("session").reset_index(drop=True)


def _scored(asked: DataFrame, symbol: str, said: Any, bars: DataFrame) -> DataFrame:
    return score(asked.assign(symbol=symbol, predicted_return=said, probability_up=math.nan), bars)
