"""`trading` without its imports: one process has imported everything, and each command is a fork of it.

A command still has a process, a session, an environment, a folder and an exit code of its own; what it saves is 2 s of
imports, 11 s when Ludwig is among them. Where the installed program is the point tests start a real one.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

from filelock import FileLock

ROOT = Path(__file__).parents[2]
_LOOK_SECONDS = 2


@cache
def parent() -> "Parent":
    """The one of all test processes of this session, started by whoever needs it first; it ends with the session."""
    owner = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    folder = Path(tempfile.gettempdir()) / f"forks-{os.environ.get('PYTEST_XDIST_TESTRUNUID', owner)}"
    folder.mkdir(exist_ok=True)
    address = folder / "socket"
    with FileLock(folder / "lock"):
        if not address.exists():
            _start(address, owner)
    return Parent(str(address))


def _start(address: Path, owner: int) -> None:
    command = [sys.executable, "-m", "tests.support.forks", str(address), str(owner)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n", "the process that forks did not start"


class Parent:
    """The process that forks."""

    def __init__(self, address: str) -> None:
        self._address = address

    def trading(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], timeout: float
    ) -> tuple[int, str, str]:
        """Run `trading` with these arguments; its exit code and what it wrote to stdout and stderr."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            code = self.begin(arguments, cwd, environment, out, err, timeout).wait()
            texts = [_text(file) for file in (out, err)]
            assert code is not None, f"trading {' '.join(arguments)} ended without an exit code: {texts}"
            return code, *texts

    def begin(
        self,
        arguments: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str],
        out: IO[bytes],
        err: IO[bytes],
        timeout: float,
    ) -> "Command":
        """Start `trading` with these arguments, its output going to these files."""
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(timeout)
        client.connect(self._address)
        socket.send_fds(client, [b"."], [out.fileno(), err.fileno()])
        request = {"arguments": list(arguments), "cwd": str(cwd), "environment": dict(environment)}
        client.sendall(json.dumps(request).encode() + b"\n")
        return Command(client)

    @property
    def as_program(self) -> Path:
        """A folder to put on PATH: its `trading` runs here, for whoever calls it by name (`dvc repro`)."""
        folder = Path(self._address).with_name("bin")
        if not folder.exists():
            folder.mkdir()
            program = folder / "trading"
            program.write_text(_PROGRAM.format(python=sys.executable, address=self._address))
            program.chmod(0o755)
        return folder


_PROGRAM = """\
#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.connect({address!r})
    socket.send_fds(client, [b"."], [1, 2])
    request = {{"arguments": sys.argv[1:], "cwd": os.getcwd(), "environment": dict(os.environ)}}
    client.sendall(json.dumps(request).encode() + b"\\n")
    _, code = client.makefile()
sys.exit(int(code))
"""


class Command:
    """A `trading` that is at work."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._answers = client.makefile()
        self.pid = int(self._answers.readline())
        """Of the process, which leads a session of its own."""

    def wait(self) -> int | None:
        """Its exit code, once it has ended."""
        with self._client:
            code = self._answers.readline()
        return int(code) if code else None

    def ended(self) -> bool:
        """Whether it has ended by now."""
        return not _lives(self.pid)

    def kill(self) -> None:
        """kill -9 of it and all it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


def _text(file) -> str:
    file.seek(0)
    return file.read().decode()


def serve(address: str, owner: int) -> None:
    """Import what commands need, then fork for each connection; ends with the process `owner`."""
    _import_everything()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        server.settimeout(_LOOK_SECONDS)
        print("ready", flush=True)
        while _lives(owner):
            with suppress(TimeoutError):
                connection, _ = server.accept()
                if os.fork() == 0:
                    server.close()
                    _answer(connection)
                    os._exit(0)
                connection.close()
            _reap()
    shutil.rmtree(Path(address).parent)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _import_everything() -> None:
    from my_dagster_project.deploy.workers.preloading import preload, threads
    from my_dagster_project.foundation.settings import load_settings, quiet_libraries

    quiet_libraries()
    # Not `cli`: its consoles take their width from the environment of the command.
    import tests.support.migrations  # noqa: F401

    preload()
    assert threads() == [], threads()
    assert load_settings.cache_info().currsize == 0, (
        "each command would take this folder's settings for its own"
    )
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
    connection.sendall(f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _become(request: dict, out: int, err: int) -> None:
    """Be the command; ends this process with its exit code."""
    os.setsid()
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
    serve(sys.argv[1], int(sys.argv[2]))
