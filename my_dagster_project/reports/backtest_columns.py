"""The columns of a backtest, for a terminal and CSV: what a team's rules would have made of its predictions."""

from collections.abc import Callable

from my_dagster_project.domain.backtest import Backtested
from my_dagster_project.domain.scores.blocks import Figure
from my_dagster_project.domain.scores.money_scores import MoneyScores
from my_dagster_project.reports.columns import Column
from my_dagster_project.reports.evaluation_columns import percent
from my_dagster_project.reports.markdown import number


def _share(
    name: str, of: Callable[[MoneyScores], Figure], means: str, figure: str, *, main: bool = False
) -> Column[Backtested]:
    def values(row: Backtested) -> tuple[float, float, float]:
        found = of(row.scores)
        return found.value, found.low, found.high

    names = (figure, f"{figure}_low", f"{figure}_high")
    return Column(name, values, percent, means, figures=names, main=main)


BACKTEST_COLUMNS: tuple[Column[Backtested], ...] = (
    Column("team", lambda row: row.team, key=True, text=True),
    Column("sessions", lambda row: row.scores.sessions),
    Column("orders", lambda row: row.orders, means="Filled ones."),
    Column("equity", lambda row: row.curve[-1][1], lambda value: f"{value:,.2f}", "Dollars.", main=True),
    _share("return", lambda one: one.total_return, "After costs.", "total_return", main=True),
    _share("excess", lambda one: one.excess, "Over buying and holding its own symbols.", "excess", main=True),
    Column(
        "Sharpe",
        lambda row: row.scores.sharpe.value,
        lambda value: number(value, 2),
        "A year's.",
        figures=("sharpe",),
    ),
    _share("drawdown", lambda one: one.max_drawdown, "The worst fall from a peak.", "max_drawdown"),
    _share("costs", lambda one: one.costs, "Of equity, a year.", "costs"),
    Column(
        "turnover",
        lambda row: row.scores.turnover.value,
        lambda value: number(value, 1),
        "Times equity, a year.",
    ),
)
