"""The leak detector: what the rows of a refit must answer before anything learns from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from my_dagster_project.domain.controls import Controls, ridge_controls
from my_dagster_project.domain.lookahead import (
    inputs_problem,
    parts_problem,
    recomputed_problem,
    target_problem,
)

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from my_dagster_project.domain.features import Feature
    from my_dagster_project.domain.targets import Target


@dataclass(frozen=True)
class Refit:
    """What a refit learns from, and what that should have come from.

    Attributes:
        of: how people call it: `red AAPL, refit of 2013-02-01`.
        rows: its training rows.
        stored: the feature table they were taken from.
        bars: all bars there are, also later ones.
        features: how the columns are computed.
        target: what is learnt.
        cutoff: the last session whose close it may see.
        symbol: whose rows they are.
    """

    of: str
    rows: pd.DataFrame
    stored: pd.DataFrame
    bars: pd.DataFrame
    features: Sequence[Feature]
    target: Target
    cutoff: date
    symbol: str

    @property
    def wrong_rows(self) -> str | None:
        """Which row learns something else than the next return, later than it may, or is where it should not be."""
        return (
            target_problem(self.rows, self.bars, self.target, self.cutoff)
            or parts_problem(self.rows, self.bars, self.target)
            or inputs_problem(self.rows, self.stored)
        )

    @property
    def wrong_inputs(self) -> str | None:
        """Which input does not follow from the bars up to the cut-off, or hangs on the level of prices or volumes."""
        if self.rows.empty:
            return None
        return recomputed_problem(self.rows, self.bars, [*self.features], self.symbol)

    @property
    def controls(self) -> Controls:
        """What a ridge foretells of these rows."""
        import pandas as pd

        known = self.bars[self.bars["session"] <= pd.Timestamp(self.cutoff)]
        return ridge_controls(self.rows, [feature.name for feature in self.features], known)

    @property
    def problem(self) -> str | None:
        """Why nothing may learn from these rows, in words with what to do; None where nothing speaks against it."""
        wrong = self.wrong_rows or self.wrong_inputs or self.controls.problem
        return self.refused(wrong) if wrong else None

    def refused(self, wrong: str) -> str:
        """What people are told of a refit that is stopped."""
        return (
            f"{self.of}: {wrong}. Nothing was trained, and in a season the earlier refit stays in force; take that column out of the team's "
            "file or mend how it is computed, then train again"
        )
