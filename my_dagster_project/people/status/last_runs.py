"""The last run of every job, and the queue in front of the workers."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterEventType, DagsterRunStatus, RunRecord

from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.dagster_private import NOT_FINISHED_STATUSES
from my_dagster_project.people.status.page import Check, RunStatus
from my_dagster_project.pipeline.failures import problem_of

# A run of two teams waits for the other one for minutes; a quarter of an hour means that nobody takes runs.
_LONGEST_WAIT = timedelta(minutes=15)
_WAITING = [DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED]
_LONGEST_TEXT = 300
# Steps of a run that are told; ten symbols that lack the same session say it no better than three.
_MOST_STEPS = 3


def last_run(instance: dg.DagsterInstance, job: str) -> RunStatus | None:
    """The newest run of a job, None when it never ran."""
    records = instance.get_run_records(dg.RunsFilter(job_name=job), limit=1)
    if not records:
        return None
    record, run = records[0], records[0].dagster_run
    began = _instant(record.start_time)
    ended = _instant(record.end_time) if run.is_finished else None
    return RunStatus(job, run.run_id, run.status.value.lower(), began, ended, _check(instance, record))


def last_runs(instance: dg.DagsterInstance, jobs: Iterable[str]) -> tuple[RunStatus, ...]:
    """The newest run of each of these jobs that ever ran."""
    return tuple(run for job in jobs if (run := last_run(instance, job)))


def queue(instance: dg.DagsterInstance, now: datetime) -> Check:
    """How many runs work and how many wait; red when one has waited far too long."""
    working = instance.get_runs_count(
        dg.RunsFilter(statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.STARTING])
    )
    waiting = instance.get_run_records(dg.RunsFilter(statuses=_WAITING), ascending=True, limit=1000)
    said = f"{working} running, {len(waiting)} waiting"
    oldest = min((record.create_timestamp for record in waiting), default=None)
    if oldest and now - _aware(oldest) > _LONGEST_WAIT:
        minutes = (now - _aware(oldest)).total_seconds() / 60
        return Check(
            "run queue",
            "red",
            f"{said}, the oldest for {minutes:.0f} minutes",
            "look at daemon and workers below; a run of the same team that hangs holds its team's queue: end it in Dagit, Runs",
        )
    return Check("run queue", "ok", said)


def in_progress(runs: Iterable[RunStatus]) -> bool:
    """Whether one of these runs waits or works."""
    return any(run.status in {status.value.lower() for status in NOT_FINISHED_STATUSES} for run in runs)


def _check(instance: dg.DagsterInstance, record: RunRecord) -> Check:
    run = record.dagster_run
    words = run.status.value.lower()
    if run.status == DagsterRunStatus.FAILURE:
        todo = f"open the run in Dagit; mend the cause, then re-execute it there or {everything_due()}"
        return Check(run.job_name, "red", _why(instance, run.run_id), todo)
    if run.status == DagsterRunStatus.CANCELED:
        return Check(run.job_name, "warn", "canceled", "re-execute it in Dagit, or wait for the next tick")
    return Check(run.job_name, "ok", words)


def _why(instance: dg.DagsterInstance, run_id: str) -> str:
    """The failures' own words, the way `trading run` says them; of a run that never came to a step, why it failed."""
    failures = {DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE}
    records = instance.get_records_for_run(run_id, of_type=failures).records
    events = [event for one in records if (event := one.event_log_entry.dagster_event)]
    steps = [problem_of(event) for event in events if event.event_type == DagsterEventType.STEP_FAILURE]
    if not steps:
        return _short(
            (events[0].message or "the run's process ended") if events else "failed without a message"
        )
    said = [_short(f"{problem.step}: {problem.message}") for problem in steps[:_MOST_STEPS]]
    more = len(steps) - len(said)
    return "\n".join([*said, f"and {more} more steps"] if more else said)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_TEXT else f"{line[: _LONGEST_TEXT - 1]}…"


def _instant(timestamp: float | None) -> datetime | None:
    return datetime.fromtimestamp(timestamp, UTC) if timestamp else None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
