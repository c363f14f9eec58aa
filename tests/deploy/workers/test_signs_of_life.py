"""Who lives, on a real Redis."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis, RedisError

from my_dagster_project.deploy.workers import signs_of_life
from my_dagster_project.deploy.workers.signs_of_life import (
    alive,
    connect,
    gone,
    present,
    slots_by_queue,
    task_of,
)
from my_dagster_project.foundation.pool_settings import pool_settings
from tests.support.waiting import wait_for


def test_a_run_lives_for_the_length_of_the_block(redis):
    client = connect(redis.url)
    with alive(client, "run", "task") as first:
        assert first
        assert task_of(client, "run") == "task"
        assert 0 < client.ttl("trading:run:run") <= signs_of_life.LIFE_SECONDS
    assert task_of(client, "run") is None


def test_only_one_process_executes_a_run(redis):
    client = connect(redis.url)
    with alive(client, "run", "task"):
        with alive(client, "run", "again") as second:
            assert not second
        assert task_of(client, "run") == "task"


def test_the_sign_is_back_after_redis_forgot_it_and_while_redis_is_away_the_run_goes_on(redis, monkeypatch):
    monkeypatch.setattr(signs_of_life, "BEAT_SECONDS", 0.05)
    client = connect(redis.url)
    with alive(client, "run", "task"):
        client.flushall()
        await_sign(client)
        redis.kill()
        time.sleep(0.2)
        redis.start()
        client.flushall()
        await_sign(client)
    assert task_of(client, "run") is None


def test_a_run_that_was_taken_just_before_redis_went_away_begins_when_it_is_back(redis, monkeypatch):
    """Its message is acknowledged: without Redis its process gave up, and the run stayed STARTING until it had failed."""
    monkeypatch.setattr(signs_of_life, "BEAT_SECONDS", 0.05)
    client = Redis.from_url(redis.url, retry=None)  # Celery's does not try again either.
    redis.kill()
    with ThreadPoolExecutor() as process:
        begun = process.submit(begin, client)
        with pytest.raises(TimeoutError):
            begun.result(timeout=0.5)
        redis.start()
        assert begun.result(timeout=60) == (True, "task")


def test_celery_begins_a_run_without_redis(redis, monkeypatch):
    """It wanted to tell Redis first that the task was started, and dropped the task when it could not."""
    from celery.app.trace import build_tracer

    from my_dagster_project.deploy.workers import pool

    app = pool.worker_app(
        pool_settings({"TRADING_REDIS_URL": redis.address, "REDIS_PASSWORD": redis.password})
    )
    task = app.tasks["execute_job"]
    monkeypatch.setattr(pool.RunTask, "__call__", lambda _: redis.start())
    redis.kill()
    build_tracer(task.name, task, app=app)("task", (), {}, {"id": "task"})
    assert app.AsyncResult("task").state == "SUCCESS"


def begin(client):
    with alive(client, "run", "task") as first:
        return first, task_of(client, "run")


def test_a_sign_whose_answer_was_lost_is_ones_own(redis, monkeypatch):
    monkeypatch.setattr(signs_of_life, "BEAT_SECONDS", 0)
    client = connect(redis.url)

    class Cut:
        """A connection that breaks between the write and its answer, once."""

        def __getattr__(self, name):
            return getattr(client, name)

        def set(self, *arguments, **options):
            self.set = client.set
            client.set(*arguments, **options)
            raise RedisError

    assert begin(Cut()) == (True, "task")


def await_sign(client):
    wait_for(lambda: task_of(client, "run") is not None, 10, every=0.02)


def test_slots_are_those_of_living_workers(redis, monkeypatch):
    client = connect(redis.url)
    assert slots_by_queue(client) == {}
    present(client, "a", "dagster", 2)
    present(client, "b", "dagster", 3)
    present(client, "c", "gpu", 1)
    assert slots_by_queue(client) == {"dagster": 5, "gpu": 1}
    gone(client, "a")
    assert slots_by_queue(client) == {"dagster": 3, "gpu": 1}
    monkeypatch.setattr(signs_of_life, "_WORKER_LIFE_SECONDS", 1)
    present(client, "b", "dagster", 3)
    time.sleep(1.2)
    assert slots_by_queue(client) == {"gpu": 1}
