"""The page a student reads first: what was predicted, how good it was beside its baselines, which tests it passed."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from my_dagster_project.domain.targets import NEXT_DIRECTION
from my_dagster_project.reports.markdown import NONE, direction, dollars, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from my_dagster_project.domain.evaluation import Metrics
    from my_dagster_project.reports.report_tests import ReportTest

STYLE = """
body { font: 15px/1.5 system-ui, "Segoe UI", Roboto, Arial, sans-serif; color: #1f2328; background: #fff; margin: 0; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 20px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 18px; margin: 28px 0 8px; }
p { margin: 6px 0; } .quiet { color: #59636e; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 5px 14px 5px 0; border-bottom: 1px solid #e4e7eb; vertical-align: top; }
td.figure { font-variant-numeric: tabular-nums; white-space: nowrap; }
img { width: 100%; max-width: 960px; display: block; }
.status { font-weight: 600; } .pass { color: #1a7f37; } .warn { color: #9a6700; } .fail { color: #cf222e; } .skip { color: #59636e; }
.notice { background: #fff8c5; border: 1px solid #d4a72c; border-radius: 6px; padding: 8px 14px; margin: 14px 0; }
#evidently { max-width: 1280px; margin: 0 auto; padding: 0 12px; }
"""


@dataclass(frozen=True)
class Heading:
    """Whose report this is: team, symbol, target, and the first and last scored session (None when there is none)."""

    team: str
    symbol: str
    target: str
    first: date | None
    last: date | None


def render(
    heading: Heading,
    metrics: Metrics,
    tests: Sequence[ReportTest],
    notices: Sequence[str],
    picture: bytes | None,
    evidently: str,
) -> str:
    """The whole HTML page; `evidently` is a fragment for the end of the body, or empty. Needs no network to show."""
    title = escape(f"{heading.team} · {heading.symbol}")
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="quiet">{escape(_subtitle(heading, metrics))}</p>',
        *(f'<p class="notice">{escape(notice)}</p>' for notice in notices),
        _metrics_table(metrics, heading.target) if metrics.n else "",
        _image(picture) if picture else "",
        _tests_table(tests),
        _how_to_read() if metrics.n else "",
        "<h2>Evidently</h2>" if evidently else "",
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>\n'
        f"<body><main>\n{'\n'.join(part for part in parts if part)}\n</main>\n{evidently}\n</body></html>\n"
    )


def _subtitle(heading: Heading, metrics: Metrics) -> str:
    if heading.first is None or heading.last is None:
        return f"Target {heading.target}; no session has been scored yet."
    sessions = "1 scored session" if metrics.n == 1 else f"{metrics.n} scored sessions"
    return f"Target {heading.target}; {sessions}, {heading.first} to {heading.last}."


def _metrics_table(metrics: Metrics, target: str) -> str:
    rows = [
        ("Mean absolute error", dollars(metrics.mae), f"{dollars(metrics.naive_mae)} for “no change”", "Less is better."),
        ("MASE", number(metrics.mase), "1.000 for “no change”", "The error divided by its baseline; honest models: 0.98 to 1.03."),
        (
            "Direction, 95 % interval",
            direction(metrics.direction, metrics.direction_low, metrics.direction_high),
            f"{percent(metrics.up_share)} for “always up”",
            f"{metrics.direction_n} calls. An interval that holds 50 % proves nothing.",
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
    head = "<tr><th>Figure</th><th>This model</th><th>Baseline</th><th>What it says</th></tr>"
    return f"<h2>Figures</h2><table>{head}{''.join(_row(row) for row in rows if row[1] != NONE)}</table>"


def _row(cells: tuple[str, str, str, str]) -> str:
    name, figure, baseline, note = (escape(cell) for cell in cells)
    return (
        f'<tr><td>{name}</td><td class="figure"><b>{figure}</b></td>'
        f'<td class="figure">{baseline}</td><td class="quiet">{note}</td></tr>'
    )


def _image(picture: bytes) -> str:
    data = base64.b64encode(picture).decode()
    return f'<h2>Predicted and actual</h2><img alt="Predicted and actual returns" src="data:image/png;base64,{data}">'


def _tests_table(tests: Sequence[ReportTest]) -> str:
    rows = "".join(
        f'<tr><td class="status {test.status}">{test.status}</td><td>{escape(test.name)}</td>'
        f"<td>{escape(test.description)}</td></tr>"
        for test in tests
    )
    return f"<h2>Tests</h2><table><tr><th>Result</th><th>Test</th><th>What was found</th></tr>{rows}</table>"


def _how_to_read() -> str:
    return (
        "<h2>How to read this</h2><p>Prices hardly follow from yesterday's prices, so a good daily model is barely better "
        "than “no change”: look at each figure beside its baseline, not alone. The predicted close is dollars at the "
        "scale of the session it was made on, so a split in between is no error. Drift compares the features of these "
        "sessions with the last training rows: it says that the market has changed, not that the model is wrong. "
        "The same figures for programs are in report.json.</p>"
    )
