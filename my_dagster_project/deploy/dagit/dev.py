"""`python -m my_dagster_project.deploy.dagit.dev`: `dagster dev`, whose web server is ours (`my_dagster_project.deploy.dagit`)."""

import signal
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psutil

from my_dagster_project.foundation.dagster_private import dev_command_module

# What `dagster dev` starts, and what is started in its place; anything else is a Dagster that we do not know.
_MODULES = {"dagster_webserver": "my_dagster_project.deploy.dagit", "dagster._daemon": "dagster._daemon"}

_dev = dev_command_module()
_open = _dev.open_ipc_subprocess


# What has not ended by itself so many seconds after it was asked to, is ended; then killed.
_SECONDS = 3
# Dagster gives web server and daemon a minute each; on a busy machine who pressed Ctrl-C waited that long for a daemon in mid-tick.
_SECONDS_OF_A_SERVICE = 15


def main() -> None:
    """Run web server, daemon and code server until Ctrl-C or SIGTERM; none of them is there afterwards."""
    # Who started this may have had them blocked, or Ctrl-C ignored, as a script has for what it puts into the background. A new
    # program inherits both, and Dagster does at SIGTERM what Ctrl-C does: it could be ended by kill -9 alone.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _dev.open_ipc_subprocess = open_guarded
    _dev._SUBPROCESS_WAIT_TIMEOUT = _SECONDS_OF_A_SERVICE  # Dagster's own; no public setting
    try:
        _dev.dev_command()
    finally:
        # Dagster asks the code server to end and goes; with a run at work it stayed to the run's end, else for 20 s.
        end_all(psutil.Process().children(recursive=True))


def end_all(processes: "Sequence[psutil.Process]") -> None:
    """See to it that these processes end; a run at work among them is told as abandoned by the next `trading run`."""
    _, left = psutil.wait_procs(processes, timeout=_SECONDS)
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                end(process)
        _, left = psutil.wait_procs(left, timeout=_SECONDS)


def open_guarded(parts: Sequence[str], **options: Any) -> Any:
    """Start a process of `dagster dev`; raises KeyError for a module that is not in the list."""
    python, flag, module, *rest = parts
    return _open([python, flag, _MODULES[module], *rest], **options)


if __name__ == "__main__":
    main()
