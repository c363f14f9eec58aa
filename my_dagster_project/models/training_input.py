"""What goes into a training, and the rows that are refused before any library sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.targets import Target
from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.bounds import Bounds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    import pandas as pd

SPLIT = "split"
RETURN = "next_return"
TRAIN, VALIDATION = 0, 1
MINIMUM_ROWS = {TRAIN: 50, VALIDATION: 10}


@dataclass(frozen=True)
class TrainingSpec:
    """One model to train.

    Attributes:
        symbol: whose rows it learns from; '' for those of all symbols of the team, which the rows then name in `symbol`.
        section: the complete section of its kind of model (`TeamConfig.complete_section`).
        features: columns of the rows that are inputs.
        seed: the same seed, configuration and rows give the same bytes.
        trained_through: last session whose close the training sees. A target looks one session ahead, so
            every row lies before it.
        window: the first day (ISO) of the refit window it is for, '' of a team that never refits.
        bounds: what the training may take of the machine; None where nobody else needs it.
        begins_with: the files of the model whose weights it begins with; None where they are drawn anew.
    """

    team: str
    symbol: str
    section: dict[str, Any]
    target: Target
    features: tuple[str, ...]
    seed: int
    trained_through: date
    bounds: Bounds | None = None
    window: str = ""
    begins_with: Mapping[str, bytes] | None = None

    @property
    def label(self) -> str:
        """How errors name the model: `red/AAPL`; `red` of all its symbols."""
        return "/".join(filter(None, (self.team, self.symbol)))

    @property
    def of(self) -> str:
        """How logs and MLflow name it: `red AAPL 2012-12-01`."""
        return " ".join(filter(None, (self.team, self.symbol, self.window)))

    def error(self, problem: str) -> ModelError:
        """A ModelError that names the model."""
        return ModelError(f"{self.label}: {problem}")


def what_it_learnt_from(spec: TrainingSpec, rows: pd.DataFrame) -> dict[str, Any]:
    """The fields of a `Manifest` that follow from the specification and the rows, whatever the kind."""
    training = rows[rows[SPLIT] == TRAIN]
    return {
        "team": spec.team,
        "symbol": spec.symbol,
        "symbols": () if spec.symbol else tuple(sorted(rows["symbol"].unique())),
        "target": spec.target,
        "trained_through": spec.trained_through,
        "seed": spec.seed,
        "rows": {"train": len(training), "validation": int((rows[SPLIT] == VALIDATION).sum())},
        "return_scale": float(training[RETURN].abs().mean()),
    }


def check_rows(spec: TrainingSpec, rows: pd.DataFrame, numbers: Collection[str]) -> None:
    """Refuse rows that a training would die of, or quietly learn the future from; `numbers` are the inputs that are read as such.

    Raises:
        ModelError: names the column or session, and what to do.
    """
    _check_columns(spec, rows)
    _check_sessions(spec, rows)
    _check_counts(spec, rows)
    _check_inputs(spec, rows, numbers)
    _check_target(spec, rows)


def _check_columns(spec: TrainingSpec, rows: pd.DataFrame) -> None:
    wanted = ["session", SPLIT, RETURN, spec.target, *spec.features]
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


def _check_inputs(spec: TrainingSpec, rows: pd.DataFrame, numbers: Collection[str]) -> None:
    import numpy as np

    training = rows[rows[SPLIT] == TRAIN]
    for name in spec.features:
        if training[name].isna().all():
            raise spec.error(
                f"feature {name} has no value in any training row; shorten its window or remove it."
            )
        if name not in numbers:
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
            f"Check the bars of {spec.symbol or 'its symbols'}."
        )
    if spec.target == "next_direction" and not set(distinct) <= {0, 1}:
        raise spec.error(f"target next_direction must be 0 or 1, found {sorted(distinct)[:5]}.")
