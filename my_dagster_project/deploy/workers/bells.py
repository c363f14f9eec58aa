"""Bells in Redis: who hands in a run, or ends one, rings, and the daemon looks at once instead of when its time has come.

Dagster's daemon looks every 2 s for runs that wait, and every 5 s at the sensors: a session of a season, whose runs follow one
another, spent 30 of its 40 s waiting for these looks. A bell that nobody hears costs nothing but that wait.
"""

import time
from contextlib import suppress
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

QUEUE, ROUNDS = "trading:bell:queue", "trading:bell:rounds"
"""Rung when a run waits or a slot is free, and when a round or a session has nothing going on."""
_END_SECONDS = 1.0
"""How soon who waits for a bell notices that it is to end."""


def ring(client: "Redis", bell: str) -> None:
    """Ring; once is as good as many times. While Redis is away nobody hears it."""
    with suppress(Exception):  # Whatever it is, the daemon looks by itself a little later.
        both = client.pipeline()
        both.lpush(bell, 1)
        both.ltrim(bell, 0, 0)
        both.execute()


class Waiting:
    """An event to wait for, as Dagster's loops wait for their end, with a wait that is over when a bell rings.

    After a ring it looks again `echo` seconds later: what rang while a sensor ticked was too late for that tick.
    """

    def __init__(self, end: Event, client: "Redis", bell: str, echo: float | None = None) -> None:
        self._end, self._client, self._bell, self._echo = end, client, bell, echo
        self._has_rung = False

    def is_set(self) -> bool:
        """Whether the end has come."""
        return self._end.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end, the bell, or so many seconds; whether the end has come."""
        if self._echo is not None and self._has_rung:
            seconds = min(seconds, self._echo)
        until, self._has_rung = time.monotonic() + seconds, False
        while not self._end.is_set() and not self._has_rung and (left := until - time.monotonic()) > 0:
            self._has_rung = self._rings(min(left, _END_SECONDS))
        return self._end.is_set()

    def _rings(self, seconds: float) -> bool:
        try:
            return self._client.blpop([self._bell], timeout=seconds) is not None
        except Exception:  # As above: then it is a wait like any other.
            self._end.wait(seconds)
            return False
