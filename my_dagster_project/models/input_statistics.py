"""What a kind of model noted of its inputs when it was trained, read from the file it is kept in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from my_dagster_project.foundation.errors import ModelError

STATISTICS = "ludwig/training_set_metadata.json"
"""Where Ludwig keeps them, with the scales that predictions need; the other kinds have none."""


@dataclass(frozen=True)
class InputStatistics:
    """A column as the training rows had it: mean and standard deviation of a number, how often each value of a category was there."""

    name: str
    mean: float | None = None
    deviation: float | None = None
    counts: tuple[tuple[str, int], ...] = ()


def input_statistics(data: bytes) -> tuple[InputStatistics, ...]:
    """The columns in the file's order; raises ModelError for one that cannot be read."""
    try:
        return tuple(_of(name, told) for name, told in json.loads(data).items() if isinstance(told, dict))
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{STATISTICS} cannot be read ({error}).") from error


def _of(name: str, told: dict[str, Any]) -> InputStatistics:
    if "mean" in told:
        return InputStatistics(name, float(told["mean"]), float(told["std"]))
    counts = {str(value): int(number) for value, number in told.get("str2freq", {}).items()}
    return InputStatistics(name, counts=tuple(sorted(counts.items(), key=lambda one: -one[1])))
