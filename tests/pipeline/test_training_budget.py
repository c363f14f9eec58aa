"""A team's trainings take no more of the machine than the registry allows, and a newer one replaces what waits."""

import time

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.pipeline.training_budget import replace_waiting, require_time_left
from my_dagster_project.teams.registry import TrainingBudget

MODEL, OTHER, FEATURES = (
    dg.AssetKey(["red", *path]) for path in (["IBM", "model"], ["AAPL", "model"], ["IBM", "features"])
)


def run(instance, status, assets=None, job="red_train", team="red", seconds=0.0) -> str:
    selection = frozenset(assets) if assets else None
    tags = {"team": team}
    place = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("trading"), "__repository__")
    origin = RemoteJobOrigin(place, job)
    made = instance.add_run(
        dg.DagsterRun(job_name=job, tags=tags, asset_selection=selection, remote_job_origin=origin)
    )
    now = time.time()
    if status == dg.DagsterRunStatus.QUEUED:
        instance.report_dagster_event(dg.DagsterEvent("PIPELINE_ENQUEUED", job), made.run_id)
    else:
        instance.report_dagster_event(
            dg.DagsterEvent("PIPELINE_START", job), made.run_id, timestamp=now - seconds
        )
        instance.report_dagster_event(dg.DagsterEvent("PIPELINE_SUCCESS", job), made.run_id, timestamp=now)
    return made.run_id


def test_what_was_trained_today_counts_whatever_launched_it():
    budget = TrainingBudget(seconds_per_day=100)
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.DagsterRunStatus.SUCCESS
        run(instance, done, seconds=60)
        run(instance, done, job="red_daily", assets=[FEATURES], seconds=600)
        run(instance, done, team="blue", job="blue_train", seconds=600)
        require_time_left(instance, "red", budget)
        run(instance, done, job="__ASSET_JOB", assets=[MODEL, FEATURES], seconds=60)
        with pytest.raises(ModelError, match=r"red has trained for 120 s .* allows 100 "):
            require_time_left(instance, "red", budget)


@pytest.mark.parametrize(
    ("older", "newer", "replaced"),
    [
        (None, None, True),
        ([MODEL], None, True),
        ([MODEL], [MODEL, OTHER], True),
        ([MODEL, OTHER], [MODEL], False),
        (None, [MODEL], False),
    ],
)
def test_a_newer_training_replaces_the_one_that_waits_if_it_makes_all_of_it(older, newer, replaced):
    with dg.DagsterInstance.ephemeral() as instance:
        queued = dg.DagsterRunStatus.QUEUED
        before, blue = run(instance, queued, older), run(instance, queued, older, "blue_train", "blue")
        newest = instance.get_run_by_id(run(instance, queued, newer))
        replace_waiting(instance, newest)
        statuses = [instance.get_run_by_id(one).status for one in (before, blue, newest.run_id)]
        expected = dg.DagsterRunStatus.CANCELED if replaced else queued
        assert statuses == [expected, queued, queued]
