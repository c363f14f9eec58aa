"""Two questions every feature table must answer before it is used: does it see the future, and has it settled?

Both are answered by computing it again on less history and comparing, the way freqtrade's lookahead-analysis and
recursive-analysis do: on bars cut off after a session (a value that changes knew the future), and on bars that begin
later (a value that changes still depends on where history began).
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from my_dagster_project.domain.features import Feature, compute_features

if TYPE_CHECKING:
    import pandas as pd

# Relative difference that a shorter history may make; recursive averages keep 1e-6 of their start after the warm-up.
TOLERANCE = 1e-4
_CUTS = 4


@dataclass(frozen=True)
class Mismatch:
    """A feature whose value at a session changed when history was cut."""

    feature: str
    session: date
    why: str
    full: str
    cut: str

    def __str__(self) -> str:
        return f"{self.feature} at {self.session}: {self.full} with all bars, {self.cut} {self.why}"


def check_history_independence(bars: "pd.DataFrame", features: list[Feature]) -> list[Mismatch]:
    """The features that see the future or have not settled after the warm-up; empty is good.

    `bars` as in `compute_features`. Recomputes the table on a few truncations, one vectorised pass each.
    """
    full = compute_features(bars, features).set_index("session")
    warmup = len(bars) - len(full)
    found = []
    for end in _cuts(len(bars), warmup):
        cut = compute_features(bars.iloc[:end], features).set_index("session")
        found += _differences(full, cut, "with nothing after it")
    if len(full) > 1:
        late = bars.iloc[len(full) // 2 :].reset_index(drop=True)
        if len(late) > warmup:
            found += _differences(
                full, compute_features(late, features).set_index("session"), "with a later start"
            )
    return found


def _cuts(sessions: int, warmup: int) -> list[int]:
    first, last = warmup + 1, sessions - 1
    if last < first:
        return []
    step = max(1, (last - first) // _CUTS)
    return sorted({*range(last, first - 1, -step)})[-_CUTS:]


def _differences(full: "pd.DataFrame", cut: "pd.DataFrame", why: str) -> list[Mismatch]:
    import numpy as np

    # The last rows are where a look into the future shows; the first are where an unsettled start does.
    edges = cut.iloc[[0, -1]]
    found = []
    for name in cut.columns:
        for session, value in edges[name].items():
            expected = full.at[session, name]
            same = (
                value == expected
                if isinstance(value, str)
                else np.isclose(value, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
            )
            if not same:
                found.append(Mismatch(name, session.date(), why, f"{expected}", f"{value}"))
    return found
