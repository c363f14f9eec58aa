"""The pages as HTML: templates filled with what is known, everything escaped, every secret masked."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from my_dagster_project.domain.leaderboard import Leaderboard
from my_dagster_project.foundation.redaction import redact
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.people.status import words
from my_dagster_project.people.status.page import CHAIN, State, StatusPage
from my_dagster_project.reports.markdown import RANKING_RULE, direction, dollars, number, percent

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATES = Path(__file__).parent / "templates"
REFRESH_SECONDS = 30
# Of the axis that intervals are drawn on: no daily forecast is right in 3 of 10 or in 7 of 10 cases for long.
_LOWEST, _HIGHEST, _WIDTH = 0.25, 0.75, 190


@dataclass(frozen=True)
class Links:
    """Where links lead: `front` is empty on the front itself and its address elsewhere."""

    front: str
    dagit: str
    mlflow: str

    @classmethod
    def from_settings(cls, settings: Settings, *, served: bool = False) -> "Links":
        """For pages of the front (`served`), or for a file that somebody opens."""
        front = "" if served else settings.front_url or "http://localhost:8080"
        return cls(front, settings.dagit_link.rstrip("/"), settings.mlflow_link)

    def run(self, run_id: str) -> str:
        """A run in Dagit."""
        return f"{self.dagit}/runs/{quote(run_id)}"

    def asset(self, *key: str) -> str:
        """An asset in Dagit."""
        return f"{self.dagit}/assets/{'/'.join(quote(part) for part in key)}"

    def report(self, team: str, symbol: str) -> str:
        """A report on the front."""
        return f"{self.front}/reports/{quote(team)}/{quote(symbol)}"


def status_html(page: StatusPage, links: Links, *, refresh: int = 0) -> str:
    """The status page; with `refresh` it loads itself anew every so many seconds."""
    return _filled(
        "status.html",
        links,
        here="status",
        page=page,
        zone=ZoneInfo(page.zone),
        chain=CHAIN,
        refresh=refresh,
    )


def home_html(
    links: Links, page: StatusPage | None, board: Leaderboard | None, equity: str, *, why: str = ""
) -> str:
    """The leaderboard, the teams and the way to everything else; `equity` is the address of the plot or empty."""
    return _filled(
        "home.html",
        links,
        here="home",
        page=page,
        board=board,
        equity=equity,
        why=why,
        rule=RANKING_RULE,
        refresh=REFRESH_SECONDS,
    )


def message_html(
    links: Links, title: str, lines: Sequence[str], state: State = "warn", refresh: int = 0
) -> str:
    """A page that says one thing."""
    return _filled("message.html", links, here="", title=title, lines=lines, state=state, refresh=refresh)


@cache
def style() -> str:
    """The one style sheet, part of every page so that a saved page is whole."""
    return (_TEMPLATES / "style.css").read_text(encoding="utf-8")


def _filled(template: str, links: Links, **values: Any) -> str:
    return redact(_environment().get_template(template).render(links=links, style=_safe(style()), **values))


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, auto_reload=False
    )
    environment.filters |= {
        "next_tick": words.next_tick,
        "run_words": words.run_words,
        "session": words.session_word,
        "number": number,
        "dollars": dollars,
        "percent": percent,
        "signed": lambda value: percent(value, sign=True),
        "interval": _interval,
        "code": _code,
    }
    return environment


def _safe(text: str) -> "Markup":
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - only our own style sheet and figures of ours


def _code(text: str) -> "Markup":
    """A text whose `commands` stand out, everything else escaped."""
    from markupsafe import escape

    parts = re.split(r"`([^`]+)`", text)
    return _safe("").join(
        _safe("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


def _interval(figures: Any) -> "Markup":
    """A share of right directions with its interval, drawn over an axis with 50 % in its middle."""
    share, low, high = figures.direction, figures.direction_low, figures.direction_high
    said = direction(share, low, high)
    if math.isnan(share):
        return _safe('<span class="quiet">{}</span>').format(said)
    drawing = (
        f'<svg class="interval" viewBox="0 0 {_WIDTH} 22" role="img" aria-label="{said}"><title>{said}</title>'
        f'<line class="axis" x1="0" y1="11" x2="{_WIDTH}" y2="11"/>'
        f'<line class="coin" x1="{_x(0.5)}" y1="1" x2="{_x(0.5)}" y2="21"/>'
        f'<line class="span" x1="{_x(low)}" y1="11" x2="{_x(high)}" y2="11"/>'
        f'<circle class="at" cx="{_x(share)}" cy="11" r="4.5"/></svg>'
        f'<span class="small quiet nowrap">{said}</span>'
    )
    return _safe(drawing)


def _x(share: float) -> str:
    inside = min(max(share, _LOWEST), _HIGHEST)
    return f"{(inside - _LOWEST) / (_HIGHEST - _LOWEST) * _WIDTH:.1f}"
