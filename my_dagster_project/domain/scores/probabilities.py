"""What probabilities of a rise were worth: proper scores beside those of a coin and of the share of rises, and calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.evaluation import wilson_interval
from my_dagster_project.domain.scores.blocks import Figure

if TYPE_CHECKING:
    from pandas import DataFrame

_BINS = 10


@dataclass(frozen=True)
class Bin:
    """Predictions of about the same probability: their mean, how many there are, and how often it rose (Wilson's interval)."""

    said: float
    n: int
    rose: Figure


@dataclass(frozen=True)
class ProbabilityScores:
    """Brier score and log loss (nats) beside what the constant share of rises would have had; AUC; calibration.

    `skill` is 1 - Brier by that of the constant, above 0 where the probabilities say more than their mean. `slope` is that of
    a regression of rises on what was said: 1 is calibrated, below 1 too sure of itself. `apart` is the mean distance between said and
    seen over the bins, weighted by their numbers (expected calibration error). NaN where there is none.
    """

    n: int
    brier: float = math.nan
    log_loss: float = math.nan
    constant_brier: float = math.nan
    constant_log_loss: float = math.nan
    skill: float = math.nan
    auc: float = math.nan
    slope: float = math.nan
    apart: float = math.nan
    bins: tuple[Bin, ...] = ()


def probability_scores(scored: DataFrame) -> ProbabilityScores:
    """Scores of all rows that have a probability (`evaluation.SCORED_COLUMNS`), of one symbol or several; a flat session is no rise."""
    import numpy as np

    rows = scored.dropna(subset=["probability_up", "actual_return"])
    said = rows["probability_up"].to_numpy(float)
    rose = (rows["actual_return"] > 0).to_numpy(float)
    if not len(said):
        return ProbabilityScores(0)
    share = float(rose.mean())
    brier, constant = float(((said - rose) ** 2).mean()), share * (1 - share)
    bins = calibration(said, rose)
    spread = float(said.var())
    return ProbabilityScores(
        n=len(said),
        brier=brier,
        log_loss=log_loss(said, rose),
        constant_brier=constant,
        constant_log_loss=log_loss(np.full(len(rose), share), rose),
        skill=1 - brier / constant if constant else math.nan,
        auc=auc(said, rose),
        slope=float(((said - said.mean()) * (rose - share)).mean() / spread) if spread else math.nan,
        apart=sum(one.n * abs(one.said - one.rose.value) for one in bins) / len(said),
        bins=bins,
    )


def log_loss(said: Any, rose: Any) -> float:
    """Mean negative log likelihood, nats; a certainty that was wrong counts as 1e-15."""
    import numpy as np

    sure = np.clip(np.asarray(said, float), 1e-15, 1 - 1e-15)
    return float(-(rose * np.log(sure) + (1 - np.asarray(rose)) * np.log(1 - sure)).mean())


def auc(said: Any, rose: Any) -> float:
    """How likely a rise was given a higher probability than a fall: Mann and Whitney's U, ties count half; NaN with only one of both."""
    import numpy as np
    from scipy.stats import rankdata

    up = np.asarray(rose) > 0
    rises, falls = int(up.sum()), int((~up).sum())
    if not rises or not falls:
        return math.nan
    return float((rankdata(said)[up].sum() - rises * (rises + 1) / 2) / (rises * falls))


def calibration(said: Any, rose: Any) -> tuple[Bin, ...]:
    """Bins of equally many predictions, by what was said: daily probabilities all lie near a half, and fixed bins stay empty."""
    import numpy as np

    order = np.argsort(said, kind="stable")
    parts = [part for part in np.array_split(order, min(_BINS, len(order))) if len(part)]
    found = []
    for part in parts:
        hits = int(rose[part].sum())
        seen = Figure(hits / len(part), *wilson_interval(hits, len(part)))
        found.append(Bin(float(said[part].mean()), len(part), seen))
    return tuple(found)
