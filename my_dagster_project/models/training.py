"""Train one Ludwig model and hand back its files; nothing else is left behind."""

from __future__ import annotations

import logging
import tempfile
import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.bounds import bounded_memory
from my_dagster_project.models.epochs import EpochReports, OnEpoch
from my_dagster_project.models.ludwig_files import CPU_ONLY, save_ludwig
from my_dagster_project.models.ludwig_runtime import ludwig_session
from my_dagster_project.models.manifest import MANIFEST, ONNX, Manifest
from my_dagster_project.models.onnx_export import describe_inputs, export_obstacle, export_onnx
from my_dagster_project.models.parity import TOLERANCE, compare
from my_dagster_project.models.training_input import (
    RETURN,
    SPLIT,
    TRAIN,
    VALIDATION,
    TrainingSpec,
    check_rendered,
    check_rows,
    ludwig_config,
)

if TYPE_CHECKING:
    import pandas as pd
    from ludwig.api import LudwigModel

# Enough to see a wrong graph, and 30 ms.
PARITY_ROWS = 250


@dataclass(frozen=True)
class TrainedModel:
    """A trained model.

    Attributes:
        files: `model.onnx` (if it could be exported), `ludwig/...` (three files) and `manifest.json`; the same
            specification and rows give the same bytes.
        manifest: what manifest.json says.
        metrics: of the epoch that was kept, the one with the lowest value of Ludwig's validation metric:
            `train_loss`, `validation_loss` and Ludwig's other metrics by those prefixes.
    """

    files: dict[str, bytes]
    manifest: Manifest
    metrics: dict[str, float]


def train(spec: TrainingSpec, rows: pd.DataFrame, on_epoch: OnEpoch) -> TrainedModel:
    """Train one model on one symbol.

    Args:
        spec: what to train.
        rows: `session`, the feature columns, the target, `next_return` (log return to the next session) and
            `split` (0 train, 1 validation), sorted by session and only up to the cut-off: Ludwig's
            normalisation sees every row it is given. The caller has purged the row between the two parts.
        on_epoch: called after each epoch with its number, from 1, and metrics such as `train_loss`.

    Raises:
        ModelError: one text that names team and symbol, what is wrong and what to do; nothing is left behind.
    """
    config = ludwig_config(spec)
    check_rows(spec, rows)
    with ludwig_session():
        reports = EpochReports(spec, on_epoch)
        model = _fit(spec, config, rows, reports)
        files = save_ludwig(model)
        manifest = _describe(spec, model, rows, reports.epochs)
        files, manifest = _export(files, manifest, model, rows)
    return TrainedModel(
        files=files | {MANIFEST: manifest.to_json()}, manifest=manifest, metrics=reports.best()
    )


def _fit(spec: TrainingSpec, config: dict, rows: pd.DataFrame, reports: EpochReports) -> LudwigModel:
    from ludwig.api import LudwigModel

    columns = [*dict.fromkeys([*(feature["name"] for feature in spec.inputs()), spec.target, SPLIT])]
    try:
        memory = spec.bounds.memory if spec.bounds else None
        with bounded_memory(memory), tempfile.TemporaryDirectory(prefix="ludwig-train-") as folder:
            # With no cache_dir Ludwig takes a lock in /tmp that all trainings on the machine share.
            backend = {"type": "local", "cache_dir": folder}
            model = LudwigModel(config, backend=backend, gpus=CPU_ONLY, logging_level=logging.ERROR)
            check_rendered(spec, model.config)
            model.train(
                dataset=rows[columns].reset_index(drop=True),
                random_seed=spec.seed,
                callbacks=[reports.callback()],
                output_directory=folder,
                # Not skip_save_model: without it Ludwig returns the last weights, not the best ones.
                skip_save_training_description=True,
                skip_save_training_statistics=True,
                skip_save_progress=True,
                skip_save_log=True,
                skip_save_processed_input=True,
            )
    except ModelError:
        raise
    except Exception as error:
        raise _explained(spec, error) from error
    return model


def _explained(spec: TrainingSpec, error: Exception) -> ModelError:
    """Ludwig's own errors, from a readable line about the configuration to an AttributeError from its depths."""
    if "NaN or Inf" in str(error) or "No checkpoint was saved" in str(error):
        return spec.error(
            "training diverged, the weights became NaN; lower ludwig.trainer.learning_rate and normalise every "
            "number feature and the target (normalization: zscore)."
        )
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        allowed = f"{spec.bounds.memory / 1024**2:.0f} MB" if spec.bounds else "what the machine has"
        return spec.error(
            f"training needs more memory than {allowed}; a smaller network or batch needs less."
        )
    return spec.error(
        f"Ludwig could not train the model ({_in_one_line(error)}); check the ludwig section of the team file."
    )


def _in_one_line(error: Exception, limit: int = 300) -> str:
    return textwrap.shorten(f"{type(error).__name__}: {error}", limit, placeholder=" ...")


def _describe(spec: TrainingSpec, model: LudwigModel, rows: pd.DataFrame, epochs: int) -> Manifest:
    import ludwig
    import torch

    training = rows[rows[SPLIT] == TRAIN]
    return Manifest(
        team=spec.team,
        symbol=spec.symbol,
        target=spec.target,
        inputs=describe_inputs(model),
        trained_through=spec.trained_through,
        seed=spec.seed,
        rows={"train": len(training), "validation": int((rows[SPLIT] == VALIDATION).sum())},
        epochs=epochs,
        return_scale=float(training[RETURN].abs().mean()),
        versions={"ludwig": ludwig.__version__, "torch": torch.__version__},
        exported=False,
        reason="not exported yet",
    )


def _export(
    files: dict[str, bytes], manifest: Manifest, model: LudwigModel, rows: pd.DataFrame
) -> tuple[dict[str, bytes], Manifest]:
    """Add `model.onnx` if the model can be exported and says what Ludwig says; else note why not.

    A model that cannot be exported is still a good model: it predicts with Ludwig.
    """
    obstacle = export_obstacle(model)
    if obstacle:
        return files, replace(manifest, reason=obstacle)
    try:
        exported = files | {ONNX: export_onnx(model)}
        difference = compare(exported, manifest, model, rows.tail(PARITY_ROWS))
    except Exception as error:
        reason = f"the network has a part that ONNX cannot express ({_in_one_line(error)})"
        return files, replace(manifest, reason=reason)
    if difference.max_abs_diff > TOLERANCE:
        reason = f"the exported model differs from Ludwig by {difference.max_abs_diff:.1e}"
        return files, replace(manifest, reason=reason, parity=difference)
    return exported, replace(manifest, exported=True, reason=None, parity=difference)
