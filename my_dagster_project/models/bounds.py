"""What one training may take of the machine, held to while it runs: time, CPU and memory. Other teams are on it too."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_NOTE_SECONDS = 10


@dataclass(frozen=True)
class Bounds:
    """Of one training: seconds by the clock, bytes of memory beyond what the process had when it began, and up to which CPU
    time of the process (`time.process_time`) it may go on.

    `note` is called every few seconds while it trains: what a killed process has taken is on record, too.
    """

    seconds: float
    memory: int
    cpu_until: float = float("inf")
    note: Callable[[], None] = lambda: None


class OutOfTimeError(Exception):
    """The training has taken its time."""


class Clock:
    """Runs from when it is made; asked before every pass through a network."""

    def __init__(self, bounds: Bounds | None) -> None:
        self._bounds, self._started = bounds, time.monotonic()
        self._noted = self._started

    def check(self) -> None:
        """Raise OutOfTimeError once the time is over, by the clock or of the CPU."""
        if self._bounds is None:
            return
        now = time.monotonic()
        if now - self._noted >= _NOTE_SECONDS:
            self._noted = now
            self._bounds.note()
        if now - self._started > self._bounds.seconds:
            raise OutOfTimeError(f"it took longer than the {self._bounds.seconds:g} s a training may take")
        if time.process_time() > self._bounds.cpu_until:
            raise OutOfTimeError(
                "its team has taken the seconds of CPU that the registry allows in 24 hours (training.seconds_per_day)"
            )


@contextmanager
def bounded_memory(extra: int | None) -> Iterator[None]:
    """Let this process allocate at most so many bytes more within the block: then allocating fails, and nobody is killed.

    By the kernel's limit on private memory (RLIMIT_DATA), which files and shared pages do not count for; Linux only.
    """
    if extra is None or not sys.platform.startswith("linux"):
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _private_bytes() + extra
    limit = min([wanted, *(one for one in (soft, hard) if one != resource.RLIM_INFINITY)])
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _private_bytes() -> int:
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmData:")).split()[1])
    return 0
