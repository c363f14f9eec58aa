"""The pages as HTML: templates filled with what is known, everything escaped, every secret masked."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from my_dagster_project.domain.leaderboard import Curves, Leaderboard
from my_dagster_project.foundation.redaction import redact
from my_dagster_project.people.front.cells import page_cell
from my_dagster_project.people.front.curves import equity_chart
from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.season_clock import SeasonClock
from my_dagster_project.people.front.static_files import script_address
from my_dagster_project.people.status import status_columns, words
from my_dagster_project.people.status.page import State, StatusPage
from my_dagster_project.reports.colours import team_colour
from my_dagster_project.reports.html import ours, templates
from my_dagster_project.reports.leaderboard_columns import (
    BY_FORECAST,
    BY_MONEY,
    SYMBOL_COLUMNS,
    alarm_lines,
    living,
    ranking_rule,
)
from my_dagster_project.storage.audit import Act

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATES = Path(__file__).parent / "templates"
REFRESH_SECONDS, _LAPSE_SECONDS = 30, 5


def status_html(page: StatusPage, links: Links, *, refresh: int = 0, age: str = "") -> str:
    """The status page; with `refresh` it loads itself anew every so many seconds, with `age` it says that it is old."""
    return filled(
        "status.html",
        links,
        here="status",
        page=page,
        zone=ZoneInfo(page.zone),
        tables=status_columns,
        refresh=refresh,
        age=age,
    )


def home_html(
    links: Links,
    page: StatusPage | None,
    board: Leaderboard | None,
    curves: Curves,
    *,
    why: str = "",
    age: str = "",
    season: SeasonClock | None = None,
    organiser: bool = False,
    signs_in: bool = False,
) -> str:
    """The leaderboard, the season's clock with the organiser's controls, the teams' equity and the way to everything else."""
    chart = equity_chart(curves)
    return filled(
        "home.html",
        links,
        here="home",
        page=page,
        board=board,
        equity=chart,
        charts=chart is not None,
        why=why,
        rule=ranking_rule(board) if board else "",
        alarms=alarm_lines(board) if board else (),
        by_forecast=living(BY_FORECAST),
        by_money=living(BY_MONEY),
        symbol_columns=SYMBOL_COLUMNS,
        season=season,
        organiser=organiser,
        signs_in=signs_in,
        refresh=_LAPSE_SECONDS if season and season.lapse else REFRESH_SECONDS,
        age=age,
    )


def audit_html(links: Links, acts: Sequence[Act]) -> str:
    """Who did what, the newest first."""
    return filled("audit.html", links, here="audit", acts=acts, refresh=0)


def message_html(
    links: Links, title: str, lines: Sequence[str], state: State = "warn", refresh: int = 0
) -> str:
    """A page that says one thing."""
    return filled("message.html", links, here="", title=title, lines=lines, state=state, refresh=refresh)


@cache
def style() -> str:
    """The one style sheet, part of every page so that a saved page is whole."""
    return (_TEMPLATES / "style.css").read_text(encoding="utf-8")


def filled(template: str, links: Links, **values: Any) -> str:
    """A template with these values; no secret is on it."""
    return redact(_environment().get_template(template).render(links=links, style=ours(style()), **values))


@cache
def _environment() -> "Environment":
    environment = templates(_TEMPLATES)
    environment.filters |= {
        "session": words.session_word,
        "cell": page_cell,
        "code": _code,
        "of_one_team": status_columns.of_one_team,
        "anchor": _anchor,
        "colour": team_colour,
    }
    environment.globals |= {"script": script_address, "zone": ZoneInfo}
    return environment


def _anchor(name: str) -> str:
    """A name as a part of an id of the page: what is no letter or digit by its number."""
    return "".join(one if one.isalnum() else f"-{ord(one):x}" for one in name)


def _code(text: str) -> "Markup":
    """A text whose `commands` stand out, everything else escaped."""
    from markupsafe import escape

    parts = re.split(r"`([^`]+)`", text)
    return ours("").join(
        ours("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )
