"""Real runs of one asset under a team's job, which go well, drift, or fail; and the sensor's cursor of an hour before."""

import json

import dagster as dg

from my_dagster_project.foundation.errors import StorageError
from my_dagster_project.reports.report_tests import DRIFT

REPORT = dg.AssetKey(["red", "AAPL", "report"])
CONFIG = "red at f629e7c595"
TAGS = {"team": "red", "config": CONFIG, "dagster/partition": "2013-02-27"}
CANARY = "canary-0a1b2c3d4e"


def run(sensor_ticks, work, job="red_daily", tags=TAGS, key=REPORT) -> dg.ExecuteInProcessResult:
    """A real run of one asset under a team's job; `work` is its body."""

    @dg.asset(key=key, check_specs=[dg.AssetCheckSpec(DRIFT.name, asset=key)])
    def made():
        yield dg.MaterializeResult(check_results=[work()])

    definitions = dg.Definitions([made], jobs=[dg.define_asset_job(job)])
    return definitions.resolve_job_def(job).execute_in_process(
        instance=sensor_ticks.instance, tags=tags, raise_on_error=False
    )


def steady() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(check_name=DRIFT.name, passed=True)


def moved() -> dg.AssetCheckResult:
    warn = dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        check_name=DRIFT.name, passed=False, severity=warn, description="5 of 8 features moved"
    )


def full_disk() -> dg.AssetCheckResult:
    raise dg.Failure(str(StorageError("the disk is full; free some space")), allow_retries=False)


def bug() -> dg.AssetCheckResult:
    raise ZeroDivisionError(f"could not reach postgresql://dagster:{CANARY}@db/dagster")


def aged(cursor: str, seconds: float = 3700) -> str:
    """The cursor as it would be had all of it happened that much earlier."""
    state = json.loads(cursor)
    for told in state["outbox"]["told"].values():
        told["at"] -= seconds
    for letter in state["outbox"]["letters"]:
        letter["written"] -= seconds
        letter["due"] -= seconds
    return json.dumps(state)
