"""Cells of declared columns on a page: text, escaped, except the few kinds of figures that a page draws."""

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from my_dagster_project.history.lineage_columns import configuration_words, mlflow_words, run_id_words
from my_dagster_project.people.status.page import RunStatus, ScheduleStatus, State
from my_dagster_project.people.status.status_columns import fresh_word, state_sign
from my_dagster_project.people.status.words import last_tick, run_words
from my_dagster_project.reports.colours import GREY, team_colour
from my_dagster_project.reports.columns import Column
from my_dagster_project.reports.leaderboard_columns import part_words, rank_words, rose_words, team_words
from my_dagster_project.reports.markdown import direction

if TYPE_CHECKING:
    from collections.abc import Callable

    from markupsafe import Markup

    from my_dagster_project.people.front.links import Links

# Of the axis that intervals are drawn on: no daily forecast is right in 3 of 10 or in 7 of 10 cases for long.
_LOWEST, _HIGHEST, _WIDTH = 0.25, 0.75, 190


def page_cell(column: Column[Any], row: Any, links: "Links") -> "Markup":
    """The cell of a row; `links` say where its links lead."""
    from markupsafe import Markup, escape

    draw = _DRAWN.get(column.words)
    colour = {"colour": team_colour(row.team)} if draw is _interval else {}
    cell = draw(links, *column.values(row), **colour) if draw else escape(column.cell(row))
    tag = {"bold": "b", "italic": "i"}.get(column.mark(row))
    return Markup(f"<{tag}>{{}}</{tag}>").format(cell) if tag else cell  # noqa: S704 - one of two tags of ours


def _rank(_: "Links", rank: int | None, alarms: int) -> "Markup":
    return _filled('<span class="{}">{}</span>', "rank red" if alarms else "rank", rank_words(rank, alarms))


def _team(links: "Links", team: str, house: bool, sessions: int, expected: int) -> "Markup":
    part = part_words(sessions, expected)
    name = _filled("{}" if house else '<a href="{1}">{0}</a>', team, links.team(team))
    return name + _filled(' <span class="small quiet">{}</span>', part) if part else name


def _rose(_: "Links", lines: int) -> "Markup":
    return _filled(
        '<span class="small nowrap {}">{}</span>', "up" if lines > 0 else "down", rose_words(lines)
    )


def _interval(_: "Links", share: float, low: float, high: float, colour: str = GREY) -> "Markup":
    """A share of right directions with its interval, drawn in a colour over an axis with 50 % in its middle."""
    said = direction(share, low, high)
    if math.isnan(share):
        return _filled('<span class="quiet">{}</span>', said)
    return _filled(
        '<svg class="interval" color="{colour}" viewBox="0 0 {width} 22" role="img" aria-label="{said}"><title>{said}</title>'
        '<line class="axis" x1="0" y1="11" x2="{width}" y2="11"/>'
        '<line class="coin" x1="{coin}" y1="1" x2="{coin}" y2="21"/>'
        '<line class="span" x1="{low}" y1="11" x2="{high}" y2="11"/>'
        '<circle class="at" cx="{share}" cy="11" r="4.5"/></svg>'
        '<span class="small quiet nowrap">{said}</span>',
        width=_WIDTH, said=said, colour=colour, coin=_x(0.5), low=_x(low), high=_x(high), share=_x(share),
    )  # fmt: skip


def _dot(_: "Links", state: State) -> "Markup":
    return _filled('<span class="dot {0}" title="{0}"></span>', state)


def _chip(_: "Links", fresh: bool | None) -> "Markup":
    kind = "" if fresh is None else " ok" if fresh else " due"
    return _filled('<span class="chip{}">{}</span>', kind, fresh_word(fresh))


def _run(links: "Links", run: RunStatus, now: datetime) -> "Markup":
    link = '<a href="{}" class="word nowrap {}">{}</a>'
    return _filled(link, links.run(run.run_id), run.check.state, run_words(run, now))


def _tick(_: "Links", schedule: ScheduleStatus) -> "Markup":
    return _filled('<span class="said">{}</span>', last_tick(schedule))


def _dagster_run(links: "Links", run_id: str) -> "Markup":
    return _filled('<a href="{}">{}</a>' if run_id else "{1}", links.run(run_id), run_id_words(run_id))


def _mlflow_run(links: "Links", run_id: str) -> "Markup":
    address = links.experiment(run_id) if run_id else ""
    return _filled('<a href="{}">{}</a>' if address else "{1}", address, mlflow_words(run_id))


def _configuration(_: "Links", configuration: str) -> "Markup":
    """A commit of the team's file stands further down among its edits."""
    return _filled('<a href="#configuration">{}</a>' if configuration else "–", configuration)  # noqa: RUF001


def _x(share: float) -> str:
    inside = min(max(share, _LOWEST), _HIGHEST)
    return f"{(inside - _LOWEST) / (_HIGHEST - _LOWEST) * _WIDTH:.1f}"


def _filled(template: str, *texts: object, **named: object) -> "Markup":
    from markupsafe import Markup

    return Markup(template).format(*texts, **named)  # noqa: S704 - templates of this file; what fills them is escaped


_DRAWN: "dict[Callable[..., str], Callable[..., Markup]]" = {
    rank_words: _rank,
    rose_words: _rose,
    team_words: _team,
    direction: _interval,
    state_sign: _dot,
    fresh_word: _chip,
    run_words: _run,
    last_tick: _tick,
    run_id_words: _dagster_run,
    mlflow_words: _mlflow_run,
    configuration_words: _configuration,
}
