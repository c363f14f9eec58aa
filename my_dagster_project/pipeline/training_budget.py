"""What a team's trainings may take of the machine: of the last 24 hours by whatever road they came, and of the queue."""

import time
from datetime import UTC, datetime, timedelta

import dagster as dg

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.teams.registry import TrainingBudget

_DAY = timedelta(hours=24)
_MOST_RUNS = 2000
_TRAIN = "_train"  # how a team's job that trains ends


def trains(run: dg.DagsterRun) -> bool:
    """Whether a run trains models: the team's job, or a selection with a model in it."""
    chosen = run.asset_selection or frozenset()
    return any(key.path[-1] == "model" for key in chosen) or (not chosen and run.job_name.endswith(_TRAIN))


def require_time_left(instance: dg.DagsterInstance, team: str, budget: TrainingBudget) -> None:
    """Raise ModelError when the team's runs that train have taken what the registry allows it in 24 hours."""
    taken = _seconds_taken(instance, team)
    if taken > budget.seconds_per_day:
        raise ModelError(
            f"team {team} has trained for {taken:,.0f} s in the last 24 hours; the registry allows"
            f" {budget.seconds_per_day:,.0f} (training.seconds_per_day). Train again when less of it is of the last 24 hours."
        )


def replace_waiting(instance: dg.DagsterInstance, newest: dg.DagsterRun) -> None:
    """Take out of the queue the trainings that a newer one of the same job makes needless: all that it trains as well."""
    if not trains(newest):
        return
    waiting = dg.RunsFilter(job_name=newest.job_name, statuses=[dg.DagsterRunStatus.QUEUED])
    for run in instance.get_runs(filters=waiting):
        if run.run_id != newest.run_id and _covers(newest, run):
            instance.report_run_canceled(run, f"Run {newest.run_id[:8]} trains the same, of newer files.")


def _covers(newest: dg.DagsterRun, older: dg.DagsterRun) -> bool:
    """Whether the newer run makes everything that the older one would."""
    if newest.asset_selection is None:
        return True
    return older.asset_selection is not None and older.asset_selection <= newest.asset_selection


def _seconds_taken(instance: dg.DagsterInstance, team: str) -> float:
    now = time.time()
    since = datetime.now(UTC) - _DAY
    wanted = dg.RunsFilter(tags={"team": team}, updated_after=since)
    spans = [
        (record.start_time, record.end_time or now)
        for record in instance.get_run_records(filters=wanted, limit=_MOST_RUNS)
        if record.start_time and trains(record.dagster_run)
    ]
    return sum(max(0.0, end - max(start, since.timestamp())) for start, end in spans)
