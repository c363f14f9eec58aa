"""What a worker does while there is nothing to do: it lets go of what it preloaded, and is back when a run comes.

The parent with Ludwig and the rest in memory is a gigabyte, day and night, for a few runs a day. After a while without one the
worker's process becomes a small one (`exec`: the same process to whoever watches, stops or kills it), which still says that
it takes runs and becomes the worker again as soon as one waits for it.
"""

import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from my_dagster_project.deploy.workers.signs_of_life import (
    gone,
    is_first_to_wake,
    present,
    runs_wait,
)
from my_dagster_project.foundation.pool_settings import PoolSettings

if TYPE_CHECKING:
    from redis import Redis

LET_GO = 75
"""What a worker ends with that goes to wait; no program of ours or Celery's ends with it otherwise."""
_LOOK_SECONDS = 1.0
# To import everything takes 10 to 30 s, on a busy machine longer; all the while the worker counts as there.
_WAKING_SECONDS = 120


class Idle:
    """How long a worker has had no run. It leaves in two steps, so that none is handed to one that is about to go."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._since = clock()
        self.is_leaving = False
        """Takes no runs any more, and is gone at the next look unless one came just then."""

    def look(self, *, busy: bool) -> bool:
        """To be asked at every beat; whether it is time to go. Never where the setting is 0."""
        was_leaving, now = self.is_leaving, self._clock()
        if busy:
            self._since = now
        self.is_leaving = bool(self._seconds) and now - self._since >= self._seconds
        return was_leaving and self.is_leaving


def hold_the_end() -> None:
    """Keep a SIGTERM for whoever waits for a run: between two programs of one process it would end it with -15, or be lost."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def wait_for_a_run(
    pool: PoolSettings, client: "Redis", name: str, look_seconds: float = _LOOK_SECONDS
) -> None:
    """Say that the worker is there until a run waits in its queue. SIGTERM ends the process with 0.

    While Redis is away it waits without saying so, as a worker does (`pool.py`).
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # One that came while this process began waits since `hold_the_end`.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    try:
        while not _is_wanted(pool, client, name):
            time.sleep(look_seconds)
    except SystemExit:
        pool.alive_file.unlink(missing_ok=True)
        with suppress(Exception):  # Its sign expires by itself.
            gone(client, name)
        raise


def _is_wanted(pool: PoolSettings, client: "Redis", name: str) -> bool:
    try:
        wanted = runs_wait(client, pool.queue) and is_first_to_wake(client, pool.queue)
        present(client, name, pool.queue, pool.slots, seconds=_WAKING_SECONDS if wanted else 0)
    except Exception:  # Whatever it is, the next look tries again.
        pool.alive_file.unlink(missing_ok=True)
        return False
    pool.alive_file.touch()
    return wanted
