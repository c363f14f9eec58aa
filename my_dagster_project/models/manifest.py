"""What a stored model says about itself (manifest.json): everything needed to predict by its exported form."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.targets import ANSWERS, Answer, Target
from my_dagster_project.foundation.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
MANIFEST = "manifest.json"
ONNX = "model.onnx"


@dataclass(frozen=True)
class Input:
    """One column the model reads.

    Attributes:
        name: column of the features frame.
        type: number, category, binary, or one that only the kind itself can read (Ludwig's text, ...).
        fill: what stands in for a missing value, in the column's own units; None where the graph or the kind decides.
        categories: label -> code the network was trained with (category only).
        unknown: code of a label that training never saw (category only).
    """

    name: str
    type: str
    fill: float | str | bool | None = None
    categories: dict[str, int] | None = None
    unknown: int | None = None


@dataclass(frozen=True)
class Parity:
    """How far the exported model is from the kind's own prediction.

    Attributes:
        max_abs_diff: largest difference, in model output units: log return, or probability (fraction).
        rows: rows compared, among them rows with missing values and with labels training never saw.
    """

    max_abs_diff: float
    rows: int


@dataclass(frozen=True)
class Manifest:
    """The stored description of one trained model.

    Attributes:
        kind: the kind of model, by its name in `models/kinds/table.py`; what was stored before there were kinds is Ludwig's.
        answers: what it answers with; None where the target says it.
        symbols: whose rows a model of all the team's symbols has learned from, where `symbol` is ''.
        inputs: in the order the network takes them.
        trained_through: last session whose close the training saw; never predict with it for an earlier one.
        rows: training and validation rows.
        epochs: epochs trained, the ones early stopping waited for included.
        return_scale: mean absolute next-session log return of the training rows; turns the probability p of a
            classification team into a return, (2p - 1) * return_scale, so that both kinds can be scored alike.
        exported: whether `model.onnx` is there; if not, `reason` says why and predictions come from the kind itself.
        parity: the comparison made when training; None if there was nothing to compare.
    """

    team: str
    symbol: str
    target: Target
    inputs: tuple[Input, ...]
    trained_through: date
    seed: int
    rows: dict[str, int]
    epochs: int
    return_scale: float
    versions: dict[str, str]
    exported: bool
    reason: str | None = None
    parity: Parity | None = None
    kind: str = "ludwig"
    answers: Answer | None = None
    symbols: tuple[str, ...] = ()

    @property
    def answer(self) -> Answer:
        """What it answers with."""
        return self.answers or ANSWERS[self.target]

    @property
    def label(self) -> str:
        """How errors name the model: `red/AAPL`; `red` of all its symbols."""
        return "/".join(filter(None, (self.team, self.symbol)))

    def require(self, team: str, symbol: str, target: str) -> None:
        """Raise ModelError unless it is the model of this team, symbol and target: a copied folder or pointer is not."""
        said, wanted = (self.team, self.symbol, self.target), (team, symbol, target)
        if said != wanted:
            raise ModelError(
                f"{team}/{symbol}: the stored model says it is of {' '.join(said)}, not of {' '.join(wanted)}; train it anew."
            )

    def to_json(self) -> bytes:
        """The manifest as stored: sorted keys and no clock, so that the same training gives the same bytes."""
        content = dataclasses.asdict(self) | {
            "format": FORMAT,
            "trained_through": self.trained_through.isoformat(),
        }
        return json.dumps(content, sort_keys=True, indent=2, allow_nan=False).encode() + b"\n"


def read_manifest(files: Mapping[str, bytes]) -> Manifest:
    """The manifest among a model's files.

    Raises:
        ModelError: there is none, it is torn, or a later version of the platform wrote it.
    """
    if MANIFEST not in files:
        raise ModelError(f"The model has no {MANIFEST}; its files are {sorted(files)}. Train it again.")
    try:
        content: dict[str, Any] = json.loads(files[MANIFEST])
        found = content.pop("format")
        if found != FORMAT:
            raise ModelError(
                f"The model's {MANIFEST} has format {found}, this platform reads {FORMAT}. Train it again."
            )
        content["inputs"] = tuple(Input(**entry) for entry in content["inputs"])
        content["trained_through"] = date.fromisoformat(content["trained_through"])
        content["symbols"] = tuple(content.get("symbols", ()))
        content["parity"] = Parity(**content["parity"]) if content["parity"] else None
        return Manifest(**content)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"The model's {MANIFEST} cannot be read ({error}). Train it again.") from error
