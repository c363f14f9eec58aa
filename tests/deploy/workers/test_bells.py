"""Waits that end when somebody rings, on a real Redis."""

import time
from threading import Event, Timer

from my_dagster_project.deploy.workers.bells import QUEUE, ROUNDS, Waiting, ring
from my_dagster_project.deploy.workers.signs_of_life import connect


def waited(waiting: Waiting, seconds: float) -> float:
    began = time.monotonic()
    waiting.wait(seconds)
    return time.monotonic() - began


def test_a_ring_ends_the_wait_also_one_before_it_and_many_are_one(redis):
    client, end = connect(redis.url), Event()
    waiting = Waiting(end, client, QUEUE)
    for _ in range(3):
        ring(client, QUEUE)
    ring(client, ROUNDS)
    assert waited(waiting, 30) < 20
    assert waited(waiting, 0.2) >= 0.2
    Timer(0.1, ring, (client, QUEUE)).start()
    assert waited(waiting, 30) < 20


def test_after_a_ring_it_looks_again_soon_and_then_no_more(redis):
    client = connect(redis.url)
    waiting = Waiting(Event(), client, ROUNDS, echo=0.1)
    ring(client, ROUNDS)
    waiting.wait(30)
    assert 0.1 <= waited(waiting, 30) < 20
    assert waited(waiting, 0.5) >= 0.5


def test_without_redis_it_is_a_wait_like_any_other_and_ends_with_its_process(redis):
    client, end = connect(redis.url), Event()
    redis.kill()
    ring(client, QUEUE)
    waiting = Waiting(end, client, QUEUE)
    assert waited(waiting, 0.2) >= 0.2
    Timer(0.1, end.set).start()
    assert waited(waiting, 30) < 20
    assert waiting.is_set()
    redis.start()
