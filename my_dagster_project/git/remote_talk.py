"""Runs the git commands that reach over the network: bounded in time, never asking for a password, never telling one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from my_dagster_project.foundation.errors import PassingError, VersioningError
from my_dagster_project.foundation.git_login import GitLogin
from my_dagster_project.git.process import ENV, HOLD_LITTLE, Answer

_GRACE = (
    2.0  # seconds; on SIGTERM git removes its lock files, which after a SIGKILL would block every later fetch
)
# A host that takes the connection and then sends next to nothing is given up before the time-out of the whole.
_NETWORK = ("-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=10", "-c", "core.hooksPath=/dev/null")
_SSH = "ssh -oBatchMode=yes -oConnectTimeout=10"


class RemoteError(VersioningError):
    """The remote refused or could not be reached; the text names no credentials."""


class RemoteSilentError(RemoteError, PassingError):
    """The remote did not answer; asking it for another branch would take as long again."""


def talk(folder: Path, address: str, login: GitLogin | None, seconds: float, *arguments: str) -> Answer:
    """Run git in a folder against a remote's address and say how it went; RemoteSilentError after so many seconds."""
    # A session of its own: ssh finds no terminal to ask on, and a time-out ends git's helpers too, which would
    # otherwise keep our pipes open.
    process = subprocess.Popen(
        (*ENV, "git", *HOLD_LITTLE, "-c", f"safe.directory={folder}", *_NETWORK, *arguments),
        cwd=folder,
        env=_environment(address, login, os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, error = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise RemoteSilentError(
            f"{without_credentials(address)} did not answer within {seconds:.0f} s."
        ) from None
    finally:
        _end(process)
    said = without_credentials(error.decode(errors="replace")).strip()
    return Answer(process.returncode == 0, out, said)


def without_credentials(text: str) -> str:
    """Give a text with `user:password@` cut out of every address in it."""
    return re.sub(r"://[^/\s]*@", "://", text)


def reason(answer: Answer) -> str:
    """Give git's own words in one line, without its general advice."""
    porcelain = [line.split("\t")[-1] for line in answer.text.splitlines() if line.startswith("!")]
    spoken = [line for line in answer.error.splitlines() if line.strip() and not line.startswith("hint:")]
    return without_credentials(" ".join([*porcelain, *spoken])) or "git gave no reason"


def _environment(address: str, login: GitLogin | None, environ: Mapping[str, str]) -> dict[str, str]:
    known = {"GIT_SSH_COMMAND": _SSH, **environ}
    return {**known, **login.environment(address, environ)} if login else known


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.communicate(timeout=_GRACE)
        except subprocess.TimeoutExpired:
            continue
