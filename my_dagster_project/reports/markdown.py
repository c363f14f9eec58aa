"""Figures as text for people: the formats every page shares, and the leaderboard as Markdown for Dagit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from my_dagster_project.domain.leaderboard import TIE_MASE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from my_dagster_project.domain.leaderboard import Leaderboard, SymbolRow, TeamRow

NONE = "–"  # noqa: RUF001 - an en dash reads as "no figure"; a hyphen reads as a minus sign

TEAM_HEAD = (
    "#", "team", "MASE", "direction [95 %]", "orders", "fills", "equity", "return", "held", "Sharpe", "drawdown",
    "costs",
)  # fmt: skip
SYMBOL_HEAD = ("team", "symbol", "n", "MAE", "naive", "MASE", "direction [95 %]", "ups", "IC")

RANKING_RULE = (
    f"Ranked by MASE (1.000 is naive, less is better); teams within {TIE_MASE} whose direction intervals overlap "
    "share a rank."
)


def number(value: float, digits: int = 3) -> str:
    """A plain figure with `digits` decimals; a dash where there is none."""
    return NONE if math.isnan(value) else f"{value:,.{digits}f}"


def percent(value: float, *, sign: bool = False) -> str:
    """A fraction as a percentage with one decimal; a dash where there is none."""
    return NONE if math.isnan(value) else f"{value:{'+' if sign else ''}.1%}"


def dollars(value: float) -> str:
    """An amount with cents; a dash where there is none."""
    return NONE if math.isnan(value) else f"${value:,.2f}"


def direction(share: float, low: float, high: float) -> str:
    """A share of right calls with its 95 % interval, such as `53.3% [40.9, 65.4]`."""
    return NONE if math.isnan(share) else f"{percent(share)} [{low * 100:.1f}, {high * 100:.1f}]"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def leaderboard_markdown(board: Leaderboard) -> str:
    """The competition table and the table per team and symbol, with the ranking rule under the first."""
    return "\n\n".join(
        [
            table(TEAM_HEAD, [team_cells(row) for row in board.teams]),
            f"{RANKING_RULE} *Italic*: house teams.",
            table(SYMBOL_HEAD, [symbol_cells(row) for row in board.symbols]),
        ]
    )


def team_cells(row: TeamRow) -> list[str]:
    """One line under TEAM_HEAD; house teams in *italic*, teams in **bold**, with the sessions when there are too few."""
    money = row.trading
    part = f" ({money.part})" if money.part else ""
    return [
        NONE if row.rank is None else str(row.rank),
        f"*{row.team}*" if row.house else f"**{row.team}**{part}",
        number(row.mase),
        direction(row.direction, row.direction_low, row.direction_high),
        str(money.orders),
        str(money.fills),
        dollars(money.equity),
        percent(money.total_return, sign=True),
        percent(money.buy_and_hold_return, sign=True),
        number(money.sharpe, 2),
        percent(money.max_drawdown),
        dollars(money.costs),
    ]


def symbol_cells(row: SymbolRow) -> list[str]:
    """One line under SYMBOL_HEAD."""
    figures = row.metrics
    return [
        row.team,
        row.symbol,
        str(figures.n),
        dollars(figures.mae),
        dollars(figures.naive_mae),
        number(figures.mase),
        direction(figures.direction, figures.direction_low, figures.direction_high),
        percent(figures.up_share),
        number(figures.ic),
    ]
