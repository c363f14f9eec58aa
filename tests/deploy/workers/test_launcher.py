"""What the launcher makes of Celery's word and of the signs of life, and the queue of the workers' slots; on a real Redis."""

import logging

import dagster as dg
import pytest
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG
from redis import RedisError

from my_dagster_project.deploy.workers import launcher as launching
from my_dagster_project.deploy.workers.launcher import PoolRunLauncher
from my_dagster_project.deploy.workers.signs_of_life import LIFE_SECONDS, alive, connect, present
from my_dagster_project.foundation.dagster_private import WorkerStatus
from my_dagster_project.pipeline.pool_coordinator import PoolRunCoordinator
from tests.support.redis import RedisServer


@pytest.fixture
def redis(redis, monkeypatch) -> RedisServer:
    monkeypatch.setenv("TRADING_REDIS_URL", redis.address)
    monkeypatch.setenv("REDIS_PASSWORD", redis.password)
    return redis


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(launching, "time", clock)
    return clock


@pytest.fixture
def launcher(redis) -> PoolRunLauncher:
    return PoolRunLauncher()


def a_run(task: str | None = "task") -> dg.DagsterRun:
    return dg.DagsterRun("job", "run", tags={DAGSTER_CELERY_TASK_ID_TAG: task} if task else {})


def kill_task(launcher, task: str) -> None:
    """As the worker's parent does when a process of it dies."""
    from billiard.exceptions import WorkerLostError

    error = WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL) Job: 0.")
    launcher.celery.backend.store_result(task, error, "FAILURE")


def test_a_run_with_a_sign_of_life_is_running_whatever_celery_forgot(launcher, redis):
    with alive(connect(redis.url), "run", "task"):
        assert launcher.check_run_worker_health(a_run()).status == WorkerStatus.RUNNING


def test_a_run_whose_process_died_has_failed_at_once_and_says_why(launcher, redis):
    connect(redis.url).set("trading:run:run", "task", ex=LIFE_SECONDS)
    kill_task(launcher, "task")
    result = launcher.check_run_worker_health(a_run())
    assert result.status == WorkerStatus.FAILED
    assert "signal 9" in str(result)


def test_the_death_of_the_run_it_repeats_is_not_its_own(launcher, redis):
    kill_task(launcher, "task")
    with alive(connect(redis.url), "run", "another"):
        assert launcher.check_run_worker_health(a_run()).status == WorkerStatus.RUNNING


@pytest.mark.parametrize("task", ["task", None])
def test_a_missing_sign_is_death_only_after_a_while(launcher, clock, task):
    assert launcher.check_run_worker_health(a_run(task)).status == WorkerStatus.RUNNING
    clock.now += 14
    assert launcher.check_run_worker_health(a_run(task)).status == WorkerStatus.RUNNING
    clock.now += 2
    result = launcher.check_run_worker_health(a_run(task))
    assert result.status == WorkerStatus.NOT_FOUND
    assert "the worker was killed or its host is gone" in str(result)


def test_a_sign_that_comes_back_starts_the_while_anew(launcher, redis, clock):
    launcher.check_run_worker_health(a_run())
    with alive(connect(redis.url), "run", "task"):
        clock.now += 20
        assert launcher.check_run_worker_health(a_run()).status == WorkerStatus.RUNNING
    assert launcher.check_run_worker_health(a_run()).status == WorkerStatus.RUNNING


def test_a_run_that_ended_without_saying_so_is_found(launcher, clock):
    # Postgres was away when it wanted to say that it was over: Celery calls that a success.
    launcher.celery.backend.store_result("task", 0, "SUCCESS")
    launcher.check_run_worker_health(a_run())
    clock.now += 16
    result = launcher.check_run_worker_health(a_run())
    assert result.status == WorkerStatus.NOT_FOUND
    assert "most likely because PostgreSQL could not be reached" in str(result)


def test_nothing_is_decided_while_redis_is_away(launcher, redis):
    redis.kill()
    with pytest.raises(RedisError):
        launcher.check_run_worker_health(a_run())


def test_why_a_run_did_not_start(launcher, redis):
    assert "Slots of living workers by queue: none" in launcher.get_run_worker_debug_info(a_run())
    present(connect(redis.url), "w", "dagster", 2)
    assert "dagster: 2" in launcher.get_run_worker_debug_info(a_run())
    kill_task(launcher, "task")
    assert "signal 9" in launcher.get_run_worker_debug_info(a_run())


def test_the_queue_hands_out_as_many_runs_as_living_workers_have_slots(redis, caplog):
    team = {"key": "team", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
    queue = PoolRunCoordinator(tag_concurrency_limits=[team])
    with caplog.at_level(logging.WARNING):
        assert queue.get_run_queue_config().max_concurrent_runs == 0
        assert queue.get_run_queue_config().max_concurrent_runs == 0
        assert caplog.messages == ["Runs wait in the queue: no worker is there."]
        client = connect(redis.url)
        present(client, "a", "dagster", 2)
        present(client, "b", "gpu", 1)
        config = queue.get_run_queue_config()
        assert config.max_concurrent_runs == 3
        assert config.tag_concurrency_limits[0] == team
        assert sorted((one["value"], one["limit"]) for one in config.tag_concurrency_limits[1:]) == [
            ("dagster", 2),
            ("gpu", 1),
        ]
        redis.kill()
        assert queue.get_run_queue_config().max_concurrent_runs == 0
    assert "Redis cannot be reached" in caplog.messages[-1]
    assert redis.password not in caplog.text
