"""Looks at a model that has just been trained, by its exported form: one way for all kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.examination import Examination
from my_dagster_project.domain.importance import permutation_importance
from my_dagster_project.models.onnx_scores import answers_at_once
from my_dagster_project.models.training_input import RETURN, SPLIT, VALIDATION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pandas import DataFrame

    from my_dagster_project.models.kinds.port import TrainedModel

# The newest rows of the validation part, two years: what is looked at must not cost a training.
_MOST_ROWS = 500


def examine(
    trained: TrainedModel, rows: DataFrame, epochs: Sequence[Mapping[str, float]], seed: int
) -> Examination:
    """Look at a trained model: `rows` are those it was trained on, `epochs` what it reported of each.

    Of a model that was not exported there are the curves alone: its own library would take minutes.
    """
    curves = {name: [one[name] for one in epochs if name in one] for name in (epochs[0] if epochs else {})}
    kept = next((number for number, one in enumerate(epochs, 1) if dict(one) == trained.metrics), 0)
    seen = Examination(curves, kept, trained.manifest.answer)
    part = rows[rows[SPLIT] == VALIDATION].tail(_MOST_ROWS)
    if not trained.manifest.exported or part.empty:
        return seen
    return Examination(curves, kept, trained.manifest.answer, **_on(trained, part, seed))


def _on(trained: TrainedModel, part: DataFrame, seed: int) -> dict[str, Any]:
    """The answers on some rows, how wrong they are, and what they depend on."""
    manifest = trained.manifest
    answers = answers_at_once(trained.files, manifest)
    predicted, returns = answers(part), part[RETURN].to_numpy("float64")
    told = {"predicted": predicted.tolist(), "actual": returns.tolist()}
    if manifest.answer == "position":
        return told
    inputs = part[[entry.name for entry in manifest.inputs]]
    actual = part[manifest.target].to_numpy("float64")
    naive = 0.5 if manifest.answer == "probability" else 0.0
    return told | {
        "error": float(abs(predicted - actual).mean()),
        "naive_error": float(abs(naive - actual).mean()),
        "importance": permutation_importance(answers, inputs, actual, seed),
    }
