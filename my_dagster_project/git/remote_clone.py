"""Makes the platform's own clone of the teams' repository; the stack's bootstrap calls it at every start."""

from __future__ import annotations

import shutil
from pathlib import Path

from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.foundation.git_login import GitLogin, split_address
from my_dagster_project.git.process import run_git
from my_dagster_project.git.remote_talk import (
    RemoteError,
    RemoteSilentError,
    reason,
    talk,
    without_credentials,
)

_SECONDS = 600.0  # the whole history, over a slow line
_REFUSED = ("Authentication failed", "could not read Username", "could not read Password")
# git's and curl's words for a host that is not up (yet): worth another try.
_AWAY = ("Could not resolve host", "Failed to connect", "refused", "timed out", "too slow", "error: 50")


def clone_project(address: str, folder: Path, login: GitLogin | None, branch: str = "main") -> str:
    """Clone a remote with `branch` checked out, unless the folder is a clone already; says in one line what was done.

    An existing clone is only pointed at the address: what changed since is the synchronisation's work. A clone that was
    interrupted leaves nothing in `folder`. Raises VersioningError with what to do: no branch main yet, host away, login.
    """
    address, in_address = split_address(address)
    login = login or in_address
    if (folder / ".git").is_dir():
        run_git(folder, "config", "remote.origin.url", address)
        return f"{folder} is there already, a clone of {without_credentials(address)}."
    if folder.exists() and any(folder.iterdir()):
        raise VersioningError(
            f"{folder} is neither empty nor a clone: move away what is in it, then start again."
        )
    new = folder.with_name(f"{folder.name}.cloning")
    shutil.rmtree(new, ignore_errors=True)
    new.parent.mkdir(parents=True, exist_ok=True)
    answer = talk(
        new.parent, address, login, _SECONDS, "clone", "--quiet", "--branch", branch, "--", address, new.name
    )
    if not answer.ok:
        shutil.rmtree(new, ignore_errors=True)
        raise _error(address, branch, reason(answer))
    new.replace(folder)
    return f"{folder} was cloned from {without_credentials(address)}."


def _error(address: str, branch: str, said: str) -> RemoteError:
    shown = without_credentials(address)
    if "Remote branch" in said:
        return RemoteError(
            f"{shown} has no branch {branch!r} yet: push this project's there (git push {shown} HEAD:{branch})."
        )
    if any(words in said for words in _REFUSED):
        return RemoteError(
            f"{shown} did not accept the platform's account; check GIT_USER and GIT_PASSWORD in .env.secrets ({said})"
        )
    kind = RemoteSilentError if any(words in said for words in _AWAY) else RemoteError
    return kind(f"{shown} could not be cloned: {said}")
