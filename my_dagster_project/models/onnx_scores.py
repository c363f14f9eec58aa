"""What a model exported to ONNX answers, by onnxruntime: without the library that trained it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.encoding import encode
from my_dagster_project.models.manifest import ONNX, Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pandas as pd
    from onnxruntime import InferenceSession

    from my_dagster_project.models.encoding import Rows


def onnx_scores(files: Mapping[str, bytes], manifest: Manifest, features: pd.DataFrame) -> np.ndarray:
    """The exported model's answer, float64 (rows,): the log return, or the probability of a rise. Raises ModelError as `opened`."""
    return row_by_row(opened(files, manifest), manifest, features)


def opened(files: Mapping[str, bytes], manifest: Manifest) -> InferenceSession:
    """The exported model, ready to answer: 10 ms, so it serves many rows. Raises ModelError where there is none, or it is torn."""
    import onnxruntime

    if ONNX not in files:
        raise ModelError(f"{manifest.label}: the model has no {ONNX}. Train it again.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(files[ONNX], options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{manifest.label}: {ONNX} cannot be read ({error}). Train it again.") from error


def row_by_row(session: InferenceSession, manifest: Manifest, features: Rows) -> np.ndarray:
    """Its answer to each row, float64 (rows,).

    One row a run, 0.04 ms: many at once round differently (by 6e-8 on a fifth of blue's rows), so that the replay of a range,
    a season of single sessions and what is served would not say the same.
    """
    import numpy as np

    feed = _feed(session, manifest, features)
    rows = ({name: array[row : row + 1] for name, array in feed.items()} for row in range(len(features)))
    return np.array([session.run(None, row)[0].item() for row in rows], dtype="float64")


def answers_at_once(files: Mapping[str, bytes], manifest: Manifest) -> Callable[[pd.DataFrame], np.ndarray]:
    """What gives the same answers to 1e-7, a thousand times as fast: for figures about many rows, never for a prediction."""
    import numpy as np

    session = opened(files, manifest)

    def answers(features: pd.DataFrame) -> np.ndarray:
        found = session.run(None, _feed(session, manifest, features))[0]
        return np.asarray(found, "float64").reshape(-1)

    return answers


def _feed(session: InferenceSession, manifest: Manifest, features: Rows) -> dict[str, np.ndarray]:
    """The arrays it takes: the exporter drops an input that no feature uses."""
    arrays = encode(manifest, features)
    return {entry.name: arrays[entry.name] for entry in session.get_inputs()}
