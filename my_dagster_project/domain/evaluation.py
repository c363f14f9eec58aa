"""How good the predictions were, each figure beside its baseline.

The project before this one published a mean absolute error 20 times that of "tomorrow = today" without noticing. So
nothing here is computed alone: dollars stand beside the naive forecast's dollars on the same rows (MASE), the share of
right directions beside its 95 % interval and the share of up sessions (what "always up" would score).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.chance import chances, evidence
from my_dagster_project.foundation.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pandas import DataFrame, Series

SCORED_COLUMNS = (
    "session", "target_session", "close", "actual_close", "predicted_close", "actual_return", "predicted_return",
    "probability_up", "error", "naive_error", "drift_error", "hit",
)  # fmt: skip
Z_95 = 1.959963984540054  # standard normal quantile at 97.5 %


@dataclass(frozen=True)
class Metrics:
    """Figures of one team's predictions of one symbol; `math.nan` where a figure does not exist.

    `mae`, `naive_mae`, `rmse` and `bias` (mean of predicted minus actual) are dollars at the scale of session t;
    `direction` with its interval and `up_share` are fractions; `log_loss` is in nats. The rows behind `mae`, `mase`,
    `rmse`, `bias` are those that have a predicted return. `drift_mase` is what "as always so far", the mean of all returns
    up to the session, scores; `up_share` is of the `moved_n` sessions that were not flat; the p values: `chance.Chances`.
    """

    n: int = 0
    mae: float = math.nan
    naive_mae: float = math.nan
    mase: float = math.nan
    rmse: float = math.nan
    bias: float = math.nan
    direction: float = math.nan
    direction_low: float = math.nan
    direction_high: float = math.nan
    direction_n: int = 0
    up_share: float = math.nan
    moved_n: int = 0
    ic: float = math.nan
    log_loss: float = math.nan
    brier: float = math.nan
    drift_mase: float = math.nan
    loss_p: float = math.nan
    rank_p: float = math.nan
    timing_p: float = math.nan


def score(predictions: DataFrame, bars: DataFrame) -> DataFrame:
    """Predictions of one symbol beside what then happened: `SCORED_COLUMNS`, one row per prediction, by session.

    Only rows whose session and target session both have a bar. `actual_return` is the adjusted log return from t to the
    target session and `actual_close` that return applied to the close of t, in dollars at t's scale: a split or dividend
    in between is no error of the model. `error` is predicted minus actual close, `naive_error` the same for a forecast
    that says "no change", `drift_error` for one that says "as always so far". `hit` is 1.0 or 0.0, and NaN where predicted
    or actual return is exactly 0 (no call was made, or none was right); a model that gives only a probability calls up above 0.5.

    Raises ModelError when the frame holds more than one symbol.
    """
    import numpy as np

    symbols = sorted(set(predictions["symbol"]))
    if len(symbols) > 1:
        raise ModelError(
            f"Predictions of {', '.join(symbols)} were given to one report; score one symbol at a time."
        )
    adjusted = bars.set_index("session")["adj_close"]
    before = predictions["session"].map(adjusted)
    after = predictions["target_session"].map(adjusted)
    known = (before.notna() & after.notna()).to_numpy()
    scored = predictions.loc[
        known, ["session", "target_session", "close", "predicted_return", "probability_up"]
    ].copy()
    scored["actual_return"] = np.log((after / before).to_numpy()[known])
    scored["actual_close"] = scored["close"] * np.exp(scored["actual_return"])
    scored["predicted_close"] = scored["close"] * np.exp(scored["predicted_return"])
    scored["error"] = scored["predicted_close"] - scored["actual_close"]
    scored["naive_error"] = scored["close"] - scored["actual_close"]
    drift = predictions["session"].map(drift_of(adjusted)).to_numpy(float)[known]
    scored["drift_error"] = scored["close"] * np.exp(drift) - scored["actual_close"]
    scored["hit"] = _hits(scored)
    return scored.sort_values("session")[list(SCORED_COLUMNS)].reset_index(drop=True)


def drift_of(adjusted: Series) -> Series:
    """The mean log return of all sessions up to each; 0 on the first, which has none."""
    import numpy as np

    return np.log(adjusted).diff().expanding().mean().fillna(0.0)


def _hits(scored: DataFrame) -> NDArray[Any]:
    import numpy as np

    predicted = scored["predicted_return"].to_numpy(dtype=float)
    call = np.sign(
        np.where(np.isnan(predicted), scored["probability_up"].to_numpy(dtype=float) - 0.5, predicted)
    )
    outcome = np.sign(scored["actual_return"].to_numpy(dtype=float))
    return np.where(
        np.isnan(call * outcome) | (call * outcome == 0), math.nan, (call == outcome).astype(float)
    )


def evaluate(scored: DataFrame) -> Metrics:
    """Metrics of a scored frame (see `score`); with no rows every figure is NaN, with one the spread-free ones exist."""
    if scored.empty:
        return Metrics()
    hits = scored["hit"].dropna()
    low, high = wilson_interval(int(hits.sum()), len(hits))
    moved = scored["actual_return"][scored["actual_return"] != 0]
    return Metrics(
        n=len(scored),
        direction=_mean(hits),
        direction_low=low,
        direction_high=high,
        direction_n=len(hits),
        up_share=_mean(moved > 0),
        moved_n=len(moved),
        ic=rank_correlation(scored["predicted_return"], scored["actual_return"]),
        drift_mase=ratio(_mean(scored["drift_error"].abs()), _mean(scored["naive_error"].abs())),
        **asdict(chances(evidence(scored))),
        **_dollar_figures(scored.dropna(subset=["predicted_return"])),
        **_probability_figures(scored.dropna(subset=["probability_up"])),
    )


def _dollar_figures(rows: DataFrame) -> dict[str, float]:
    """MASE scales by the naive MAE on the *same* rows, not by the training rows' as in Hyndman & Koehler (2006).

    Their scale makes a calm test window look like skill; this one is the relative MAE of the same paper, section 2.4.
    """
    mae, naive_mae = _mean(rows["error"].abs()), _mean(rows["naive_error"].abs())
    return {
        "mae": mae,
        "naive_mae": naive_mae,
        "mase": ratio(mae, naive_mae),
        "rmse": math.sqrt(_mean(rows["error"] ** 2)),
        "bias": _mean(rows["error"]),
    }


def _probability_figures(rows: DataFrame) -> dict[str, float]:
    """Log loss and Brier score (Brier 1950) of "up"; a coin scores 0.693 and 0.25. A flat session counts as not up."""
    import numpy as np

    up = (rows["actual_return"] > 0).to_numpy(dtype=float)
    probability = rows["probability_up"].to_numpy(dtype=float)
    sure = np.clip(probability, 1e-15, 1 - 1e-15)
    loss = -(up * np.log(sure) + (1 - up) * np.log(1 - sure))
    return {"log_loss": _mean(loss), "brier": _mean((probability - up) ** 2)}


def rank_correlation(left: Any, right: Any) -> float:
    """Spearman's rank correlation (average ranks for ties) over the pairs where both are known.

    NaN with fewer than 2 pairs or when either side is constant. Written on pandas' ranks: scipy.stats costs 1 s to import.
    """
    import numpy as np
    import pandas as pd

    pairs = pd.DataFrame({"left": np.asarray(left, float), "right": np.asarray(right, float)}).dropna().rank()
    if len(pairs) < 2 or (pairs.nunique() < 2).any():
        return math.nan
    return float(np.corrcoef(pairs["left"], pairs["right"])[0, 1])


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927): holds its level at small n and never leaves 0..1; NaNs for n = 0."""
    if n == 0:
        return math.nan, math.nan
    share, spread = hits / n, Z_95**2 / n
    centre = (share + spread / 2) / (1 + spread)
    half = Z_95 / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def ratio(value: float, scale: float) -> float:
    """`value / scale`; NaN where there is nothing to compare with (the scale is 0 or NaN)."""
    return value / scale if scale else math.nan


def _mean(values: Any) -> float:
    """Mean as a float; `math.nan` itself for no values, so that equal Metrics compare equal."""
    mean = float(values.mean()) if len(values) else math.nan
    return math.nan if math.isnan(mean) else mean
