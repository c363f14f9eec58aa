"""What one training may take of the machine, held to while it runs: time and memory. Other teams are on it too."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Bounds:
    """Seconds by the clock, and bytes of memory beyond what the process had when the training began."""

    seconds: float
    memory: int


class OutOfTimeError(Exception):
    """The training has taken its time."""


class Clock:
    """Runs from when it is made; asked after every batch."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds, self._started = seconds, time.monotonic()

    def check(self) -> None:
        """Raise OutOfTimeError once the time is over."""
        if self._seconds is not None and time.monotonic() - self._started > self._seconds:
            raise OutOfTimeError(f"it took longer than the {self._seconds:g} s a training may take")


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
