"""The worker pool's part of the settings: read by workers, launcher and queue, which need no project."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from urllib.parse import quote, urlsplit

from my_dagster_project.foundation.addresses import address
from my_dagster_project.foundation.errors import ConfigError


@dataclass(frozen=True)
class PoolSettings:
    """The worker pool: the Redis it meets at, and what one worker offers.

    Attributes:
        redis_url: with the password in it, hence never shown.
        slots: how many runs a worker executes at a time.
        idle_seconds: after so long without a run a worker lets go of what it has preloaded; 0 is never.
        queue: the queue a worker takes its runs from; a run names another one by the tag `dagster-celery/queue`.
        alive_file: a worker touches it every few seconds, for the container's health check.
    """

    redis_url: str = field(repr=False)
    slots: int
    idle_seconds: float
    queue: str
    alive_file: Path


def pool_settings(environ: Mapping[str, str] = os.environ) -> PoolSettings:
    """Where the worker pool is; needs no project. Raises ConfigError when a number is none."""
    slots = environ.get("TRADING_WORKER_SLOTS") or "2"
    if not slots.isdecimal() or int(slots) < 1:
        raise ConfigError(f"TRADING_WORKER_SLOTS={slots}: must be a whole number from 1 on (runs at a time)")
    idle = environ.get("TRADING_WORKER_IDLE_SECONDS") or "600"
    if not idle.isdecimal():
        raise ConfigError(f"TRADING_WORKER_IDLE_SECONDS={idle}: must be a whole number of seconds (0: never)")
    alive = Path(environ.get("TRADING_WORKER_ALIVE") or Path(gettempdir()) / "trading-worker.alive")
    if not alive.parent.is_dir():
        raise ConfigError(f"TRADING_WORKER_ALIVE is {str(alive)!r}; there is no folder {alive.parent}")
    return PoolSettings(
        redis_url=_redis_url(environ),
        slots=int(slots),
        idle_seconds=float(idle),
        queue=environ.get("TRADING_WORKER_QUEUE") or "dagster",
        alive_file=alive,
    )


def pool_is_named(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether an address of the pool's Redis was given, so that runs are executed by workers."""
    return bool(environ.get("TRADING_REDIS_URL"))


def _redis_url(environ: Mapping[str, str]) -> str:
    parts = urlsplit(address(environ, "TRADING_REDIS_URL") or "redis://127.0.0.1:6379/0")
    password = environ.get("REDIS_PASSWORD")
    if not password:
        return parts.geturl()
    return parts._replace(netloc=f":{quote(password, safe='')}@{parts.netloc.rpartition('@')[2]}").geturl()
