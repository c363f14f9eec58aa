"""Baselines: what they learn of the training rows, what they answer, and the same as an ONNX graph of a few nodes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.targets import ANSWERS, NEXT_RETURN, Answer, Target
from my_dagster_project.models.encoding import NUMBERS, encode
from my_dagster_project.models.kinds.port import OnEpoch, TrainedModel
from my_dagster_project.models.manifest import MANIFEST, ONNX, Input, Manifest, read_manifest
from my_dagster_project.models.parity import PARITY_ROWS, compare
from my_dagster_project.models.training_input import (
    RETURN,
    SPLIT,
    TRAIN,
    VALIDATION,
    TrainingSpec,
    check_rows,
    what_it_learnt_from,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

STRATEGIES = {
    "drift": "the mean of the training rows.",
    "last_value": "tomorrow's close is today's.",
    "always_up": "a rise, by the mean absolute return of the training rows.",
    "hold": "the position 1, for the trading strategy as_told.",
    "momentum": "the mean after sessions like this one, where `input` was above zero or was not.",
}
LEARNT = "baseline.json"
_OPSET, _IR_VERSION = 17, 8


def fit(spec: TrainingSpec, rows: pd.DataFrame, on_epoch: OnEpoch) -> TrainedModel:
    """Learn the answers of `spec.section`'s strategy: where its input is above zero, where it is not, where it is missing.

    Raises ModelError for rows that no model may be trained on.
    """
    check_rows(spec, rows, spec.features)
    answers = _answers(spec, rows[rows[SPLIT] == TRAIN])
    manifest = _manifest(spec, rows)
    files = {
        LEARNT: json.dumps(answers, sort_keys=True).encode(),
        ONNX: _graph(answers, looks=bool(spec.features)),
        MANIFEST: manifest.to_json(),
    }
    metrics = {}
    if manifest.answer != "position":  # which has no error
        metrics = _losses(spec, files, rows)
        on_epoch(1, metrics)
    last = rows.tail(PARITY_ROWS)
    manifest = replace(
        manifest, parity=compare(files, manifest, lambda probes: predict(files, probes, spec.label), last)
    )
    return TrainedModel(files | {MANIFEST: manifest.to_json()}, manifest, metrics)


def predict(files: Mapping[str, bytes], features: pd.DataFrame, label: str) -> np.ndarray:
    """The baseline's answer, float64 (rows,): the log return, the probability of a rise, or the position."""
    import numpy as np

    answers = json.loads(files[LEARNT])
    numbers = encode(read_manifest(files), features)[NUMBERS]
    if numbers.shape[1] == 0:
        return np.full(len(features), answers["missing"])
    looked_at = numbers[:, 0]
    seen = np.where(looked_at > 0, answers["above"], answers["otherwise"])
    return np.where(np.isnan(looked_at), answers["missing"], seen)


def answers_of(section: dict[str, Any], target: Target) -> Answer:
    """What a strategy answers with."""
    return "position" if section.get("strategy") == "hold" else ANSWERS[target]


def _answers(spec: TrainingSpec, training: pd.DataFrame) -> dict[str, float]:
    """What is answered `above` zero, `otherwise`, and where the input is `missing`."""
    returns, values = spec.target == NEXT_RETURN, training[spec.target]
    if spec.section["strategy"] == "momentum":
        looked_at = training[spec.features[0]].astype("float32")
        parts = {"above": values[looked_at > 0], "otherwise": values[looked_at <= 0], "missing": values}
        return {name: float((part if len(part) else values).mean()) for name, part in parts.items()}
    constants = {
        "drift": float(values.mean()),
        "last_value": 0.0 if returns else 0.5,
        "always_up": float(training[RETURN].abs().mean()) if returns else 1.0,
        "hold": 1.0,
    }
    return dict.fromkeys(("above", "otherwise", "missing"), constants[spec.section["strategy"]])


def _manifest(spec: TrainingSpec, rows: pd.DataFrame) -> Manifest:
    from importlib.metadata import version

    return Manifest(
        **what_it_learnt_from(spec, rows),
        kind="baseline",
        answers=answers_of(spec.section, spec.target),
        inputs=tuple(Input(name, "number") for name in spec.features),
        epochs=1,
        versions={"onnx": version("onnx")},
        exported=True,
    )


def _losses(spec: TrainingSpec, files: Mapping[str, bytes], rows: pd.DataFrame) -> dict[str, float]:
    """Mean squared errors by the names that every kind has."""
    squared = (predict(files, rows, spec.label) - rows[spec.target]) ** 2
    parts = {"train_loss": TRAIN, "validation_loss": VALIDATION}
    return {name: float(squared[rows[SPLIT] == part].mean()) for name, part in parts.items()}


def _graph(answers: Mapping[str, float], *, looks: bool) -> bytes:
    """The answers as ONNX, in float64: `numbers` float32 (rows, n) with NaN for missing, to `score` (rows,)."""
    from onnx import TensorProto, helper

    nodes, constants = _looking(answers) if looks else _constant(answers["missing"])
    graph = helper.make_graph(
        nodes,
        "baseline",
        [helper.make_tensor_value_info(NUMBERS, TensorProto.FLOAT, ["rows", "inputs"])],
        [helper.make_tensor_value_info("score", TensorProto.DOUBLE, ["rows"])],
        constants,
    )
    opset = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION, producer_name="")
    return bytes(model.SerializeToString(deterministic=True))


def _looking(answers: Mapping[str, float]) -> tuple[list[Any], list[Any]]:
    """Nodes and constants that answer by the first column of `numbers`."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Gather", [NUMBERS, "first"], ["looked_at"], axis=1),
        helper.make_node("Greater", ["looked_at", "zero"], ["is_above"]),
        helper.make_node("IsNaN", ["looked_at"], ["is_missing"]),
        helper.make_node("Where", ["is_above", "above", "otherwise"], ["seen"]),
        helper.make_node("Where", ["is_missing", "missing", "seen"], ["score"]),
    ]
    constants = [
        helper.make_tensor(name, TensorProto.DOUBLE, [1], [value]) for name, value in answers.items()
    ]
    constants.append(helper.make_tensor("first", TensorProto.INT64, [], [0]))
    constants.append(helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]))
    return nodes, constants


def _constant(value: float) -> tuple[list[Any], list[Any]]:
    """Nodes and constants that answer every row alike."""
    from onnx import TensorProto, helper

    said = helper.make_tensor("value", TensorProto.DOUBLE, [1], [value])
    nodes = [
        helper.make_node("Shape", [NUMBERS], ["shape"]),
        helper.make_node("Gather", ["shape", "first"], ["rows"]),
        helper.make_node("ConstantOfShape", ["rows"], ["score"], value=said),
    ]
    return nodes, [helper.make_tensor("first", TensorProto.INT64, [1], [0])]
