"""What a team's forecasts were worth over many sessions and symbols, each figure with how far luck alone moves it.

Input is what `evaluation.score` makes of each symbol. Stocks move together on a day and are no independent witnesses: sessions
are drawn anew as a whole, tests look at the mean of a session's symbols. The naive forecast is "no change" throughout.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.chance import evidence_columns
from my_dagster_project.domain.evaluation import wilson_interval
from my_dagster_project.domain.scores.blocks import (
    LEAST_SESSIONS,
    Figure,
    block_length,
    counted,
    drawn,
    figure,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from pandas import DataFrame

# What is summed over sessions, for each symbol by itself: every figure is made of such sums.
_SUMMED = ("own", "naive", "square", "naive_square", "right", "called", "up", "up_right", "rose", "rank", "n")
_TESTED = ("loss", "rank", "timing")


@dataclass(frozen=True)
class ForecastScores:
    """Figures of forecasts of one or several symbols; NaN where one does not exist.

    `mase` is the geometric mean over symbols of MAE by naive's MAE, weighted by sessions (`ranking.pooled_mase`). `rmse` is of log
    returns, `r2` is 1 - squared errors by those of naive (out of sample: Campbell and Thompson, Rev. Financ. Stud. 21 (2008)).
    `direction` is the share of right calls with Wilson's interval, `direction_drawn` the same with that of drawn sessions;
    `precision` and `recall` are of calls "up". `ic` is the mean product of standardised ranks, with the t value of its mean;
    `loss_t` and `loss_p` are Diebold and Mariano's with Harvey's correction, above 0 where naive is beaten; `timing_t` is
    Pesaran and Timmermann's. All t values allow for sessions that hang on the ones before (HAC); p values are one-sided.
    """

    sessions: int
    n: int
    mase: Figure
    rmse: float
    r2: Figure
    direction: Figure
    direction_drawn: Figure
    direction_n: int
    up_share: float
    precision: float
    recall: float
    ic: Figure
    ic_t: float
    loss_t: float
    loss_p: float
    timing_t: float


def forecast_scores(scored: Mapping[str, DataFrame]) -> ForecastScores:
    """Score what is known of each symbol (`evaluation.SCORED_COLUMNS`), all of them together."""
    import numpy as np

    frames = [frame for frame in scored.values() if len(frame)]
    if not frames:
        return _of_sums(np.zeros((1, len(_SUMMED), 1)), np.zeros((1, len(_SUMMED), 1)), 0, {})
    ends = np.cumsum([len(frame) for frame in frames])
    days, places = np.unique(
        np.concatenate([frame["session"].to_numpy() for frame in frames]), return_inverse=True
    )
    cells = {name: np.full((len(days), len(frames)), np.nan) for name in (*_SUMMED, *_TESTED)}
    for number, (frame, at) in enumerate(zip(frames, np.split(places, ends[:-1]), strict=True)):
        for name, values in _evidence(frame).items():
            cells[name][at, number] = values
    sums = np.nan_to_num(np.stack([cells[name] for name in _SUMMED], axis=1))
    together = {name: _means(cells[name]) for name in _TESTED}
    if len(days) < LEAST_SESSIONS:
        return _of_sums(sums.sum(axis=0)[None], np.full((1, *sums.shape[1:]), np.nan), len(days), together)
    times = counted(drawn(len(days), block_length(together["loss"])))
    draws = np.tensordot(times, sums, axes=(1, 0))
    return _of_sums(sums.sum(axis=0)[None], draws, len(days), together)


def _means(cells: NDArray[Any]) -> NDArray[Any]:
    """The mean of the symbols that have something on a session; NaN where none has."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        return np.nansum(cells, axis=1) / (~np.isnan(cells)).sum(axis=1)


def _evidence(scored: DataFrame) -> dict[str, NDArray[Any]]:
    """Of each session what is summed, and what the tests look at."""
    import numpy as np

    names = ("actual_return", "predicted_return", "hit", "error", "naive_error")
    actual, predicted, hit, error, naive = (scored[name].to_numpy(float) for name in names)
    rose = np.where(np.isnan(hit), np.nan, actual > 0)
    up = np.where(np.isnan(hit), np.nan, np.where(hit == 1, rose, 1 - rose))
    known = ~np.isnan(predicted)
    return {
        **evidence_columns(scored),
        "own": np.abs(error),
        "naive": np.where(known, np.abs(naive), np.nan),
        "square": (predicted - actual) ** 2,
        "naive_square": np.where(known, actual**2, np.nan),
        "right": hit,
        "called": (~np.isnan(hit)).astype(float),
        "up": up,
        "up_right": up * hit,
        "rose": rose,
        "n": known.astype(float),
    }


def _of_sums(
    sums: NDArray[Any], draws: NDArray[Any], sessions: int, tests: Mapping[str, NDArray[Any]]
) -> ForecastScores:
    """From sums by symbol, of all sessions (1, names, symbols) and of each draw of them."""
    at = {name: sums[0, place].sum() for place, name in enumerate(_SUMMED)}
    found = {name: figure(make(sums)[0], make(draws)) for name, make in _MADE.items()}
    loss, rank, timing = (_known(tests, name) for name in _TESTED)
    loss_t, loss_p = diebold_mariano(loss)
    low, high = wilson_interval(round(at["right"]), int(at["called"]))
    return ForecastScores(
        sessions=sessions,
        n=int(at["n"]),
        mase=found["mase"],
        rmse=math.sqrt(_by(at["square"], at["n"])) if at["n"] else math.nan,
        r2=found["r2"],
        direction=Figure(_by(at["right"], at["called"]), low, high),
        direction_drawn=found["direction"],
        direction_n=int(at["called"]),
        up_share=_by(at["rose"], at["called"]),
        precision=_by(at["up_right"], at["up"]),
        recall=_by(at["up_right"], at["rose"]),
        ic=found["ic"],
        ic_t=hac_t(rank),
        loss_t=loss_t,
        loss_p=loss_p,
        timing_t=hac_t(timing),
    )


def _sum(sums: NDArray[Any], name: str) -> NDArray[Any]:
    return sums[:, _SUMMED.index(name)]


def _mase(sums: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(_sum(sums, "own") / _sum(sums, "naive"))
        weights = np.where(np.isnan(logs), 0.0, _sum(sums, "n"))
        return np.exp((np.where(weights > 0, logs, 0.0) * weights).sum(axis=1) / weights.sum(axis=1))


def _share(sums: NDArray[Any], above: str, below: str) -> NDArray[Any]:
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore"):
        return _sum(sums, above).sum(axis=1) / _sum(sums, below).sum(axis=1)


_MADE = {
    "mase": _mase,
    "r2": lambda sums: 1 - _share(sums, "square", "naive_square"),
    "direction": lambda sums: _share(sums, "right", "called"),
    "ic": lambda sums: _share(sums, "rank", "n"),
}


def diebold_mariano(advantage: Any) -> tuple[float, float]:
    """t value and one-sided p that a mean advantage over naive (its loss less the own, by session) is above 0; NaNs for too few.

    Diebold and Mariano, J. Bus. Econ. Stat. 13 (1995) with the correction of Harvey, Leybourne and Newbold (1997): statsmodels'.
    """
    import numpy as np

    known = np.asarray(advantage, float)
    if len(known) < LEAST_SESSIONS or np.ptp(known) == 0:
        return math.nan, math.nan
    from scipy.special import stdtr
    from statsmodels.tsa.stattools import diebold_mariano_test

    nothing = np.zeros(len(known))
    # The losses themselves are what is compared: naive's advantage over nothing, and none.
    told = diebold_mariano_test(nothing, known, nothing, criterion=lambda _, loss: loss, harvey_adj=True)
    t = float(told.statistic)
    return t, float(stdtr(len(known) - 1, -t))


def hac_t(values: Any) -> float:
    """The t value of a mean with Newey and West's standard error, lags as many as the cube root of n; NaN for too few."""
    import numpy as np

    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    if len(known) < LEAST_SESSIONS or np.ptp(known) == 0:
        return math.nan
    from statsmodels.regression.linear_model import OLS

    fitted = OLS(known, np.ones(len(known))).fit(
        cov_type="HAC", cov_kwds={"maxlags": math.ceil(len(known) ** (1 / 3)), "use_correction": True}
    )
    return float(fitted.tvalues[0])


def _known(tests: Mapping[str, NDArray[Any]], name: str) -> Any:
    import numpy as np

    return tests[name][~np.isnan(tests[name])] if name in tests else []


def _by(above: float, below: float) -> float:
    return float(above / below) if below else math.nan
