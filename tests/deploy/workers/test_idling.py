"""A worker with nothing to do: when it goes, that it is still counted on, and what wakes it; on a real Redis."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from my_dagster_project.deploy.workers import signs_of_life
from my_dagster_project.deploy.workers.idling import Idle, hold_the_end, wait_for_a_run
from my_dagster_project.deploy.workers.signs_of_life import (
    connect,
    is_first_to_wake,
    runs_wait,
    slots_by_queue,
)
from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.foundation.pool_settings import PoolSettings, pool_settings
from tests.e2e.project import ROOT
from tests.support.waiting import wait_for


@pytest.fixture
def pool(tmp_path, redis) -> PoolSettings:
    return pool_settings(
        {
            "TRADING_REDIS_URL": redis.address,
            "REDIS_PASSWORD": redis.password,
            "TRADING_WORKER_SLOTS": "3",
            "TRADING_WORKER_ALIVE": str(tmp_path / "alive"),
        }
    )


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def looks(idle: Idle, clock: Clock, *beats: tuple[float, bool]) -> list[tuple[bool, bool]]:
    """At each moment, busy or not: whether it is leaving then, and whether it goes."""
    found = []
    for clock.now, busy in beats:
        goes = idle.look(busy=busy)
        found.append((idle.is_leaving, goes))
    return found


def test_a_worker_goes_after_a_while_without_a_run_and_takes_none_for_a_beat_before(redis):
    clock = Clock()
    idle = Idle(60, clock)
    assert looks(idle, clock, (55, False), (60, False), (65, False)) == [
        (False, False),
        (True, False),
        (True, True),
    ]


def test_a_run_that_comes_just_then_keeps_it(redis):
    clock = Clock()
    idle = Idle(60, clock)
    beats = ((30, True), (85, False), (90, False), (95, True), (100, False), (155, False))
    assert [leaving for leaving, _ in looks(idle, clock, *beats)] == [False, False, True, False, False, True]


def test_zero_is_never():
    clock = Clock()
    assert looks(Idle(0, clock), clock, (1e9, False), (2e9, False)) == [(False, False)] * 2
    assert pool_settings({}).idle_seconds == 600
    with pytest.raises(
        ConfigError, match="TRADING_WORKER_IDLE_SECONDS=soon: must be a whole number of seconds"
    ):
        pool_settings({"TRADING_WORKER_IDLE_SECONDS": "soon"})


def test_a_queue_is_looked_for_where_celery_keeps_it(redis, monkeypatch):
    from kombu.transport.redis import PRIORITY_STEPS, Channel

    client = connect(redis.url)
    kept = [f"q{Channel.sep}{step}" if step else "q" for step in PRIORITY_STEPS]
    for key in kept:
        assert not runs_wait(client, "q")
        client.lpush(key, "a run")
        assert runs_wait(client, "q"), key
        client.delete(key)


def test_of_workers_that_sleep_one_wakes_and_the_next_a_little_later(redis, monkeypatch):
    monkeypatch.setattr(signs_of_life, "_NEXT_WAKES_SECONDS", 1)
    client = connect(redis.url)
    assert [is_first_to_wake(client, "q") for _ in range(3)] == [True, False, False]
    wait_for(lambda: is_first_to_wake(client, "q"), 5, every=0.1)


def test_one_that_waits_counts_as_there_and_wakes_for_a_run(redis, pool):
    client = connect(redis.url)

    def hand_out() -> None:
        try:
            # It says so in Redis, then by the file.
            wait_for(lambda: slots_by_queue(connect(redis.url)) == {"dagster": 3}, every=0.02)
            wait_for(pool.alive_file.exists, every=0.02)
        finally:
            redis.client().lpush("dagster", "a run")

    before = signal.getsignal(signal.SIGTERM)
    with ThreadPoolExecutor() as other:
        handed_out = other.submit(hand_out)
        wait_for_a_run(pool, client, "w", look_seconds=0.02)
        signal.signal(signal.SIGTERM, before)
    handed_out.result()
    # Until it has imported everything again.
    assert client.ttl("trading:worker:w") > 60


def test_told_to_stop_it_ends_and_says_that_it_is_gone(redis, pool, tmp_path):
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "TRADING_REDIS_URL": redis.address,
        "REDIS_PASSWORD": redis.password,
        "TRADING_WORKER_ALIVE": str(pool.alive_file),
    }
    command = [sys.executable, "-m", "my_dagster_project.deploy.workers", "waiting"]
    early = subprocess.Popen(command, cwd=ROOT, env=environment, preexec_fn=hold_the_end)
    early.terminate()  # while it begins
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    assert early.wait(timeout=20) == 0
    wait_for(pool.alive_file.exists, 20, every=0.05, by=process)
    assert slots_by_queue(connect(redis.url)) == {"dagster": 2}
    assert memory_mb(process.pid) < 80
    process.terminate()
    assert process.wait(timeout=10) == 0
    assert not pool.alive_file.exists()
    assert slots_by_queue(connect(redis.url)) == {}


def memory_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1000
