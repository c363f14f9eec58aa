"""A team's report on one symbol: our figures and page, Evidently's measurements under them, tests for Dagster's checks."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from my_dagster_project.domain import plain_json
from my_dagster_project.domain.chance import evidence, suspicions
from my_dagster_project.domain.evaluation import Metrics, evaluate
from my_dagster_project.reports import evidently_run, report_tests
from my_dagster_project.reports.evidently_snapshots import PARTS, file_of, snapshot_json
from my_dagster_project.reports.report_page import Heading, render
from my_dagster_project.reports.report_tests import ReportTest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from pandas import DataFrame, Series

# Below this Evidently's figures are noise and several of its metrics stop (empty frame, one class, no spread).
FEWEST_SESSIONS = 20
CATEGORICAL = "OSUb"
_NEXT_MEASURED = (
    "In a lapse Evidently measures with the last session of each week, and with the last one of the season."
)


@dataclass(frozen=True)
class ReportFiles:
    """A finished report: `files` holds report.html and report.json, `tests` one outcome per `report_tests(target)`."""

    files: dict[str, bytes]
    tests: tuple[ReportTest, ...]
    metrics: Metrics
    status: Literal["ok", "too few sessions", "not measured"]
    warnings: tuple[str, ...]
    picture: bytes | None = None
    """The plot on the page, where it has one."""


def build_report(
    scored: DataFrame,
    features_current: DataFrame,
    features_reference: DataFrame,
    target: str,
    team: str,
    symbol: str,
    looks: int = 1,
    earlier: Sequence[date] = (),
    *,
    measured: bool = True,
    returns_reference: Series | None = None,
) -> ReportFiles:
    """The report of one team and symbol, one of `looks` that the table has (`chance.suspicions`).

    `scored` comes from `evaluation.score`; `features_current` holds the features of the scored sessions and
    `features_reference` those of the rows that the model in force learned from, one column per feature (a `session` column is ignored,
    text columns are categories), `returns_reference` the log returns that came in those rows, `earlier` the scored sessions that an earlier model predicted. With fewer than
    `FEWEST_SESSIONS` scored sessions the report says so and Evidently is not run; with fewer reference rows the drift is
    skipped; without `measured` Evidently is not run either, and there is no plot. The same inputs give the same report.json.
    """
    metrics = evaluate(scored)
    warnings = tuple(str(found) for found in suspicions({symbol: evidence(scored)}, looks))
    heading = Heading(team, symbol, target, *_span(scored), len(earlier), max(earlier, default=None))
    alarm = ReportTest(report_tests.NO_LEAK.name, "fail" if warnings else "pass", _alarm(warnings, metrics))
    if len(scored) < FEWEST_SESSIONS:
        return _too_few(heading, metrics, warnings)
    if not measured:
        return _bare(heading, metrics, warnings, "not measured", _NEXT_MEASURED, [alarm])
    when = scored["target_session"].iloc[-1].to_pydatetime()
    current, reference = _features(features_current), _features(features_reference)
    outcomes = _outcomes(scored, returns_reference, (current, reference))
    sections, found = _measure(scored, current, reference, outcomes, target, metrics, when)
    found.append(alarm)
    tests = report_tests.complete(found, target, "There was not enough to test it on.")
    picture = _picture(scored)
    page = render(heading, metrics, tests, warnings, picture, _fragment(sections, scored))
    told = {title: _figures(snapshot) for title, snapshot in sections}
    files = {
        "report.html": page.encode(),
        "report.json": _json(heading, metrics, tests, warnings, "ok", told),
        **{
            file_of(part): snapshot_json(snapshot, team, symbol, part)
            for part, (_, snapshot) in zip(PARTS, sections, strict=False)
        },
    }
    return ReportFiles(files, tests, metrics, "ok", warnings, picture)


# Of any figure: a number of 400 digits is an int to JSON, and no float.
_LARGEST = 1e100


def read_metrics(report_json: bytes) -> Metrics:
    """The metrics of a stored report.json; a figure that did not exist (null) is NaN again. ValueError for no figure."""
    content = json.loads(report_json)["metrics"]
    for name, value in content.items():
        if value is not None and not (isinstance(value, int | float) and abs(value) < _LARGEST):
            raise ValueError(f"{name} is no figure")
    figures: dict[str, Any] = {name: math.nan if value is None else value for name, value in content.items()}
    return Metrics(**figures)


def _too_few(heading: Heading, metrics: Metrics, warnings: tuple[str, ...]) -> ReportFiles:
    said = f"Too few sessions: {metrics.n} scored, {FEWEST_SESSIONS} are needed before tests and drift mean anything."
    return _bare(heading, metrics, warnings, "too few sessions", said, [])


def _bare(
    heading: Heading,
    metrics: Metrics,
    warnings: tuple[str, ...],
    status: Literal["too few sessions", "not measured"],
    said: str,
    found: list[ReportTest],
) -> ReportFiles:
    """The report without what Evidently measures, which says why."""
    tests = report_tests.complete(found, heading.target, said)
    page = render(heading, metrics, tests, [said, *warnings], None, "")
    text = _json(heading, metrics, tests, warnings, status, {})
    files = {"report.html": page.encode(), "report.json": text}
    return ReportFiles(files, tests, metrics, status, warnings)


def _measure(
    scored: DataFrame,
    current: DataFrame,
    reference: DataFrame,
    outcomes: tuple[DataFrame, DataFrame] | None,
    target: str,
    metrics: Metrics,
    when: datetime,
) -> tuple[list[tuple[str, Any]], list[ReportTest]]:
    snapshot, found = evidently_run.quality(scored, target, metrics, when)
    sections = [("Predictions of the scored sessions", snapshot)]
    if min(len(current), len(reference)) >= FEWEST_SESSIONS and len(current.columns):
        snapshot, more = evidently_run.drift(current, reference, when, outcomes)
        sections.append(("Features: scored sessions (current) against training (reference)", snapshot))
        found = [*found, *more]
    return sections, found


def _outcomes(
    scored: DataFrame, returns: Series | None, features: tuple[DataFrame, DataFrame]
) -> tuple[DataFrame, DataFrame] | None:
    """Returns and errors, in per cent, of the scored sessions and of the training rows, where naive stands for the model: it has learned
    from these, and what it misses there is no measure. None where they do not stand beside their features; what has a gap is left out.
    """
    import pandas as pd

    if returns is None or (len(scored), len(returns)) != tuple(map(len, features)):
        return None
    error = 100 * (scored["predicted_return"] - scored["actual_return"]).astype(float)
    current = pd.DataFrame({"actual_return_percent": 100 * scored["actual_return"], "error_percent": error})
    came = 100 * returns.astype(float).reset_index(drop=True)
    reference = pd.DataFrame({"actual_return_percent": came, "error_percent": -came})
    whole = [name for name in current if current[name].notna().all() and reference[name].notna().all()]
    return current[whole].reset_index(drop=True), reference[whole]


def _features(frame: DataFrame) -> DataFrame:
    """Feature columns only, with the two types Evidently tells apart: floats, and text for categories."""
    import numpy as np

    frame = frame.drop(columns=["session"], errors="ignore").reset_index(drop=True)
    typed = {}
    for name, column in frame.items():
        if column.dtype.kind in CATEGORICAL:
            typed[name] = column.astype(object).where(column.isna(), column.astype(str))
        else:
            typed[name] = column.astype(float).replace([np.inf, -np.inf], np.nan)
    return frame.assign(**typed)


def _span(scored: DataFrame) -> tuple[Any, Any]:
    if scored.empty:
        return None, None
    return scored["session"].iloc[0].date(), scored["session"].iloc[-1].date()


def _alarm(warnings: tuple[str, ...], metrics: Metrics) -> str:
    return " ".join(warnings) or f"Nothing too good to be true in {metrics.n} sessions."


def _picture(scored: DataFrame) -> bytes:
    from my_dagster_project.reports.plots import prediction_plot

    return prediction_plot(scored)


def _fragment(sections: list[tuple[str, Any]], scored: DataFrame) -> str:
    from my_dagster_project.reports.evidently_html import fragment

    return fragment(sections, [session.date().isoformat() for session in scored["session"]])


def _figures(snapshot: Any) -> dict[str, Any]:
    """Evidently's own figures by metric name; its ids are hashes and its widgets are in the page."""
    return {metric["metric_name"]: metric["value"] for metric in snapshot.dict()["metrics"]}


def _json(
    heading: Heading,
    metrics: Metrics,
    tests: tuple[ReportTest, ...],
    warnings: tuple[str, ...],
    status: str,
    measured: dict[str, Any],
) -> bytes:
    content = {
        **asdict(heading),
        "status": status,
        "metrics": asdict(metrics),
        "tests": [asdict(test) for test in tests],
        "warnings": list(warnings),
        "evidently": measured,
    }
    return plain_json.to_text(content).encode()
