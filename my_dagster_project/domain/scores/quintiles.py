"""Whether predicted returns mean what they say: by fifths of what was predicted, what came in the mean."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from my_dagster_project.domain.scores.blocks import Figure
from my_dagster_project.domain.scores.probabilities import Bin

if TYPE_CHECKING:
    from collections.abc import Iterable

_PARTS = 5
_Z_95 = 1.959963984540054


def by_fifths(pairs: Iterable[tuple[float, float]]) -> list[Bin]:
    """Predicted and actual returns by fifths of the predicted ones: the mean said, how many, the mean that came with its 95 % interval
    (of the mean, by its standard error); none of fewer than 5 pairs.
    """
    known = sorted(pair for pair in pairs if not math.isnan(pair[0] + pair[1]))
    cuts = [round(len(known) * part / _PARTS) for part in range(_PARTS + 1)]
    parts = [known[start:end] for start, end in pairwise(cuts)]
    return [_bin(part) for part in parts] if len(known) >= _PARTS else []


def _bin(part: list[tuple[float, float]]) -> Bin:
    came = [actual for _, actual in part]
    mean = fmean(came)
    around = _Z_95 * stdev(came) / math.sqrt(len(came)) if len(came) > 1 else math.nan
    return Bin(fmean(said for said, _ in part), len(part), Figure(mean, mean - around, mean + around))
