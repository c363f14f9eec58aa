"""Waits for what another process is about to do."""

import time
from collections.abc import Callable


def wait_for[T](what: Callable[[], T], seconds: float = 120) -> T:
    """The first true answer; a refused connection is no answer yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            found = what()
        except OSError:
            found = None
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"nothing within {seconds} s")
