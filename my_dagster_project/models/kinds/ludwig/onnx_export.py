"""A trained Ludwig model as one self-contained ONNX graph: normalisation in front, inverse transform behind.

Ludwig 0.17 cannot do this itself: its ONNX export fails on models with several inputs, and its other formats
leave the normalisation out. Every feature still carries its own pre- and post-processing module, so the graph
is traced through those and through the network, and no formula of Ludwig's is written a second time here.

Which exporter (torch 2.13, 13 inputs, warm process, one thread; parity with Ludwig is 1e-8 in all of them):

    combiner          TorchScript exporter     torch.export (dynamo=True)
    concat             0.09 s    16 kB           1.6 s    58 kB    (+2.3 s the first time)
    transformer        0.11 s    55 kB           3.2 s   208 kB
    ft_transformer     0.11 s    89 kB           2.4 s   243 kB
    tabnet             0.36 s   144 kB           5.1 s   497 kB

The first is deprecated, yet 15 to 30 times faster and it imports neither dynamo nor onnxscript (70 MB). What
tracing may get wrong, a value of the example baked in, shows when other rows are compared: see parity.py.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from my_dagster_project.models.encoding import CODES, NUMBERS, names_of
from my_dagster_project.models.manifest import Input

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from ludwig.api import LudwigModel

OPSET = 17
SCORE = "score"
EXPORTABLE = ("number", "category", "binary")

# Known beforehand, for at an operation that it does not know the exporter prints the whole graph, a megabyte.
WITHOUT_ONNX = {"bins": "ONNX has no searchsorted"}


def describe_inputs(model: LudwigModel) -> tuple[Input, ...]:
    """The columns a trained model reads, with Ludwig's fill values and label codes."""
    # Not `model.config`: that property renders the whole configuration at each access, 50 ms.
    features = model.config_obj.input_features
    return tuple(_describe_input(f.name, f.type, model.training_set_metadata[f.name]) for f in features)


def _describe_input(name: str, kind: str, metadata: dict[str, Any]) -> Input:
    fill = metadata.get("preprocessing", {}).get("computed_fill_value")
    if kind == "number":
        return Input(name, kind, fill=None if fill is None else float(fill))
    if kind == "binary":
        return Input(name, kind, fill=str(fill).lower() in ("true", "1", "1.0"))
    if kind == "category":
        codes = {str(label): int(code) for label, code in metadata["str2idx"].items()}
        return Input(name, kind, fill=fill, categories=codes, unknown=_code_of_unseen(metadata))
    return Input(name, kind)


def _code_of_unseen(metadata: dict[str, Any]) -> int:
    """Ludwig's rule: the code of `<UNK>` if the vocabulary has it, else that of the most frequent label."""
    codes, frequency = metadata["str2idx"], metadata["str2freq"]
    return int(codes.get("<UNK>", codes[max(frequency, key=frequency.get)]))


def export_obstacle(model: LudwigModel) -> str | None:
    """Why this model cannot be exported, for a person to read; None if nothing is known to stand against it."""
    for feature in model.config_obj.input_features:
        if feature.encoder.type in WITHOUT_ONNX:
            return f"input {feature.name} has the encoder {feature.encoder.type}: {WITHOUT_ONNX[feature.encoder.type]}"
    for entry in describe_inputs(model):
        if entry.type not in EXPORTABLE:
            return f"input {entry.name} is of type {entry.type}; only {', '.join(EXPORTABLE)} can be exported"
        if entry.type == "binary" and "str2bool" in model.training_set_metadata[entry.name]:
            return f"input {entry.name} is binary with text labels; give 0 and 1, or use a category"
    return None


def export_onnx(model: LudwigModel) -> bytes:
    """The ONNX graph of a trained model.

    Inputs: `numbers` float32 (rows, n) with NaN for missing, `codes` int64 (rows, m), see `encoding.encode`.
    Output: `score` float32 (rows,): the log return, or the probability of a rise.

    Raises:
        Exception: whatever torch raises on an operation that ONNX does not have.
    """
    import torch

    inputs = describe_inputs(model)
    numbers, codes = names_of(inputs, "number"), names_of(inputs, "category", "binary")
    example = (torch.zeros(3, len(numbers)), torch.zeros(3, len(codes), dtype=torch.long))
    buffer = io.BytesIO()
    with torch.no_grad():
        torch.onnx.export(
            _scoring_module(model, inputs),
            example,
            buffer,
            dynamo=False,
            opset_version=OPSET,
            input_names=[NUMBERS, CODES],
            output_names=[SCORE],
            dynamic_axes={name: {0: "rows"} for name in (NUMBERS, CODES, SCORE)},
        )
    return buffer.getvalue()


def _scoring_module(model: LudwigModel, inputs: Sequence[Input]) -> torch.nn.Module:
    """From raw values to the score: Ludwig's own modules in the order in which Ludwig runs them."""
    import torch

    network = model.model.eval()
    metadata = model.training_set_metadata
    ((target, output),) = network.output_features.items()
    regression = output.type() == "number"
    numbers = names_of(inputs, "number")
    codes = names_of(inputs, "category", "binary")

    class Scoring(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network
            # It fills NaN, replaces outliers and normalises. (A list: a feature may be called `keys`.)
            self.before = torch.nn.ModuleList(
                network.input_features.get(name).create_preproc_module(metadata[name]) for name in numbers
            )
            self.after = output.create_postproc_module(metadata[target])

        def forward(self, number_matrix: torch.Tensor, code_matrix: torch.Tensor) -> torch.Tensor:
            values = {
                name: prepare(number_matrix[:, column])
                for column, (name, prepare) in enumerate(zip(numbers, self.before, strict=True))
            }
            values |= {name: code_matrix[:, column] for column, name in enumerate(codes)}
            in_order = {entry.name: values[entry.name] for entry in inputs}
            answer = output.predictions(self.network(in_order), target)
            if not regression:
                return answer["probabilities"]
            prediction = {f"{target}::predictions": answer["predictions"]}
            return self.after(prediction, target)["predictions"]

    return Scoring().eval()
