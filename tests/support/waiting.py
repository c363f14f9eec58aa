"""Waits for what another process is about to do."""

import socket
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any


def wait_for[T](
    what: Callable[[], T],
    seconds: float = 120,
    *,
    every: float = 0.2,
    by: "Popen[Any] | None" = None,
    log: Path | None = None,
    not_yet: tuple[type[Exception], ...] = (OSError,),
) -> T:
    """The first true answer; errors of the kinds `not_yet` (a refused connection) are no answer yet.

    Fails at once, with its log, when process `by` ends.
    """
    deadline, last = time.monotonic() + seconds, ""
    while time.monotonic() < deadline and (by is None or by.poll() is None):
        try:
            found = what()
        except not_yet as error:
            found, last = None, f"; last: {error!r}"
        if found:
            return found
        time.sleep(every)
    said = f":\n{log.read_text(errors='replace')[-4000:]}" if log else ""
    raise AssertionError(f"nothing within {seconds} s{last}{said}")


def answers(url: str) -> bool:
    """Whether a GET is answered with success; raises OSError otherwise."""
    urllib.request.urlopen(url, timeout=5).close()
    return True


def listens(port: int) -> bool:
    """Whether somebody takes connections at a port of this machine; raises OSError otherwise."""
    socket.create_connection(("127.0.0.1", port), timeout=5).close()
    return True
