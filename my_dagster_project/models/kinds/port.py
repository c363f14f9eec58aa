"""The port of a kind of model: what the platform asks of Ludwig, of a baseline, of whatever comes later.

A kind is a folder beside this file with one `Kind` in it, and a row in `table.py`. A team's file names it
(`model: {kind: baseline, ...}`); the rest of that section is the kind's own, and only the kind reads it.

What is to come goes through the same functions. *A model that arrives as an ONNX file*: the section names the file and its
hash; `fit` checks it, looks at nothing else of the rows than what the manifest needs, and gives it on as `model.onnx`.
*Predictions that arrive from outside*: `fit` gives a manifest alone (`exported` false), `predict` looks up what was received
for a row's `session` before its open, by our own time of receipt; the rows carry `session` for that. *An agent*: `fit` gives
its policy as `model.onnx`, `inputs` names what it observes, and it answers with a position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from my_dagster_project.domain.targets import ANSWERS, Answer, Target
from my_dagster_project.foundation.problems import Loc, Problem
from my_dagster_project.models.bounds import Bounds
from my_dagster_project.models.manifest import Manifest
from my_dagster_project.models.training_input import TrainingSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

type Section = dict[str, Any]
type OnEpoch = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Task:
    """What a model has to learn: the target of its team's file from feature columns, each with its kind."""

    target: Target
    features: Mapping[str, str]


class Part(NamedTuple):
    """One part of a model: where it stands in the section, and about how many weights it has."""

    loc: Loc
    weights: int


@dataclass(frozen=True)
class Verdict:
    """What came of trying a section for a moment.

    Attributes:
        weights: how many its model has; 0 where there is none.
        reason: why it cannot be trained as written, in words for its team; "" when it can.
        loc: the part of the section without which it can; () when no single part is to blame.
        lasting: whether it is the section alone that says so, not the time or memory of the moment.
    """

    weights: int = 0
    reason: str = ""
    loc: Loc = ()
    lasting: bool = True


@dataclass(frozen=True)
class TrainedModel:
    """A trained model.

    Attributes:
        files: `manifest.json`, `model.onnx` (if it could be exported) and the kind's own below a folder; the same
            specification and rows give the same bytes.
        manifest: what manifest.json says.
        metrics: of the epoch that was kept, by the kind's own names; `train_loss` and `validation_loss` where it has them.
    """

    files: dict[str, bytes]
    manifest: Manifest
    metrics: dict[str, float]


def _as_the_target(section: Section, target: Target) -> Answer:
    return ANSWERS[target]


def _anything() -> dict[str, Any]:
    return {}


def _no_parts(section: Section) -> list[Part]:
    return []


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Kind:
    """One kind of model. Its functions import what is heavy only when they are called.

    Attributes:
        name: what a team's file calls it.
        title: what people call it, in messages.
        says: one sentence for people.
        lint: everything wrong with a section by itself; places are relative to it. It gets whatever a team wrote.
        fits: everything wrong with a section beside the rest of its file; it, too, gets whatever a team wrote.
        inputs: the feature columns a model of a checked section reads, in its order.
        complete: a checked section with what the platform adds to it, a new dict: what is trained and what is fingerprinted.
        fit: trains on rows as `training_input.check_rows` describes them, telling of each epoch; ModelError where it cannot.
        warm: whether `fit` can begin with the weights of an earlier model of the same section (`TrainingSpec.begins_with`).
        predict: its own answer to each row by itself, float64 (rows,), where a model has no `model.onnx`, or none that says the same.
        answers: what its model answers with, of whatever a team wrote; without it what the target says, a return or a probability.
        schema: the section for editors, an object of JSON Schema (draft 7), a new one; its `definitions` become those of the team file's schema.
        parts: about how large its parts get, to be refused beforehand; of whatever a team wrote.
        rehearse: tries a complete section for a moment, before anything is spent on it, for a target, on rows of any symbol,
            within bounds; None where `lint` and `fits` know everything.
        packages: what computes, by the name it is imported by: another version makes its models due and tries them anew.
        preload: imports what a process that will train needs, before it forks.
    """

    name: str
    title: str
    says: str
    lint: Callable[[Section], list[Problem]]
    fits: Callable[[Section, Task], list[Problem]]
    inputs: Callable[[Section], list[str]]
    complete: Callable[[Section], Section]
    fit: Callable[[TrainingSpec, pd.DataFrame, OnEpoch], TrainedModel]
    predict: Callable[[Mapping[str, bytes], pd.DataFrame, str], np.ndarray]
    answers: Callable[[Section, Target], Answer] = _as_the_target
    warm: bool = False
    schema: Callable[[], dict[str, Any]] = _anything
    parts: Callable[[Section], list[Part]] = _no_parts
    rehearse: Callable[[Section, Target, pd.DataFrame, Bounds], Verdict] | None = None
    packages: Mapping[str, str] = field(default_factory=dict)
    preload: Callable[[], None] = _nothing

    def code_of(self, function: str) -> str:
        """Where one of its functions is (`module:function`): what computes with it has it in its recipe."""
        found = getattr(self, function)
        return f"{found.__module__}:{found.__name__}"
