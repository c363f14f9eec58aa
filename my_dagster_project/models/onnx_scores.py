"""What a model exported to ONNX answers, by onnxruntime: without the library that trained it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.encoding import encode
from my_dagster_project.models.manifest import ONNX, Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd


def onnx_scores(files: Mapping[str, bytes], manifest: Manifest, features: pd.DataFrame) -> np.ndarray:
    """The exported model's answer, float64 (rows,): the log return, or the probability of a rise.

    A session takes 10 ms to open, so it is not kept: a range of sessions is one call.

    Raises:
        ModelError: there is no exported model, or it is torn.
    """
    import onnxruntime

    if ONNX not in files:
        raise ModelError(f"{manifest.label}: the model has no {ONNX}. Train it again.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(files[ONNX], options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{manifest.label}: {ONNX} cannot be read ({error}). Train it again.") from error
    arrays = encode(manifest, features)
    if len(features) == 0:
        return arrays["numbers"][:, :0].sum(axis=1).astype("float64")
    # The exporter drops an input that no feature uses.
    feed = {entry.name: arrays[entry.name] for entry in session.get_inputs()}
    return session.run(None, feed)[0].reshape(len(features)).astype("float64")
