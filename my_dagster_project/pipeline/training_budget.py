"""What a team's trainings may take of the machine: CPU of the last 24 hours, by whatever road they came, and of the queue.

How much CPU a training took is a tag of its run (`cpu_seconds/red`), noted while it trains: also what was killed, or failed,
has taken it. Each process counts its own, a fork of `trading run` as well as a worker's.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import dagster as dg

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.foundation.run_at_work import ROUND_TAG
from my_dagster_project.models.bounds import Bounds
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.run_tags import CPU_SECONDS, REPLACED_BY, TRAINED, asked_of
from my_dagster_project.teams.registry import TrainingBudget

_DAY = timedelta(hours=24)
_MOST_RUNS = 2000


def trains(run: dg.DagsterRun) -> bool:
    """Whether a run trains models: the team's job, or a selection with a model in it."""
    if not run.asset_selection:
        return chain.job_named(run.job_name) == chain.maker("model")
    return any(key.path[-1] == "model" for key in run.asset_selection)


@contextmanager
def metered(instance: dg.DagsterInstance, run_id: str, team: str, budget: TrainingBudget) -> Iterator[Bounds]:
    """Note on the run what CPU this process takes within the block; gives what a training in it may take.

    Raises ModelError when the team's trainings have taken what the registry allows it in 24 hours.
    """
    taken = cpu_seconds(instance, team)
    if taken >= budget.seconds_per_day:
        raise ModelError(
            f"team {team} has trained for {taken:,.1f} s of CPU in the last 24 hours; the registry allows"
            f" {budget.seconds_per_day:,g} (training.seconds_per_day). Train again when less of it is of the last 24 hours."
        )
    before, started = _noted(instance.get_run_by_id(run_id), team), time.process_time()

    def note() -> None:
        so_far = before + time.process_time() - started
        instance.add_run_tags(run_id, {_metered(team): "yes", _cpu(team): f"{so_far:.2f}"})

    note()
    try:
        yield Bounds(
            budget.seconds, budget.memory_mb * 1024**2, started + budget.seconds_per_day - taken, note
        )
    finally:
        note()


def cpu_seconds(instance: dg.DagsterInstance, team: str) -> float:
    """What the team's trainings have taken, of the runs that something became of in the last 24 hours."""
    since = datetime.now(UTC) - _DAY
    wanted = dg.RunsFilter(tags={_metered(team): "yes"}, updated_after=since)
    return sum(_noted(run, team) for run in instance.get_runs(filters=wanted, limit=_MOST_RUNS))


def replace_waiting(instance: dg.DagsterInstance, newest: dg.DagsterRun) -> None:
    """Take out of the queue the trainings, however they were launched, of which a newer one makes all that they would.

    A run that repeats an earlier one brings that one's files, so it replaces none. A round that asked for a training waits for
    the one in its place: without its model a team would be predicted, and traded, by fewer symbols.
    """
    if not trains(newest) or newest.parent_run_id:
        return
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
        if run.run_id != newest.run_id and trains(run) and _covers(newest, run):
            if (asked := run.tags.get(ROUND_TAG)) and ROUND_TAG not in newest.tags:
                instance.add_run_tags(newest.run_id, {ROUND_TAG: asked})
            instance.add_run_tags(run.run_id, {REPLACED_BY: newest.run_id})
            instance.report_run_canceled(run, f"Run {newest.run_id[:8]} trains the same, of newer files.")


def _covers(newest: dg.DagsterRun, older: dg.DagsterRun) -> bool:
    """Whether the newer run makes everything that the older one would, of the same refit windows."""
    if not _windows_covered(newest.tags, older.tags):
        return False
    if older.asset_selection is None:
        return newest.asset_selection is None and newest.job_name == older.job_name
    if newest.asset_selection is not None:
        return older.asset_selection <= newest.asset_selection
    made = {row.noun for row in chain.stages_of("train", own=True)}
    train = chain.job("train")
    return all(
        key.path[-1] in made and train.of(key.path[0]) == newest.job_name for key in older.asset_selection
    )


def _windows_covered(newest: Mapping[str, str], older: Mapping[str, str]) -> bool:
    """A backfill of windows is a run for each: none of them makes another's. Windows compare as text, '' is none."""
    first, last = asked_of(newest)
    begins, ends = asked_of(older)
    return bool(first) == bool(begins) and first <= begins and ends <= last


def _metered(team: str) -> str:
    return TRAINED + team


def _cpu(team: str) -> str:
    return CPU_SECONDS + team


def _noted(run: dg.DagsterRun | None, team: str) -> float:
    try:
        return float(run.tags.get(_cpu(team), 0)) if run else 0.0
    except ValueError:  # whoever launches a run may write tags
        return 0.0
