"""The tests of a report: which there are, how bad a miss is, and how Evidently's results become ours.

The names are known before any report runs, because Dagster wants asset checks declared with the asset. Whatever happens
a report answers with exactly these names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from my_dagster_project.domain.targets import NEXT_DIRECTION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Status = Literal["pass", "warn", "fail", "skip"]


@dataclass(frozen=True)
class ReportTestSpec:
    """A test every report of a target runs: `name` is a stable slug, `critical` says whether a miss fails or warns."""

    name: str
    description: str
    critical: bool


@dataclass(frozen=True)
class ReportTest:
    """One test's outcome; `skip` means that there was not enough to test."""

    name: str
    status: Status
    description: str


ENOUGH_SESSIONS = ReportTestSpec(
    "enough_sessions", "At least 40 scored sessions, so that the figures mean something.", False
)
PREDICTIONS_COMPLETE = ReportTestSpec("predictions_complete", "Every scored session has a prediction.", True)
FEATURES_COMPLETE = ReportTestSpec("features_complete", "No feature is missing on a scored session.", True)
BEATS_NAIVE = ReportTestSpec(
    "mae_vs_naive", "The mean absolute error is at most 1.05 times that of 'no change'.", True
)
BEATS_COIN = ReportTestSpec(
    "log_loss_vs_coin", "The log loss is at most 1.05 times that of a fair coin (0.693).", True
)
DIRECTION = ReportTestSpec("direction_sane", "The direction is not surely worse than a coin.", False)
NO_LEAK = ReportTestSpec("no_leak_alarm", "The figures are not too good to be true.", True)
DRIFT = ReportTestSpec(
    "feature_drift",
    "At most half of the features have moved a full standard deviation since training.",
    False,
)


def report_tests(target: str) -> tuple[ReportTestSpec, ...]:
    """Every test a report of this target answers, in the order of its page."""
    error = BEATS_COIN if target == NEXT_DIRECTION else BEATS_NAIVE
    return (ENOUGH_SESSIONS, PREDICTIONS_COMPLETE, FEATURES_COMPLETE, error, DIRECTION, NO_LEAK, DRIFT)


def complete(outcomes: Iterable[ReportTest], target: str, otherwise: str) -> tuple[ReportTest, ...]:
    """The outcomes in the order of `report_tests`; a test without one is skipped with the reason `otherwise`."""
    found = {outcome.name: outcome for outcome in outcomes}
    return tuple(
        found.get(spec.name, ReportTest(spec.name, "skip", otherwise)) for spec in report_tests(target)
    )


def bound(spec: ReportTestSpec, test: Any) -> Any:
    """An Evidently test (`lte(...)`, ...) that reports under our name and with our severity.

    `lte` and its kin take no alias, but the test inside carries one through to the result.
    """
    return test.metric.copy(update={"alias": spec.name, "is_critical": spec.critical})


def outcomes(snapshot: Any, texts: Mapping[str, str]) -> list[ReportTest]:
    """Our outcomes of the bound tests of an Evidently snapshot; `texts` says by name what was found, in plain words."""
    statuses: dict[str, Status] = {"SUCCESS": "pass", "WARNING": "warn"}
    found = []
    for result in snapshot.tests_results:
        name = result.test_config["alias"]
        found.append(ReportTest(name, statuses.get(result.status.value, "fail"), texts[name]))
    return found
