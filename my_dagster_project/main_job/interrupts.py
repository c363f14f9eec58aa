"""Whether somebody wants this process to stop: Dagster makes a failed step of Ctrl-C and goes on with the next one."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_STOPS = {signal.SIGINT, signal.SIGTERM}


@contextmanager
def stops_noticed() -> Iterator[Callable[[], bool]]:
    """Give a question: was this process asked to stop since? Signals are seen beneath whatever handler has them; main thread only."""
    here, there = os.pipe()
    for end in (here, there):
        os.set_blocking(end, False)
    before = signal.set_wakeup_fd(there, warn_on_full_buffer=False)
    came: set[int] = set()

    def asked() -> bool:
        with suppress(BlockingIOError):
            came.update(os.read(here, 4096))
        return not _STOPS.isdisjoint(came)

    try:
        yield asked
    finally:
        signal.set_wakeup_fd(before)
        os.close(here)
        os.close(there)
