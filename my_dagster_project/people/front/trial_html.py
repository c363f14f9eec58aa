"""The page to try a prediction by hand, as HTML; the serving application fills and serves it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.pages import filled
from my_dagster_project.reports.charts import Chart
from my_dagster_project.reports.returns_chart import returns_chart


@dataclass(frozen=True)
class TrialInput:
    """One input of a model: what it is, and its value after the newest session (None where it is missing)."""

    name: str
    type: str
    unit: str
    value: Any = None
    categories: Sequence[str] = ()


@dataclass(frozen=True)
class TrialPage:
    """A place that is tried: its model in words, its inputs, and the last sessions' (target, predicted, come) log returns."""

    team: str
    symbol: str
    teams: Mapping[str, Sequence[str]]
    facts: Mapping[str, str] = field(default_factory=dict)
    inputs: Sequence[TrialInput] = ()
    past: Sequence[tuple[str, float | None, float | None]] = ()
    problem: str = ""


def trial_html(links: Links, page: TrialPage) -> str:
    """The page."""
    chart = _chart(page)
    return filled(
        "trial.html",
        links,
        here="trial",
        page=page,
        chart=chart,
        charts=chart is not None,
        refresh=0,
        own_scripts=True,
    )


def _chart(page: TrialPage) -> Chart | None:
    if not page.past:
        return None
    days, said, came = zip(*page.past, strict=True)
    title = f"The last {len(days)} sessions: predicted and come"
    return returns_chart("chart-past", title, page.team, days, said, came)
