"""The tables of a team's page, each one declared list of columns, for the page and for CSV."""

import math
from collections.abc import Iterable
from datetime import date, datetime
from textwrap import shorten

from my_dagster_project.domain.plan import PlannedOrder, Signal
from my_dagster_project.domain.strategies import describe
from my_dagster_project.domain.targets import NEXT_RETURN
from my_dagster_project.history.edits import Edit
from my_dagster_project.people.team.coming_session import Forecast
from my_dagster_project.people.team.team_page import ScoredPrediction
from my_dagster_project.reports.columns import Column, Mark, csv_table
from my_dagster_project.reports.markdown import NONE

_SHA = 10
_LONGEST = 110  # characters of a line in a table
_MOST_KEYS = 8


def _dollars(value: float | None) -> str:
    return NONE if value is None else f"${value:,.2f}"


def _return(value: float | None) -> str:
    return NONE if value is None else f"{value * 100:+.3f} %"


def _probability(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def _right(hit: float | None) -> str:
    return NONE if hit is None else "✓" if hit else "✗"


def _signal(signal: Signal | None) -> str:
    if signal is None or math.isnan(signal.value):
        return NONE
    text = describe(signal.value, signal.target, bare=signal.target == NEXT_RETURN)
    return text if signal.position is None else f"{text}, position {signal.position:+.2f}"


def _order(order: PlannedOrder | None) -> str:
    return "no order" if order is None else f"{order.side} {order.qty}"


def _order_mark(row: Forecast) -> Mark:
    return "bold" if row.order else "quiet"


FORECAST_COLUMNS: tuple[Column[Forecast], ...] = (
    Column("symbol", lambda row: row.symbol, text=True, key=True),
    Column("predicted", lambda row: row.signal, _signal, "The return from close to close, or the probability that it rises."),
    Column("order", lambda row: row.order, _order, "At the next open; shares.", text=True, mark=_order_mark),
    Column("why", lambda row: row.why, text=True, long=True),
    Column("what became of it", lambda row: row.became, text=True),
    Column("close", lambda row: row.close, _dollars, "Of the session it was predicted after."),
    Column("predicted close", lambda row: row.predicted_close, _dollars, "The close with the predicted return."),
)  # fmt: skip

SCORED_COLUMNS: tuple[Column[ScoredPrediction], ...] = (
    Column("symbol", lambda row: row.symbol, text=True, key=True),
    Column("made after", lambda row: row.session, date.isoformat, "The session after whose close it was made.", ("session",), text=True, key=True),
    Column("about", lambda row: row.target, date.isoformat, "The session that it is about.", ("target_session",), text=True),
    Column("close", lambda row: row.close, _dollars),
    Column("predicted close", lambda row: row.predicted_close, _dollars, figures=("predicted_close",)),
    Column("came", lambda row: row.actual_close, _dollars, "The close that came, at the scale of the session before.", ("actual_close",)),
    Column("predicted return", lambda row: row.predicted_return, _return, "Log return.", ("predicted_return",)),
    Column("probability of up", lambda row: row.probability_up, _probability, figures=("probability_up",)),
    Column("actual return", lambda row: row.actual_return, _return, "Log return.", ("actual_return",)),
    Column("right", lambda row: row.hit, _right, "Whether up or down was called right.", mark=lambda row: _right_mark(row.hit)),
)  # fmt: skip


def _right_mark(hit: float | None) -> Mark:
    return "quiet" if hit is None else "ok" if hit else "red"


def shown_columns(rows: Iterable[ScoredPrediction]) -> list[Column[ScoredPrediction]]:
    """The columns that say something of these rows of one symbol."""
    rows = list(rows)
    return [
        column
        for column in SCORED_COLUMNS
        if column.name != "symbol" and any(value is not None for row in rows for value in column.values(row))
    ]


def predictions_csv(rows: Iterable[ScoredPrediction]) -> str:
    """Predictions beside what came as CSV: the bare figures."""
    team = Column[ScoredPrediction]("team", lambda row: row.team)
    return csv_table((team, *SCORED_COLUMNS), rows)


def _edit(sha: str, when: datetime, author: str) -> str:
    return f"{sha[:_SHA]}\n{when:%Y-%m-%d %H:%M}\n{author}"


def _subject(text: str) -> str:
    return shorten(text, _LONGEST, placeholder=" …")


def _lines(edit: Edit) -> str:
    if edit.problem or not edit.changed:
        return edit.problem or "nothing that counts (comments, order of keys)"
    lines = [
        shorten(f"{line.path}: {line.a} → {line.b}", _LONGEST, placeholder=" …") for line in edit.changed
    ]
    more = [f"and {len(lines) - _MOST_KEYS} keys more"] if len(lines) > _MOST_KEYS else []
    return "\n".join([*lines[:_MOST_KEYS], *more])


def _effect(before: float | None, after: float | None, form: str) -> str:
    told = [NONE if value is None else format(value, form) for value in (before, after)]
    return " → ".join(told)


def _mase(before: float | None, after: float | None) -> str:
    return _effect(before, after, ".3f")


def _direction(before: float | None, after: float | None) -> str:
    return _effect(before, after, ".1%")


EDIT_COLUMNS: tuple[Column[Edit], ...] = (
    Column(
        "edit", lambda row: (row.version.sha, row.version.when, row.version.author), _edit, "Commit, UTC, whose it is.",
        text=True, key=True, long=True,
    ),
    Column("says", lambda row: row.version.subject, _subject, "The commit's first line.", text=True, long=True),
    Column("changed", _lines, text=True, long=True),
    Column("MASE", lambda row: row.effect("mase"), _mase, "Mean of the symbols' reports before the edit → after it; less is better."),
    Column("direction", lambda row: row.effect("direction"), _direction, "The same of right calls of up or down."),
)  # fmt: skip
