"""What tells the living from the dead: keys in Redis that expire unless their process renews them.

Celery itself cannot: when a worker is killed whole, its tasks stay STARTED for ever. So each run's process renews a key of
the run, and each worker one that says how many runs it takes at a time.
"""

import json
import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

BEAT_SECONDS = 5
# Six beats: an import or a fit may hold the interpreter for some seconds.
LIFE_SECONDS = 30
# Shorter: taken for dead by mistake, a worker only gets no new run until its next beat.
_WORKER_LIFE_SECONDS = 15
DEFAULT_QUEUE = "dagster"
_RUN, _WORKER, _WAKING = "trading:run:", "trading:worker:", "trading:waking:"
# Where Celery's transport keeps a queue: by priority, of which it has four.
_PRIORITIES = ("", "\x06\x163", "\x06\x166", "\x06\x169")
# Workers that sleep wake one after the other while runs wait: for one run there is no need of them all.
_NEXT_WAKES_SECONDS = 20

_log = logging.getLogger(__name__)


def connect(redis_url: str) -> "Redis":
    """A client that does not wait long for a Redis that is away; it connects at its first question."""
    from redis import Redis

    return Redis.from_url(redis_url, socket_connect_timeout=5, socket_timeout=10)


@contextmanager
def alive(client: "Redis", run_id: str, task_id: str) -> Iterator[bool]:
    """Show for the length of a with block that this process executes the run; False when another one does already.

    Redis may be away: before it begins the run waits for it, and later goes on; the sign is back as soon as Redis is.
    """
    key, sign = _RUN + run_id, f"{task_id} {uuid.uuid4()}"
    if not _is_first(client, key, sign):
        yield False
        return
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            with suppress(Exception):  # Whatever it is, the next beat tries again.
                client.set(key, sign, ex=LIFE_SECONDS)

    beating = threading.Thread(target=beat, name="sign-of-life", daemon=True)
    beating.start()
    try:
        yield True
    finally:
        over.set()
        beating.join(timeout=BEAT_SECONDS)
        with suppress(Exception):  # It expires by itself.
            client.delete(key)


def _is_first(client: "Redis", key: str, sign: str) -> bool:
    """Whether the sign is this process's. Its message is acknowledged: did it not wait for Redis, nobody would begin the run."""
    from redis import RedisError

    while True:
        try:
            # The answer may have been lost and not the sign.
            return bool(client.set(key, sign, nx=True, ex=LIFE_SECONDS)) or client.get(key) == sign.encode()
        except RedisError as error:
            _log.warning(f"The run waits until Redis can be reached ({error}).")
            time.sleep(BEAT_SECONDS)


def task_of(client: "Redis", run_id: str) -> str | None:
    """The Celery task whose process executes the run, None when no process does."""
    sign = client.get(_RUN + run_id)
    return sign.decode().split()[0] if isinstance(sign, bytes) else None


def present(client: "Redis", worker: str, queue: str, slots: int, *, seconds: int = 0) -> None:
    """Show that the worker is there, for so many seconds; without them to be repeated every BEAT_SECONDS."""
    said = json.dumps({"queue": queue, "slots": slots})
    client.set(_WORKER + worker, said, ex=seconds or _WORKER_LIFE_SECONDS)


def gone(client: "Redis", worker: str) -> None:
    """Say that the worker takes no more runs."""
    client.delete(_WORKER + worker)


def slots_by_queue(client: "Redis") -> dict[str, int]:
    """How many runs the living workers execute at a time, by queue."""
    slots: Counter[str] = Counter()
    keys = list(client.scan_iter(match=_WORKER + "*", count=1000))
    for text in client.mget(keys) if keys else []:
        if text:  # One may have expired between the two questions.
            said = json.loads(text)
            slots[said["queue"]] += said["slots"]
    return dict(slots)


def runs_wait(client: "Redis", queue: str) -> bool:
    """Whether runs were handed out to a queue that no worker has taken yet."""
    return bool(client.exists(*(f"{queue}{priority}" for priority in _PRIORITIES)))


def is_first_to_wake(client: "Redis", queue: str) -> bool:
    """Whether it is for the worker that asks to wake for the runs that wait in its queue."""
    return bool(client.set(_WAKING + queue, 1, nx=True, ex=_NEXT_WAKES_SECONDS))
