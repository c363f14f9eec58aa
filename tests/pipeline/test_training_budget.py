"""A team's trainings take no more of the machine than the registry allows, and a newer one replaces what waits."""

import time

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.foundation.run_at_work import ROUND_TAG
from my_dagster_project.pipeline.rounds import runs_of_round
from my_dagster_project.pipeline.session_step import Asked
from my_dagster_project.pipeline.training_budget import cpu_seconds, metered, replace_waiting
from my_dagster_project.teams.registry import TrainingBudget

MODEL, OTHER, FEATURES = (
    dg.AssetKey(["red", *path]) for path in (["IBM", "model"], ["AAPL", "model"], ["IBM", "features"])
)


def run(instance, status, assets=None, job="red_train", team="red", seconds=0.0, windows=()) -> str:
    selection = frozenset(assets) if assets else None
    ends = (
        ["partition"] if len(windows) == 1 else ["asset_partition_range_start", "asset_partition_range_end"]
    )
    tags = {"team": team, **{f"dagster/{end}": window for end, window in zip(ends, windows, strict=False)}}
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


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def fail_after(seconds: float) -> None:
    burn(seconds)
    raise ZeroDivisionError


def test_what_was_trained_today_counts_whatever_launched_it_and_however_it_ended():
    budget = TrainingBudget(seconds_per_day=0.2)
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.DagsterRunStatus.SUCCESS
        first, second = run(instance, done), run(instance, done, job="__ASSET_JOB", team="blue, red")
        run(
            instance, done, seconds=600
        )  # waited, or made something else: by the clock long, of the CPU nothing
        with metered(instance, run(instance, done, team="blue"), "blue", budget) as bounds:
            burn(0.3)
        with metered(instance, first, "red", budget) as bounds:
            assert 0 < bounds.cpu_until - time.process_time() <= 0.2
            burn(0.12)
        with pytest.raises(ZeroDivisionError), metered(instance, second, "red", budget) as bounds:
            fail_after(0.12)
        assert bounds.cpu_until < time.process_time()
        assert 0.24 <= cpu_seconds(instance, "red") < 0.6
        with (
            pytest.raises(ModelError, match=r"red has trained for 0\.2 s of CPU .* allows 0\.2 "),
            metered(instance, first, "red", budget),
        ):
            pytest.fail("a team without time must not train")


def test_what_a_killed_process_took_is_on_record_by_its_notes():
    with dg.DagsterInstance.ephemeral() as instance:
        killed = run(instance, dg.DagsterRunStatus.SUCCESS)
        with metered(instance, killed, "red", TrainingBudget()) as bounds:
            burn(0.1)
            bounds.note()
            noted = cpu_seconds(instance, "red")  # as it would stay if nothing came after this
        assert noted >= 0.1


def test_a_run_that_trains_several_models_adds_them_up():
    with dg.DagsterInstance.ephemeral() as instance:
        one = run(instance, dg.DagsterRunStatus.SUCCESS)
        for _ in range(3):
            with metered(instance, one, "red", TrainingBudget()):
                burn(0.05)
        assert cpu_seconds(instance, "red") >= 0.15


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
        blues = older and [dg.AssetKey(["blue", *key.path[1:]]) for key in older]
        before, blue = run(instance, queued, older), run(instance, queued, blues, "blue_train", "blue")
        newest = instance.get_run_by_id(run(instance, queued, newer))
        replace_waiting(instance, newest)
        statuses = [instance.get_run_by_id(one).status for one in (before, blue, newest.run_id)]
        expected = dg.DagsterRunStatus.CANCELED if replaced else queued
        assert statuses == [expected, queued, queued]


@pytest.mark.parametrize(
    ("older", "replaced"),
    [([MODEL, FEATURES], True), ([MODEL, dg.AssetKey(["red", "IBM", "predictions"])], False)],
)
def test_it_replaces_what_was_launched_from_an_assets_page_too(older, replaced):
    """A click on Materialize is a run of Dagster's own `__ASSET_JOB`: two trainings of one model waited beside each other."""
    with dg.DagsterInstance.ephemeral() as instance:
        queued = dg.DagsterRunStatus.QUEUED
        clicked, blues = (
            run(instance, queued, older, "__ASSET_JOB"),
            run(instance, queued, None, "blue_train", "blue"),
        )
        newest = instance.get_run_by_id(run(instance, queued))
        replace_waiting(instance, newest)
        statuses = [instance.get_run_by_id(one).status for one in (clicked, blues)]
        assert statuses == [dg.DagsterRunStatus.CANCELED if replaced else queued, queued]


def test_a_round_waits_for_the_training_that_came_in_the_place_of_its_own():
    with dg.DagsterInstance.ephemeral() as instance:
        asked = run(instance, dg.DagsterRunStatus.QUEUED)
        instance.add_run_tags(asked, {ROUND_TAG: "monday"})
        replace_waiting(instance, instance.get_run_by_id(run(instance, dg.DagsterRunStatus.QUEUED)))
        of_round = Asked(runs_of_round(instance, "monday"))
        assert [one.run_id == asked for one in of_round.going_on("red_train")] == [False]
        assert of_round.failed("red_train") == []


def test_a_run_that_is_repeated_after_a_crash_has_older_files_and_replaces_nothing():
    """A killed training was tried again and took out of the queue the one of the edit that was pushed meanwhile."""
    with dg.DagsterInstance.ephemeral() as instance:
        edited = run(instance, dg.DagsterRunStatus.QUEUED)
        again = dg.DagsterRun(job_name="red_train", root_run_id=edited, parent_run_id=edited)
        replace_waiting(instance, instance.add_run(again))
        assert instance.get_run_by_id(edited).status == dg.DagsterRunStatus.QUEUED


JANUARY, FEBRUARY, MARCH = "2013-01-01", "2013-02-01", "2013-03-01"


@pytest.mark.parametrize(
    ("older", "newer", "replaced"),
    [
        ([JANUARY], [JANUARY], True),
        ([JANUARY], [FEBRUARY], False),
        ([FEBRUARY], [JANUARY, MARCH], True),
        ([JANUARY, MARCH], [FEBRUARY], False),
        ([JANUARY, FEBRUARY], [FEBRUARY, MARCH], False),
        ([], [JANUARY], False),
        ([JANUARY], [], False),
    ],
)
@pytest.mark.parametrize("clicked", [[MODEL], None])
def test_a_backfill_of_windows_trains_all_of_them(clicked, older, newer, replaced):
    """Dagit makes a run of each window: every one took those before it out of the queue, and the last was trained alone."""
    with dg.DagsterInstance.ephemeral() as instance:
        queued = dg.DagsterRunStatus.QUEUED
        first = run(instance, queued, clicked, windows=older)
        replace_waiting(instance, instance.get_run_by_id(run(instance, queued, clicked, windows=newer)))
        assert (instance.get_run_by_id(first).status == dg.DagsterRunStatus.CANCELED) == replaced
