"""Predictions from a stored model: onnxruntime where the model could be exported, else what trained it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.encoding import check_features
from my_dagster_project.models.kinds.port import Kind
from my_dagster_project.models.kinds.table import kind_named
from my_dagster_project.models.manifest import Manifest, read_manifest
from my_dagster_project.models.onnx_scores import onnx_scores

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Prediction:
    """What a model says about each row of a features frame.

    Attributes:
        frame: `predicted_return` (log return to the next session) and `probability_up` (fraction; NaN where it is none),
            float64, with the index of the features frame; `position` (-1 to 1) of a model that answers with one.
        engine: what computed it: onnxruntime, or the kind of model.
        note: why it was not onnxruntime, for people; None otherwise.
    """

    frame: pd.DataFrame
    engine: str
    note: str | None = None


def predict(files: Mapping[str, bytes], features: pd.DataFrame) -> Prediction:
    """Predict every row, each by itself: its answer is the same bytes whichever rows are asked for with it.

    Missing values are filled by the rule learned in training. For a classification team the return is
    (2p - 1) * return_scale, the platform's convention (a certain rise predicts the mean absolute return of the
    training rows), so that its error can stand beside that of a regression team; that of a position is position * return_scale.

    Args:
        files: the model's stored files.
        features: at least the model's input columns, one row per session.

    Raises:
        ModelError: a column is missing, a value is infinite, or the model is torn.
    """
    import pandas as pd

    manifest = read_manifest(files)
    check_features(manifest, features)
    if manifest.exported:
        scores, engine, note = onnx_scores(files, manifest, features), "onnxruntime", None
    else:
        kind = kind_named(manifest.kind)
        scores, engine = _own_scores(kind, files, manifest, features), kind.name
        note = f"{manifest.label} predicts with {kind.title}, which is slower: {manifest.reason}"
    frame = pd.DataFrame(answers_of(manifest, scores), index=features.index, dtype="float64")
    return Prediction(frame, engine, note)


def _own_scores(kind: Kind, files: Mapping[str, bytes], manifest: Manifest, rows: pd.DataFrame) -> np.ndarray:
    import numpy as np

    return kind.predict(files, rows, manifest.label) if len(rows) else np.zeros(0)


def answers_of(manifest: Manifest, scores: np.ndarray) -> dict[str, np.ndarray]:
    """What a model's scores of some rows mean, by the columns of `Prediction.frame`; raises ModelError for what is no answer."""
    import numpy as np

    if not np.isfinite(scores).all():
        raise ModelError(
            f"{manifest.label}: the model answered NaN or infinity on {(~np.isfinite(scores)).sum()} rows; "
            f"train it again, with every number input normalised."
        )
    columns = {"predicted_return": scores, "probability_up": np.full(len(scores), np.nan)}
    if manifest.answer == "probability":
        columns = {"predicted_return": (2 * scores - 1) * manifest.return_scale, "probability_up": scores}
    if manifest.answer == "position":
        if (np.abs(scores) > 1).any():
            raise ModelError(
                f"{manifest.label}: the model answered {np.abs(scores).max():g}; a position is -1 to 1."
            )
        columns |= {"predicted_return": scores * manifest.return_scale, "position": scores}
    return columns
