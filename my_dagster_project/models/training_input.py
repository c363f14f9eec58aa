"""What goes into a training, and everything that is refused before Ludwig sees it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.targets import OUTPUT_TYPE, Target
from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.bounds import Bounds

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

SPLIT = "split"
RETURN = "next_return"
TRAIN, VALIDATION = 0, 1
MINIMUM_ROWS = {TRAIN: 50, VALIDATION: 10}

PLATFORM_SPLIT = {"type": "fixed", "column": SPLIT}

# Strategies whose answer depends on the rows around (bfill even looks ahead), or that drop the row.
UNFIT_STRATEGIES = ("bfill", "ffill", "drop_row")


@dataclass(frozen=True)
class TrainingSpec:
    """One model to train.

    Attributes:
        ludwig: the complete Ludwig configuration (`TeamConfig.complete_ludwig`).
        features: columns of the rows that may be inputs.
        seed: the same seed, configuration and rows give the same bytes.
        trained_through: last session whose close the training sees. A target looks one session ahead, so
            every row lies before it.
        bounds: what the training may take of the machine; None where nobody else needs it.
    """

    team: str
    symbol: str
    ludwig: dict[str, Any]
    target: Target
    features: tuple[str, ...]
    seed: int
    trained_through: date
    bounds: Bounds | None = None

    @property
    def label(self) -> str:
        """How errors name the model: `red/AAPL`."""
        return f"{self.team}/{self.symbol}"

    def error(self, problem: str) -> ModelError:
        """A ModelError that names the model."""
        return ModelError(f"{self.label}: {problem}")

    def inputs(self) -> list[dict[str, Any]]:
        """The input features of the configuration, as the team wrote them."""
        return self.ludwig.get("input_features") or []


def ludwig_config(spec: TrainingSpec) -> dict[str, Any]:
    """The configuration to train with: a copy of the specification's, on the platform's split.

    Raises:
        ModelError: it cannot be trained as written; the text says what to change.
    """
    config = copy.deepcopy(spec.ludwig)
    if config.get("model_type", "ecd") != "ecd":
        raise spec.error(f"ludwig.model_type {config['model_type']} is not supported; leave it out.")
    if config.setdefault("preprocessing", {}).setdefault(SPLIT, PLATFORM_SPLIT) != PLATFORM_SPLIT:
        raise spec.error("ludwig.preprocessing.split is the platform's; leave it out.")
    _check_features(spec)
    for key in ("batch_size", "eval_batch_size"):
        # Ludwig's default: it times batch sizes on this machine at this moment, which costs 3 to 10 s per
        # model and gives other weights at each run.
        if config.get("trainer", {}).get(key, "auto") in ("auto", None):
            raise spec.error(
                f"ludwig.trainer.{key} must be a number: `auto` gives another model at each run."
            )
    return config


def _check_features(spec: TrainingSpec) -> None:
    names = [feature.get("name") for feature in spec.inputs()]
    if not names:
        raise spec.error("ludwig.input_features is empty; name at least one feature.")
    unknown = [name for name in names if name not in spec.features]
    if unknown:
        raise spec.error(f"ludwig.input_features names {unknown}, which are not among the team's features.")
    outputs = [
        (feature.get("name"), feature.get("type")) for feature in spec.ludwig.get("output_features") or []
    ]
    wanted = (spec.target, OUTPUT_TYPE[spec.target])
    if outputs != [wanted]:
        raise spec.error(
            f"ludwig.output_features must be exactly one, name {wanted[0]} of type {wanted[1]}; found {outputs}."
        )


def check_rendered(spec: TrainingSpec, rendered: dict[str, Any]) -> None:
    """Check what only Ludwig's rendered configuration tells: how each input fills a missing value."""
    for feature in rendered["input_features"]:
        preprocessing = feature.get("preprocessing", {})
        for key in ("missing_value_strategy", "outlier_strategy"):
            strategy = preprocessing.get(key)
            if strategy in UNFIT_STRATEGIES:
                raise spec.error(
                    f"input {feature['name']} has {key}: {strategy}, which has no answer for a single session "
                    f"(bfill even looks ahead); use fill_with_mean or fill_with_const."
                )


def check_rows(spec: TrainingSpec, rows: pd.DataFrame) -> None:
    """Refuse rows that Ludwig would die of, or quietly learn the future from.

    Raises:
        ModelError: names the column or session, and what to do.
    """
    _check_columns(spec, rows)
    _check_sessions(spec, rows)
    _check_counts(spec, rows)
    _check_inputs(spec, rows)
    _check_target(spec, rows)


def _check_columns(spec: TrainingSpec, rows: pd.DataFrame) -> None:
    wanted = ["session", SPLIT, RETURN, spec.target, *(feature["name"] for feature in spec.inputs())]
    missing = sorted({name for name in wanted if name not in rows.columns})
    if missing:
        raise spec.error(f"the training rows lack the columns {missing}; compute the features again.")


def _check_sessions(spec: TrainingSpec, rows: pd.DataFrame) -> None:
    late = [session.date() for session in rows["session"] if session.date() >= spec.trained_through]
    if late:
        raise spec.error(
            f"the row of session {late[0]} would learn from a close after the cut-off {spec.trained_through} "
            f"(a target is the next session's); hand over only rows before it."
        )


def _check_counts(spec: TrainingSpec, rows: pd.DataFrame) -> None:
    names = {TRAIN: "training", VALIDATION: "validation"}
    for part, minimum in MINIMUM_ROWS.items():
        count = int((rows[SPLIT] == part).sum())
        if count < minimum:
            raise spec.error(
                f"{count} {names[part]} rows, at least {minimum} are needed; begin training.start earlier, "
                f"move training.cutoff later or change training.validation_fraction."
            )
    if not rows[SPLIT].isin(list(names)).all():
        raise spec.error(
            f"the column {SPLIT} holds {sorted(rows[SPLIT].unique())}, only 0 and 1 are allowed."
        )


def _check_inputs(spec: TrainingSpec, rows: pd.DataFrame) -> None:
    import numpy as np

    training = rows[rows[SPLIT] == TRAIN]
    for feature in spec.inputs():
        name = feature["name"]
        if training[name].isna().all():
            raise spec.error(
                f"feature {name} has no value in any training row; shorten its window or remove it."
            )
        if feature.get("type") != "number":
            continue
        try:
            infinite = np.isinf(rows[name].to_numpy("float64", na_value=np.nan))
        except (TypeError, ValueError) as error:
            raise spec.error(f"feature {name} is of type number but holds what is none ({error}).") from error
        if infinite.any():
            session = rows.loc[infinite, "session"].iloc[0]
            raise spec.error(f"feature {name} is infinite at session {session:%Y-%m-%d}; mend the feature.")


def _check_target(spec: TrainingSpec, rows: pd.DataFrame) -> None:
    import numpy as np

    for name in {spec.target, RETURN}:
        values = rows[name].to_numpy("float64", na_value=np.nan)
        if not np.isfinite(values).all():
            session = rows.loc[~np.isfinite(values), "session"].iloc[0]
            raise spec.error(
                f"target {name} has no finite value at session {session:%Y-%m-%d}; drop rows without a target."
            )
    distinct = rows.loc[rows[SPLIT] == TRAIN, spec.target].unique()
    if len(distinct) < 2:
        raise spec.error(
            f"target {spec.target} is {distinct[0]} in every training row: nothing to learn. "
            f"Check the bars of {spec.symbol}."
        )
    if spec.target == "next_direction" and not set(distinct) <= {0, 1}:
        raise spec.error(f"target next_direction must be 0 or 1, found {sorted(distinct)[:5]}.")
