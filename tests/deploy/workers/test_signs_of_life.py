"""Who lives, on a real Redis."""

import time

from my_dagster_project.deploy.workers import signs_of_life
from my_dagster_project.deploy.workers.signs_of_life import (
    alive,
    connect,
    gone,
    present,
    slots_by_queue,
    task_of,
)
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
