"""A Ludwig model as files in memory and back, and its own prediction: the slow, always available road."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.kinds.ludwig.ludwig_runtime import ludwig_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd
    from ludwig.api import LudwigModel

FOLDER = "ludwig/"
NAMES = ("model_weights.safetensors", "model_hyperparameters.json", "training_set_metadata.json")

# Keeps Ludwig on the CPU: for networks of this size a GPU is slower, and the same seed must give the same
# bits on every machine.
CPU_ONLY = "-1"


def save_ludwig(model: LudwigModel) -> dict[str, bytes]:
    """The three files of `LudwigModel.save`, about 110 kB; the rest of a run directory is not worth keeping."""
    # Ludwig's mark for its cache, which we do not use; it differs from process to process.
    model.training_set_metadata.pop("checksum", None)
    with tempfile.TemporaryDirectory(prefix="ludwig-save-") as folder:
        model.save(folder)
        return {FOLDER + name: (Path(folder) / name).read_bytes() for name in NAMES}


def load_ludwig(
    files: Mapping[str, bytes], label: str, backend: str | dict[str, str] = "local"
) -> LudwigModel:
    """The model from its three files; call it inside a `ludwig_session`.

    Raises:
        ModelError: a file is missing, or Ludwig cannot read them.
    """
    from ludwig.api import LudwigModel

    missing = [FOLDER + name for name in NAMES if FOLDER + name not in files]
    if missing:
        raise ModelError(f"{label}: the model lacks {', '.join(missing)}. Train it again.")
    with tempfile.TemporaryDirectory(prefix="ludwig-load-") as folder:
        for name in NAMES:
            (Path(folder) / name).write_bytes(files[FOLDER + name])
        try:
            return LudwigModel.load(folder, backend=backend, gpus=CPU_ONLY, logging_level=logging.ERROR)
        except Exception as error:
            raise ModelError(f"{label}: Ludwig cannot load the model ({error}). Train it again.") from error


def ludwig_scores(model: LudwigModel, features: pd.DataFrame, label: str) -> np.ndarray:
    """Ludwig's own answer, float64 (rows,): the log return, or the probability of a rise.

    Call it inside a `ludwig_session`.

    Raises:
        ModelError: Ludwig failed on the rows, or dropped some.
    """
    names = [feature.name for feature in model.config_obj.input_features]
    output = model.config_obj.output_features[0]
    column = "predictions" if output.type == "number" else "probabilities_True"
    try:
        answer, _ = model.predict(dataset=features[names].reset_index(drop=True), batch_size=1024)
    except Exception as error:
        raise ModelError(f"{label}: Ludwig could not predict ({type(error).__name__}: {error}).") from error
    if len(answer) != len(features):
        raise ModelError(f"{label}: Ludwig answered {len(answer)} of {len(features)} rows.")
    return answer[f"{output.name}_{column}"].to_numpy("float64")


def predict_with_ludwig(files: Mapping[str, bytes], features: pd.DataFrame, label: str) -> np.ndarray:
    """Load and score in one go, a row at a time (18 ms), because it too rounds many rows differently.

    Loading takes 9 s and 1 GB in a fresh process, 0.2 s in one that has trained.
    """
    import numpy as np

    with ludwig_session():
        model = load_ludwig(files, label)
        rows = (features.iloc[row : row + 1] for row in range(len(features)))
        return np.array([ludwig_scores(model, row, label).item() for row in rows], dtype="float64")
