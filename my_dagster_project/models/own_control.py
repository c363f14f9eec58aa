"""The shuffled control of a kind of model: trained on returns in another order, and asked about sessions that came later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from my_dagster_project.domain.own_controls import AnswersControl, answers_control, shuffled_parts
from my_dagster_project.models.prediction import predict
from my_dagster_project.models.training_input import RETURN

if TYPE_CHECKING:
    import pandas as pd

    from my_dagster_project.models.kinds.port import Kind
    from my_dagster_project.models.training_input import TrainingSpec

# Two years to learn from and one to be asked about: what a model brings along it has whatever it learns, and this takes a moment.
_NEWEST = 750


def shuffled_control(kind: Kind, spec: TrainingSpec, rows: pd.DataFrame) -> AnswersControl | None:
    """How well a model that could learn nothing goes with what came; None where there are too few rows to tell.

    Raises ModelError where it cannot be trained.
    """
    sessions = rows["session"].drop_duplicates().tail(_NEWEST)
    parts = shuffled_parts(rows[rows["session"].isin(sessions)], spec.target)
    if parts is None:
        return None
    learnt, asked = parts
    # With weights of its own: those of an earlier refit have learnt from what is asked about.
    trained = kind.fit(replace(spec, begins_with=None), learnt, lambda epoch, metrics: None)
    answers = predict(trained.files, asked).frame
    answered = answers["predicted_return"].to_numpy("float64")
    symbols = asked["symbol"].nunique() if not spec.symbol else 1
    return answers_control(answered, asked[RETURN].to_numpy("float64"), symbols)
