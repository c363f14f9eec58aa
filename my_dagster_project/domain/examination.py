"""What a training is looked at by, kept with its model: learning curves, the validation part, which inputs mattered.

Nothing is decided by it: a model that was stored before there was one is as good.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from my_dagster_project.domain.importance import Importance
from my_dagster_project.foundation.errors import ModelError

EXAMINATION = "examination.json"


@dataclass(frozen=True)
class Examination:
    """What is kept of a training to be looked at.

    Attributes:
        epochs: each metric by epoch, by the kind's own names; `train_loss` and `validation_loss` where it has them.
        kept: the epoch (from 1) whose weights were kept, 0 where there is none to tell.
        answer: what the model answers with: a return, a probability or a position.
        predicted: its answers on the newest rows of the validation part.
        actual: the log returns that came.
        error: mean absolute error of these answers, in their units; None where an answer has none (a position).
        naive_error: that of "no change", of a probability that of 50 %.
        importance: by permutation on these rows, the largest first.
    """

    epochs: dict[str, list[float]] = field(default_factory=dict)
    kept: int = 0
    answer: str = "return"
    predicted: list[float] = field(default_factory=list)
    actual: list[float] = field(default_factory=list)
    error: float | None = None
    naive_error: float | None = None
    importance: list[Importance] = field(default_factory=list)

    def to_json(self) -> bytes:
        """As stored: seven digits, because a picture needs no more and another machine rounds the last ones differently."""
        return json.dumps(_rounded(asdict(self)), sort_keys=True).encode() + b"\n"


def read_examination(data: bytes) -> Examination:
    """The examination from its file; raises ModelError for one that cannot be read."""
    try:
        told = json.loads(data)
        return Examination(**told | {"importance": [Importance(**one) for one in told["importance"]]})
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{EXAMINATION} cannot be read ({error}).") from error


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    return float(f"{value:.6e}") if isinstance(value, float) else value
