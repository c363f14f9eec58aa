"""Train one Ludwig model and hand back its files; nothing else is left behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.bounds import bounded_memory
from my_dagster_project.models.kinds.ludwig.epochs import EpochReports
from my_dagster_project.models.kinds.ludwig.ludwig_files import ludwig_scores, save_ludwig
from my_dagster_project.models.kinds.ludwig.ludwig_fit import (
    fit,
    in_one_line,
    is_divergence,
    is_out_of_memory,
)
from my_dagster_project.models.kinds.ludwig.ludwig_input import check_rendered, inputs_of, ludwig_config
from my_dagster_project.models.kinds.ludwig.ludwig_runtime import ludwig_session
from my_dagster_project.models.kinds.ludwig.onnx_export import describe_inputs, export_obstacle, export_onnx
from my_dagster_project.models.kinds.port import OnEpoch, TrainedModel
from my_dagster_project.models.manifest import MANIFEST, ONNX, Manifest
from my_dagster_project.models.parity import PARITY_ROWS, TOLERANCE, compare
from my_dagster_project.models.training_input import SPLIT, TrainingSpec, check_rows, what_it_learnt_from

if TYPE_CHECKING:
    import pandas as pd
    from ludwig.api import LudwigModel


def train(spec: TrainingSpec, rows: pd.DataFrame, on_epoch: OnEpoch) -> TrainedModel:
    """Train one model on one symbol, or on all of a team's.

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
    check_rows(spec, rows, [entry["name"] for entry in inputs_of(spec) if entry.get("type") == "number"])
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
    columns = [*dict.fromkeys([*(feature["name"] for feature in inputs_of(spec)), spec.target, SPLIT])]
    try:
        with bounded_memory(spec.bounds.memory if spec.bounds else None):
            return fit(
                config,
                rows[columns],
                seed=spec.seed,
                callbacks=[reports.callback()],
                check=reports.check_time,
                built=lambda model: check_rendered(spec, model.config),
                begins_with=spec.begins_with,
            )
    except ModelError:
        raise
    except Exception as error:
        raise _explained(spec, error) from error


def _explained(spec: TrainingSpec, error: Exception) -> ModelError:
    if is_divergence(error):
        return spec.error(
            "training diverged, the weights became NaN; lower ludwig.trainer.learning_rate and normalise every "
            "number feature and the target (normalization: zscore)."
        )
    if is_out_of_memory(error):
        allowed = f"{spec.bounds.memory / 1024**2:.0f} MB" if spec.bounds else "what the machine has"
        return spec.error(
            f"training needs more memory than {allowed}; a smaller network or batch needs less."
        )
    return spec.error(
        f"Ludwig could not train the model ({in_one_line(error)}); check the ludwig section of the team file."
    )


def _describe(spec: TrainingSpec, model: LudwigModel, rows: pd.DataFrame, epochs: int) -> Manifest:
    import ludwig
    import torch

    return Manifest(
        **what_it_learnt_from(spec, rows),
        kind="ludwig",
        inputs=describe_inputs(model),
        epochs=epochs,
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
        difference = compare(
            exported,
            manifest,
            lambda probes: ludwig_scores(model, probes, manifest.label),
            rows.tail(PARITY_ROWS),
        )
    except Exception as error:
        reason = f"the network has a part that ONNX cannot express ({in_one_line(error)})"
        return files, replace(manifest, reason=reason)
    if difference.max_abs_diff > TOLERANCE:
        reason = f"the exported model differs from Ludwig by {difference.max_abs_diff:.1e}"
        return files, replace(manifest, reason=reason, parity=difference)
    return exported, replace(manifest, exported=True, reason=None, parity=difference)
