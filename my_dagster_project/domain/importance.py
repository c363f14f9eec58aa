"""Which inputs mattered: how much larger a model's error gets when one of them is shuffled (Breiman 2001)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pandas import DataFrame

REPEATS = 3


@dataclass(frozen=True)
class Importance:
    """What an input is worth: the increase of the mean absolute error without it, in units of the answer and as a fraction."""

    input: str
    increase: float
    share: float


def permutation_importance(
    answers: Callable[[DataFrame], NDArray[np.float64]],
    rows: DataFrame,
    actual: NDArray[np.float64],
    seed: int,
) -> list[Importance]:
    """The importance of each column of `rows`, the largest first: the mean of `REPEATS` shuffles of that column alone.

    `answers` gives an answer for each row of a table. An input that it ignores has 0; one that only looked useful in training
    may have less. The same seed gives the same figures. Empty without rows; of a model without an error `share` is the increase.
    """
    import numpy as np
    import pandas as pd

    if rows.empty:
        return []
    draw, many, after = np.random.default_rng(seed), pd.concat([rows] * REPEATS), np.tile(actual, REPEATS)
    # Of as many rows as below: a mean of fewer rounds differently, and what is ignored would not have exactly 0.
    error = float(np.abs(np.tile(answers(rows), REPEATS) - after).mean())
    orders = [np.concatenate([draw.permutation(len(rows)) for _ in range(REPEATS)]) for _ in rows]
    found = []
    for name, order in zip(rows, orders, strict=True):
        shuffled = many.assign(**{str(name): rows[name].to_numpy()[order]})
        increase = float(np.abs(answers(shuffled) - after).mean()) - error
        found.append(Importance(str(name), increase, increase / error if error else increase))
    return sorted(found, key=lambda one: -one.increase)
