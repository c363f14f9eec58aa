"""Runs through queue, Redis and worker, with real processes that are really killed.

The tests stand in the order in which they are cheapest: a worker takes a quarter of a minute to start.
"""

import os
import signal
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.workers.deployment import Deployment
from tests.deploy.workers.test_idling import memory_mb
from tests.support.dagit import FAULTS, TRADING
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.full, pytest.mark.drill, pytest.mark.timeout(900)]

# What issue 5 promises.
KNOWN_WITHIN = 120
# With bars, as Dagit launches assets of several jobs: the training that the commit itself asks for would take its place in
# the queue, had that one all that this one makes.
MODEL = [
    {"path": path}
    for path in (
        ["market", "IBM", "bars"],
        ["red", "IBM", "features"],
        ["red", "IBM", "training_rows"],
        ["red", "IBM", "model"],
    )
]


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def kill_process(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def begin_two(deployment: Deployment) -> tuple[str, str]:
    """Runs that may and may not be repeated, once both are at work."""
    train, trade = deployment.launch("train", seconds=300), deployment.launch("trade", seconds=300)
    for run in (train, trade):
        deployment.await_process(run)
    return train, trade


def require_known_and_repeated(deployment: Deployment, train: str, trade: str, killed_at: float) -> None:
    """Both failed in time; the one that may be repeated was, and succeeded; the other was executed once and no more."""
    for run in (train, trade):
        deployment.await_status(run, "FAILURE")
    assert time.monotonic() - killed_at < KNOWN_WITHIN
    repeat = wait_for(lambda: deployment.repeats(train))[0]
    deployment.await_status(repeat, "SUCCESS")
    assert deployment.repeats(trade) == []
    assert [run for run, _, _ in deployment.executions()].count(trade) == 1
    assert trade not in [run for run, _, _ in deployment.executions("done")]


def rows_of(deployment: Deployment, run: str) -> int:
    entries = [entry for event in deployment.events(run) for entry in event.get("metadataEntries", [])]
    return next(entry["intValue"] for entry in entries if entry["label"] == "training_rows")


def test_without_a_worker_runs_wait_and_they_keep_the_configuration_they_were_created_with(
    deployment,
) -> None:
    project = deployment.project
    assert project.trading("build", "bars", TRADING_HOME=str(deployment.folder / "home")).code == 0
    before = deployment.launch("__ASSET_JOB", TRADING, assetSelection=MODEL)
    project.commit_edit("red", lambda config: config["training"].update(start=date(2011, 1, 3)))
    assert deployment.reload(TRADING)
    # Not the features: a run that makes all that a waiting one would takes its place.
    after = deployment.launch("__ASSET_JOB", TRADING, assetSelection=[MODEL[0], *MODEL[2:]])
    assert [deployment.status(run) for run in (before, after)] == ["QUEUED", "QUEUED"]
    # Its own checkout is neither of the two: what it trains has come with the run.
    deployment.start_worker()
    for run in (before, after):
        deployment.await_status(run, "SUCCESS", seconds=300)
    assert rows_of(deployment, before) > rows_of(deployment, after)


def test_a_run_starts_within_seconds_in_a_process_of_its_own(working) -> None:
    runs = [working.launch("train", seconds=0) for _ in range(2)]
    for run in runs:
        working.await_status(run, "SUCCESS")
    assert {working.runs()[run]["tags"]["dagster-celery/queue"] for run in runs} == {"dagster"}
    processes = {pid: parent for run, pid, parent in working.executions() if run in runs}
    assert len(processes) == 2
    assert set(processes.values()) == {working.pid("worker")}
    wait_for(lambda: not any(map(exists, processes)), 20)


def test_killed_process_of_a_run(working) -> None:
    train, trade = begin_two(working)
    killed_at = time.monotonic()
    for run in (train, trade):
        kill_process(working.await_process(run))
    require_known_and_repeated(working, train, trade, killed_at)
    assert "Its worker process ended early" in working.story(trade)
    assert "signal 9" in working.story(trade)


def test_bad_input_is_not_repeated(working) -> None:
    run = working.launch("reject")
    working.await_status(run, "FAILURE")
    wait_for(lambda: "Not retrying run since it failed due to an asset or op failure" in working.story(run))
    assert working.repeats(run) == []


def test_a_canceled_run_ends_and_is_not_repeated(working) -> None:
    run = working.launch("train", seconds=60)
    process = working.await_process(run)
    working.cancel(run)
    working.await_status(run, "CANCELED", seconds=30)
    wait_for(lambda: not exists(process), 20)
    assert working.repeats(run) == []
    assert run not in [one for one, _, _ in working.executions("done")]


def test_a_message_that_comes_again_executes_nothing(working) -> None:
    # Before the run begins, which on a busy machine was over before everything was imported.
    publish_again = publisher(working)
    run = working.launch("trade", seconds=10)
    working.await_process(run)
    publish_again(run)
    working.await_status(run, "SUCCESS")
    publish_again(run)
    wait_for(lambda: working.log("worker").read_text().count("dropped") >= 1)
    wait_for(
        lambda: "Ignoring a run worker that started after the run had already finished" in working.story(run)
    )
    assert [one for one, _, _ in working.executions()].count(run) == 1


def publisher(deployment: Deployment) -> Callable[[str], None]:
    """Sends a run's message once more, as Redis would, had it lost the acknowledgement."""
    from dagster import DagsterInstance
    from dagster._serdes import pack_value

    from my_dagster_project.deploy.workers.pool import worker_app
    from my_dagster_project.foundation.dagster_private import ExecuteRunArgs
    from my_dagster_project.foundation.pool_settings import pool_settings

    execute = worker_app(pool_settings(deployment.environment)).tasks["execute_job"]

    def publish_again(run: str) -> None:
        with DagsterInstance.from_config(str(deployment.dagster_home)) as instance:
            found: Any = instance.get_run_by_id(run)
            message = ExecuteRunArgs(
                found.job_code_origin, run, instance.get_ref(), set_exit_code_on_failure=True
            )
        execute.apply_async(kwargs={"execute_job_args_packed": pack_value(message)}, queue="dagster")

    return publish_again


def test_redis_killed_while_runs_wait(working) -> None:
    runs = [working.launch("train", seconds=5) for _ in range(4)]
    wait_for(lambda: {run for run, _, _ in working.executions()} & set(runs))
    working.redis.kill()
    late = working.launch("train", seconds=0)
    time.sleep(6)
    assert working.status(late) == "QUEUED"
    working.redis.start()
    for run in (*runs, late):
        working.await_status(run, "SUCCESS")
    counted = [run for run, _, _ in working.executions()]
    assert [counted.count(run) for run in (*runs, late)] == [1] * 5


def test_daemon_killed(working) -> None:
    run = working.launch("train", seconds=5)
    working.await_process(run)
    working.kill("daemon")
    late = working.launch("train", seconds=0)
    working.await_status(run, "SUCCESS")
    assert working.status(late) == "QUEUED"
    working.start_daemon()
    working.await_status(late, "SUCCESS")


def test_killed_worker(working) -> None:
    train, trade = begin_two(working)
    processes = [working.await_process(run) for run in (train, trade)]
    killed_at = time.monotonic()
    working.kill_alone("worker")
    wait_for(lambda: not any(map(exists, processes)), 5)
    working.start_worker()
    require_known_and_repeated(working, train, trade, killed_at)
    assert "no sign of life" in working.story(trade)


def test_an_idle_worker_lets_go_of_its_memory_and_is_there_for_the_next_run(working) -> None:
    working.stop("worker")
    working.start_worker(TRADING_WORKER_IDLE_SECONDS="3")
    worker = working.pid("worker")
    wait_for(lambda: memory_mb(worker) < 80, 60)
    runs = [working.launch("train", seconds=0) for _ in range(2)]
    for run in runs:
        working.await_status(run, "SUCCESS", seconds=120)
    assert {parent for run, _, parent in working.executions() if run in runs} == {worker}
    wait_for(lambda: memory_mb(worker) < 80, 60)
    assert working.stop("worker") == 0
    working.start_worker()


def test_a_worker_that_is_told_to_stop_finishes_its_run_and_gets_no_other(working) -> None:
    run = working.launch("trade", seconds=6)
    working.await_process(run)
    assert working.stop("worker") == 0
    assert working.status(run) == "SUCCESS"
    assert not working.alive_file.exists()
    late = working.launch("train", FAULTS, seconds=0)
    time.sleep(5)
    assert working.status(late) == "QUEUED"
