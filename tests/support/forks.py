"""`trading` without its imports: one process has imported everything, and each command is a fork of it.

A command still has a process, an environment, a folder and an exit code of its own; what it saves is 2 s of imports, 11 s
when Ludwig is among them. Where the process itself is the point (kill -9, the installed program) tests start a real one.
"""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PARENT_DIED = 1  # PR_SET_PDEATHSIG


@cache
def parent() -> "Parent":
    """The one of this test process; it ends with it."""
    return Parent()


class Parent:
    """The process that forks."""

    def __init__(self) -> None:
        self._address = str(Path(tempfile.mkdtemp(prefix="forks-")) / "socket")
        command = [sys.executable, "-m", "tests.support.forks", self._address]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", "the process that forks did not start"

    def trading(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], timeout: float
    ) -> tuple[int, str, str]:
        """Run `trading` with these arguments; its exit code and what it wrote to stdout and stderr."""
        request = {"arguments": list(arguments), "cwd": str(cwd), "environment": dict(environment)}
        with (
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            socket.socket(socket.AF_UNIX) as client,
        ):
            client.settimeout(timeout)
            client.connect(self._address)
            socket.send_fds(client, [b"."], [out.fileno(), err.fileno()])
            client.sendall(json.dumps(request).encode() + b"\n")
            answer = client.makefile().readline()
            texts = [_text(file) for file in (out, err)]
            assert answer, f"trading {' '.join(arguments)} ended without an exit code: {texts}"
            return int(answer), *texts


def _text(file) -> str:
    file.seek(0)
    return file.read().decode()


def serve(address: str) -> None:
    """Import what commands need, then fork for each connection; never returns."""
    ctypes.CDLL(None).prctl(_PARENT_DIED, signal.SIGKILL)
    _import_everything()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        print("ready", flush=True)
        while True:
            connection, _ = server.accept()
            if os.fork() == 0:
                server.close()
                _answer(connection)
                os._exit(0)
            connection.close()
            _reap()


def _import_everything() -> None:
    from my_dagster_project.deploy.workers.preloading import preload, threads
    from my_dagster_project.foundation.settings import quiet_libraries

    quiet_libraries()
    # Not `cli`: its consoles take their width from the environment of the command.
    import my_dagster_project.main_job.run
    import my_dagster_project.pipeline.resources  # noqa: F401

    preload()
    assert threads() == [], threads()
    # Python counts the allocator's thread, which stops before a fork (deploy/workers/preloading.py).
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return


def _answer(connection: socket.socket) -> None:
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 2)
    request = json.loads(connection.makefile().readline())
    child = os.fork()
    if child == 0:
        connection.close()
        _become(request, *descriptors)
    _, status = os.waitpid(child, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _become(request: dict, out: int, err: int) -> None:
    """Be the command; ends this process with its exit code."""
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    sys.argv = ["trading", *request["arguments"]]
    code = 1
    try:
        from my_dagster_project.cli import main

        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
