"""The figures that can be asked for by name, such as `blue.AAPL.mase`: those of the tables' columns, declared there alone.

`blue.mase` is of the team's row of the leaderboard, `blue.AAPL.mase` of its row of a symbol, `blue.evaluation.mase` of its walk
through the years, `blue.evaluation.2011.mase` of a part of that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.reports.evaluation_columns import EVALUATION_COLUMNS
from my_dagster_project.reports.leaderboard_columns import SYMBOL_COLUMNS, TEAM_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from my_dagster_project.reports.columns import Column

type Table = Literal["team", "symbol", "evaluation"]
EVALUATION = "evaluation"
TABLES: dict[Table, Sequence[Column[Any]]] = {
    "team": TEAM_COLUMNS,
    "symbol": SYMBOL_COLUMNS,
    "evaluation": EVALUATION_COLUMNS,
}


@dataclass(frozen=True)
class Address:
    """A figure of a team: of which table, of which part (a symbol; of an evaluation a year, ..., '' for all of it)."""

    team: str
    table: Table
    part: str
    figure: str

    def __str__(self) -> str:
        of = (EVALUATION,) if self.table == "evaluation" else ()
        return ".".join(filter(None, (self.team, *of, self.part, self.figure)))

    @property
    def column(self) -> Column[Any]:
        """The column that has it."""
        return next(one for one in TABLES[self.table] if self.figure in figures_of(one))

    def value(self, row: Any) -> Any:
        """The bare figure of a row of its table."""
        return self.column.values(row)[self.column.figure_names.index(self.figure)]

    def words(self, row: Any) -> str:
        """The cell that people read, with the figures beside it."""
        return self.column.cell(row)


def address_of(text: str) -> Address:
    """The figure that a text names; raises TradingError, naming those that there are, where it names none."""
    team, *middle, figure = text.split(".") if text.count(".") else ("", "")
    table: Table = "team"
    if middle:
        table = "evaluation" if middle[0] == EVALUATION else "symbol"
    part = ".".join(middle[1:] if table == "evaluation" else middle)
    known = [name for column in TABLES[table] for name in figures_of(column)]
    if not team or figure not in known:
        forms = "TEAM.FIGURE, TEAM.SYMBOL.FIGURE, TEAM.evaluation.FIGURE or TEAM.evaluation.YEAR.FIGURE"
        raise TradingError(f"{text!r} is no figure: write {forms}; here figures are {', '.join(known)}")
    return Address(team, table, part, figure)


def figures_of(column: Column[Any]) -> Sequence[str]:
    """The figures of a column, none of one that says whose row it is."""
    return () if column.key and column.text else column.figure_names


def same(one: Any, other: Any) -> bool:
    """Whether two figures say the same, but for how another machine rounds its last digits."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12) or (
            math.isnan(one) and math.isnan(other)
        )
    return bool(one == other)
