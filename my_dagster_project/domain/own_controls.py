"""Controls of a model itself: do its answers go too well with what came, also where it learnt that from nothing?

Two questions. Of each refit: its answers on the validation part, which its weights were not fitted to. Of each configuration
once: trained on returns in another order (`controls.py` says why), and asked about newer sessions. What then still goes with
the returns that came, was not learnt from the rows: the model brought it along, as pretrained weights or a file from outside
may that have seen these years. A ridge cannot show that, for it brings nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.controls import IMPOSSIBLE_IC, SURE, months_shuffled, rank_correlation

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

# Of the newest rows, a year: luck has a deviation of 0.06 there. With fewer nothing but a certainty would be seen.
HELD, _FEWEST_HELD = 250, 60
_VALIDATION = 0.15


@dataclass(frozen=True)
class AnswersControl:
    """How well answers go with the returns that came: a rank correlation on so many rows, and the deviation of luck."""

    rows: int
    score: float
    luck: float

    @property
    def is_impossible(self) -> bool:
        """Whether it is beyond what any honest model gets with the best of luck."""
        return self.score > self.most

    @property
    def most(self) -> float:
        """What an honest model gets with the best of luck."""
        return IMPOSSIBLE_IC + SURE * self.luck

    def __str__(self) -> str:
        return f"{self.score:+.2f} on {self.rows} rows, where honest models with the best of luck get {self.most:.2f}"

    def to_json(self) -> dict[str, Any]:
        """As plain data; `AnswersControl(**data)` gives it back."""
        return asdict(self)


def answers_control(
    answers: Sequence[float], returns: Sequence[float], symbols: int = 1
) -> AnswersControl | None:
    """How well these answers go with these returns, both row by row; None of too few to tell.

    The rows of several symbols move together on a day: they count as those of one.
    """
    import numpy as np

    told, came = np.asarray(answers, "float64"), np.asarray(returns, "float64")
    known = np.isfinite(told) & np.isfinite(came)
    count = int(known.sum())
    if count < _FEWEST_HELD * symbols:
        return None
    score = rank_correlation(told[known], came[known])
    return AnswersControl(count, score, float((count / symbols) ** -0.5))


def shuffled_parts(rows: pd.DataFrame, target: str) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Rows to learn nothing from, and newer ones to be asked about; None where there are too few.

    The first have the months of their returns, and of the target, in another order; a session's last close before the others is
    in none. Rows of several symbols are parted between sessions, too.
    """
    sessions = rows["session"].drop_duplicates()
    held = min(HELD, len(sessions) // 3)
    if held < _FEWEST_HELD:
        return None
    learnt = rows[rows["session"] < sessions.iloc[-held - 1]].reset_index(drop=True)
    asked = rows[rows["session"] >= sessions.iloc[-held]].reset_index(drop=True)
    order = months_shuffled(len(learnt))
    names = dict.fromkeys(["next_return", target])
    shuffled = {name: learnt[name].to_numpy()[order] for name in names}
    begins = learnt["session"].iloc[round(len(learnt) * (1 - _VALIDATION))]
    return learnt.assign(**shuffled, split=(learnt["session"] >= begins).astype(int)), asked
