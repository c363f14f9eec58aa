"""Controls of a refit: how well a ridge regression on its rows foretells what it should not foretell so well.

The ridge (Hoerl & Kennard, Technometrics 12 (1970), in closed form) answers each fifth of the rows from the four others and is
scored by the correlation of its answers with the ranks of the returns that came: one figure, from all rows, in milliseconds.

- *Shuffled*: the same columns with the returns' months in another order, so that each belongs to no row (Ojala & Garriga, J.
  Mach. Learn. Res. 11 (2010), test 1). Proves how far luck gets with these very columns and rows: the deviation that all
  else is measured by. It proves nothing about a column.
- *Real*: the score with the next session's return. Beyond what honest columns reach by more than luck it proves that a column,
  or the target, knows the future, whoever computed it; a leak that says nothing of the return's sign is not seen.
- *Shifted*: the score with the returns one and two sessions later, a negative control (Lipsitch, Tchetgen Tchetgen & Cohen,
  Epidemiology 21 (2010)): who cannot foretell tomorrow's return cannot foretell those either, but a window that reaches beyond
  tomorrow, or a target that is late, does. The return up to the session is the positive one: columns may know it, and a high
  score says that the ridge would have found a leak.

A column is named by Pratt's share of the fitted answer (Pratt, Proc. 2nd Tampere Conf. Statistics (1987)), weight times
correlation, which adds up to one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from my_dagster_project.domain.chance import HONEST_IC

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

type Columns = dict[str, "NDArray[np.float64]"]

# Beyond this nothing of daily bars is honest, whatever luck adds: it stops the refit. The best of 190 ridges on the sample has 0.12.
IMPOSSIBLE_IC = 0.15
# Deviations of luck on top. By chance alone five come once in three million looks; a season of twenty teams has thousands.
SURE = 5.0
LATER = (1, 2)
_BEFORE = -1
_FOLDS, _SHUFFLES, _MONTH = 5, 64, 21
_PENALTY = 0.01  # of the number of rows; the columns are standardised
_CLIP = 4.0
_MOST_LEVELS = 12


@dataclass(frozen=True)
class Controls:
    """What came of the controls of some rows.

    Attributes:
        rows: how many there were.
        scores: with the next session's return, and with those that begin one and two sessions later; correlations.
        luck: the deviation of the shuffled scores, at least that of as many independent rows.
        before: the score with the return up to the session.
        column: which column says most of the answer with the highest score, '' where none says anything.
        alone: that column's own correlation with that return's rank.
        share: its share of the ridge's answer.
    """

    rows: int
    scores: tuple[float, ...]
    luck: float
    before: float
    column: str = ""
    alone: float = 0.0
    share: float = 0.0

    @property
    def problem(self) -> str | None:
        """Why nobody may learn from these rows, in words with the likely column; None where nothing is impossible."""
        return self._beyond(IMPOSSIBLE_IC)

    @property
    def suspicion(self) -> str | None:
        """What is surely better than honest columns get; None where it is not."""
        return self._beyond(HONEST_IC)

    @property
    def beyond_luck(self) -> float:
        """By how many deviations of luck the highest score is beyond what honest columns reach."""
        return (max(self.scores) - HONEST_IC) / self.luck

    def __str__(self) -> str:
        later = ", ".join(f"{score:+.2f}" for score in self.scores[1:])
        return (
            f"a ridge on {self.rows} rows foretells the next return with {self.scores[0]:+.2f}, those after it with "
            f"{later or 'nothing'}; luck is {self.luck:.2f}, and of the return before it knows {self.before:+.2f}"
        )

    @property
    def likely(self) -> str:
        """The column that says most, in words."""
        if not self.column:
            return "no column says anything: look at the target"
        return f"likely column {self.column} (alone {self.alone:+.2f}, {self.share:.0%} of the answer)"

    def _beyond(self, honest: float) -> str | None:
        most, score = honest + SURE * self.luck, max(self.scores)
        if score <= most:
            return None
        ahead = self.scores.index(score)
        what = f"the return that begins {ahead} sessions later" if ahead else "the next session's return"
        return (
            f"a ridge on {self.rows} rows foretells {what} with a correlation of {score:+.2f}, too good to be true: "
            f"honest columns with the best of luck get {most:.2f}; {self.likely}"
        )


def ridge_controls(rows: pd.DataFrame, inputs: Sequence[str], bars: pd.DataFrame) -> Controls:
    """The controls of training rows: `session`, `next_return` and the columns `inputs`; `bars` are those known by the cut-off.

    The same rows give the same figures. Rows too few for five parts, and columns without a value, score 0.
    """
    import numpy as np

    columns = standardised(rows, inputs)
    if not columns or len(rows) < 2 * _FOLDS:
        return Controls(len(rows), (0.0,), 1.0, 0.0)
    given = _ranked(rows["next_return"].to_numpy("float64"))
    ahead = [given, *(_ranked(_returns_from(bars, rows["session"], by)) for by in LATER)]
    before = _ranked(_returns_from(bars, rows["session"], _BEFORE))
    matrix = np.hstack([*columns.values()])
    found = _scores(matrix, np.column_stack([*ahead, before, *_shuffled(given)]))
    scores, shuffled = found[: len(ahead)], found[len(ahead) + 1 :]
    luck = max(float(shuffled.std()), len(rows) ** -0.5)
    likely = _likely(columns, ahead[int(scores.argmax())])
    return Controls(len(rows), tuple(map(float, scores)), luck, float(found[len(ahead)]), *likely)


def likely_column(rows: pd.DataFrame, inputs: Sequence[str]) -> str:
    """In words which of the columns `inputs` says most of `actual_return`, the return that came after each of these rows.

    Of few rows some column always seems to: one that by itself says little is no suspect.
    """
    columns = standardised(rows, inputs)
    if not columns or len(rows) < 2 * _FOLDS:
        return "no features are stored of these sessions"
    column, alone, share = _likely(columns, _ranked(rows["actual_return"].to_numpy("float64")))
    if abs(alone) < max(IMPOSSIBLE_IC, SURE * len(rows) ** -0.5):
        return f"no column by itself says much ({column} {alone:+.2f}): look at the target and at how the model was made"
    return f"likely column {column} (alone {alone:+.2f}, {share:.0%} of what a ridge says)"


def standardised(rows: pd.DataFrame, inputs: Sequence[str]) -> Columns:
    """Each input as columns of mean 0 and deviation 1 without outliers, a missing value as the mean; those that never change are left out.

    A category has a column for each value, at most a dozen.
    """
    import numpy as np
    import pandas as pd

    found = {}
    for name in inputs:
        values = rows[name]
        numbers = values if values.dtype.kind in "fiub" else pd.get_dummies(values.astype(str))
        table = np.asarray(numbers, "float64").reshape(len(rows), -1)[:, :_MOST_LEVELS]
        table = np.where(np.isfinite(table), table, np.nan)
        table = table[:, ~np.isnan(table).all(axis=0)]
        deviation = np.nanstd(table, axis=0)
        table, deviation = table[:, deviation > 1e-12], deviation[deviation > 1e-12]
        if table.shape[1]:
            scaled = (table - np.nanmean(table, axis=0)) / deviation
            found[name] = np.clip(np.nan_to_num(scaled), -_CLIP, _CLIP)
    return found


def _returns_from(bars: pd.DataFrame, sessions: pd.Series, ahead: int) -> NDArray[np.float64]:
    """The return that begins so many sessions after each of these; NaN where the bars do not have it."""
    import numpy as np
    import pandas as pd

    close = np.log(bars["adj_close"].to_numpy("float64"))
    following = np.append(np.diff(close), np.nan)
    places = pd.Index(bars["session"]).get_indexer(sessions) + ahead
    known = (places >= 0) & (places < len(close))
    return np.where(known, following[np.clip(places, 0, len(close) - 1)], np.nan)


def _ranked(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks of mean 0 and deviation 1: a single crash decides nothing. A missing value is the middle."""
    import numpy as np
    import pandas as pd

    ranks = pd.Series(values).rank()
    deviation = float(ranks.std(ddof=0))
    scaled = (ranks - ranks.mean()) / (deviation if deviation > 0 else 1.0)
    return np.asarray(scaled.fillna(0.0), "float64")


def _shuffled(returns: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The returns with their months in other orders: what hangs together within a month still does."""

    return [returns[months_shuffled(len(returns), seed)] for seed in range(_SHUFFLES)]


def months_shuffled(rows: int, seed: int = 0) -> NDArray[np.int64]:
    """The numbers of so many rows, whole months of them in another order; the same seed gives the same."""
    import numpy as np

    months = np.array_split(np.arange(rows), max(rows // _MONTH, _FOLDS))
    order = np.random.default_rng(seed).permutation(len(months))
    return np.concatenate([months[number] for number in order])


def rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Spearman's; 0 where one of them never changes."""
    return float(_correlations(_ranked(one), _ranked(other)))


def _scores(matrix: NDArray[np.float64], returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ridge's score with each column of `returns`: the mean over contiguous fifths, each answered from the others."""
    import numpy as np

    parts = np.array_split(np.arange(len(matrix)), _FOLDS)
    grams = [matrix[part].T @ matrix[part] for part in parts]
    crossed = [matrix[part].T @ returns[part] for part in parts]
    whole, all_crossed = sum(grams), sum(crossed)
    penalty = _PENALTY * len(matrix) * np.eye(matrix.shape[1])
    scores = []
    for part, gram, cross in zip(parts, grams, crossed, strict=True):
        weights = np.linalg.solve(whole - gram + penalty, all_crossed - cross)
        scores.append(_correlations(matrix[part] @ weights, returns[part]))
    return np.mean(scores, axis=0)


def _correlations(answers: NDArray[np.float64], returns: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    one, other = answers - answers.mean(axis=0), returns - returns.mean(axis=0)
    scale = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    return (one * other).sum(axis=0) / np.where(scale > 1e-12, scale, np.inf)


def _likely(columns: Columns, returns: NDArray[np.float64]) -> tuple[str, float, float]:
    """The column with the greatest share of the fitted answer, its own correlation, and the share."""
    import numpy as np

    matrix = np.hstack([*columns.values()])
    penalty = _PENALTY * len(matrix) * np.eye(matrix.shape[1])
    weights = np.linalg.solve(matrix.T @ matrix + penalty, matrix.T @ returns)
    said, first = {}, 0
    for name, table in columns.items():
        part = table @ weights[first : first + table.shape[1]]
        first += table.shape[1]
        said[name] = float(part @ returns) / len(returns), float(_correlations(part, returns))
    total = sum(share for share, _ in said.values())
    column = max(said, key=lambda name: said[name][0])
    share, _ = said[column]
    sign = np.sign(columns[column][:, 0] @ returns) if columns[column].shape[1] == 1 else 1.0
    return column, float(abs(said[column][1]) * sign), share / total if total > 0 else 0.0
