"""The page to try a prediction by hand, as HTML; the serving application fills and serves it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.pages import filled
from my_dagster_project.reports.charts import Chart, Series
from my_dagster_project.reports.colours import GREY, team_colour


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
    days = [target for target, _, _ in page.past]
    came = [_hundred(one) for _, _, one in page.past]
    said = [_hundred(one) for _, one, _ in page.past]
    series = (
        Series("came", days, came, GREY, "bar"),
        Series("predicted", days, said, team_colour(page.team)),
    )
    title = f"The last {len(days)} sessions: predicted and come"
    return Chart("chart-past", title, series, suffix=" %", digits=3, x_title="session")


def _hundred(value: float | None) -> float | None:
    return None if value is None else 100 * value
