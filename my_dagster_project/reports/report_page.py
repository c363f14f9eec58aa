"""The page a student reads first: what was predicted, how good it was beside its baselines, which tests it passed."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from my_dagster_project.domain.targets import NEXT_DIRECTION
from my_dagster_project.reports.colours import team_colour
from my_dagster_project.reports.html import ours, templates
from my_dagster_project.reports.leaderboard_columns import verdict
from my_dagster_project.reports.markdown import NONE, direction, dollars, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from my_dagster_project.domain.evaluation import Metrics
    from my_dagster_project.reports.report_tests import ReportTest

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Heading:
    """Whose report this is: team, symbol, target, and the first and last scored session (None when there is none).

    `earlier` says of how many of them the predictions are of earlier models, `until` which was the last.
    """

    team: str
    symbol: str
    target: str
    first: date | None
    last: date | None
    earlier: int = 0
    until: date | None = None


def render(
    heading: Heading,
    metrics: Metrics,
    tests: Sequence[ReportTest],
    notices: Sequence[str],
    picture: bytes | None,
    evidently: str,
) -> str:
    """The whole HTML page; `evidently` is a fragment for the end of the body, or empty. Needs no network to show."""
    return (
        templates(_TEMPLATES)
        .get_template("report.html")
        .render(
            team=heading.team,
            symbol=heading.symbol,
            colour=team_colour(heading.team),
            title=f"{heading.team} · {heading.symbol}",
            subtitle=_subtitle(heading, metrics),
            notices=notices,
            figures=_figures(metrics, heading.target) if metrics.n else [],
            picture=base64.b64encode(picture).decode() if picture else "",
            tests=tests,
            evidently=ours(evidently),
        )
    )


def _subtitle(heading: Heading, metrics: Metrics) -> str:
    if heading.first is None or heading.last is None:
        return f"Target {heading.target}; no session has been scored yet."
    sessions = "1 scored session" if metrics.n == 1 else f"{metrics.n} scored sessions"
    before = f" ({heading.earlier} up to {heading.until} by earlier models)" if heading.earlier else ""
    return f"Target {heading.target}; {sessions}, {heading.first} to {heading.last}{before}."


def _figures(metrics: Metrics, target: str) -> list[tuple[str, str, str, str]]:
    """Name, this model's figure, its baseline and what it says; a figure that does not exist has no row."""
    rows = [
        ("Mean absolute error", dollars(metrics.mae), f"{dollars(metrics.naive_mae)} for “no change”", "Less is better."),
        ("MASE", number(metrics.mase), "1.000 for “no change”", "The error divided by its baseline; honest models: 0.98 to 1.03."),
        (
            "Direction, 95 % interval",
            direction(metrics.direction, metrics.direction_low, metrics.direction_high),
            f"{percent(metrics.up_share)} for “always up”",
            f"{metrics.direction_n} calls. An interval that holds 50 % proves nothing.",
        ),
        (
            "What it proves",
            verdict(metrics.loss_p, metrics.timing_p),
            f"{number(metrics.drift_mase)} is the MASE of “as always so far”",
            "p of Diebold-Mariano's test against “no change”, and of Pesaran-Timmermann's on the direction.",
        ),
        ("Information coefficient", number(metrics.ic), "0 for no skill", "Rank correlation of predicted and actual return."),
        ("Root mean square error", dollars(metrics.rmse), "", "Weighs big misses more."),
        ("Bias", dollars(metrics.bias), "$0.00", "Mean of predicted minus actual."),
    ]  # fmt: skip
    if target == NEXT_DIRECTION:
        rows[3:3] = [
            ("Log loss", number(metrics.log_loss), "0.693 for a coin", "Punishes confident mistakes."),
            ("Brier score", number(metrics.brier), "0.250 for a coin", "Squared error of the probability."),
        ]
    return [row for row in rows if row[1] != NONE]
