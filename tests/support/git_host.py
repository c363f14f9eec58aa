"""The stack's own git service, really served: lighttpd and git's http-backend on 127.0.0.1, without the container."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.minio import free_port
from tests.support.waiting import listens, wait_for

PASSWORDS = {
    "organiser": "organisers-word",
    "platform": "platforms-word",
    "red": "reds-own-word",
    "blue": "blues-own-word",
}
PROJECT = Path(__file__).parents[2]


@dataclass
class GitHost:
    """A running service. `log` is what its container would print; `repo` the bare repository it serves."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/teams.git"

    @property
    def repo(self) -> Path:
        return self.folder / "srv" / "teams.git"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def as_user(self, user: str, password: str | None = None) -> str:
        """The address with an account in it, as a person's git remembers it."""
        return self.url.replace("://", f"://{user}:{password or PASSWORDS[user]}@")

    def clone(self, user: str, folder: Path, branch: str | None = None) -> Path:
        """A person's clone."""
        done = run_git(folder.parent, "clone", "-q", self.as_user(user), folder.name)
        assert done.returncode == 0, done.stderr
        if branch:
            assert run_git(folder, "switch", "-q", branch).returncode == 0
        return folder

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=10)


def run_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """git as a person runs it, with this machine's helpers and prompts out of the way."""
    identity = ("-c", "user.name=A Person", "-c", "user.email=person@example.org", "-c", "credential.helper=")
    return subprocess.run(
        ["git", *identity, *arguments],
        cwd=folder,
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
        capture_output=True,
        text=True,
    )


def need_a_web_server() -> None:
    """Skip where lighttpd is not installed."""
    if not (shutil.which("lighttpd") or Path("/usr/sbin/lighttpd").is_file()):
        pytest.skip(
            "lighttpd is not installed (apt-get install lighttpd): the stack's git service cannot be served"
        )


@contextmanager
def git_host(folder: Path, source: Path, port: int = 0, **environment: str) -> Iterator[GitHost]:
    """Serve `folder`, filled from `source` if it is new; on a port that was free unless told."""
    need_a_web_server()
    folder.mkdir(parents=True, exist_ok=True)
    accounts = folder / "GIT_ACCOUNTS"
    accounts.write_text(",".join(f"{user}:{password}" for user, password in PASSWORDS.items()))
    settings = {
        "GIT_ACCOUNTS_FILE": str(accounts),
        "GIT_ROOT": str(folder / "srv"),
        "GIT_RUN": str(folder / "run"),
        "GIT_SOURCE": str(source),
        "GIT_BIND": "127.0.0.1",
        "GIT_PORT": str(port or free_port()),
        "PYTHONPATH": str(PROJECT),
        **environment,
    }
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "my_dagster_project.deploy.git.serve"],
            env={"PATH": os.environ["PATH"], **settings},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    host = GitHost(folder, int(settings["GIT_PORT"]), process)
    try:
        wait_for(lambda: listens(host.port), 10, every=0.05, by=process, log=folder / "log")
        yield host
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
