"""Talks to the remote that people push to: bounded in time, never asking for a password, never telling one."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from my_dagster_project.errors import VersioningError
from my_dagster_project.storage.git_run import ENV, Answer, try_git

_SECONDS = 30.0
_GRACE = (
    2.0  # seconds; on SIGTERM git removes its lock files, which after a SIGKILL would block every later fetch
)
_ATTEMPTS = 5
# What git and receive-pack say when somebody else's push, or our own other process, was quicker.
_LOST_RACE = ("[rejected]", "cannot lock ref", "incorrect old value", "failed to update ref")


class RemoteError(VersioningError):
    """The remote refused or could not be reached; the text names no credentials."""


class RemoteSilentError(RemoteError):
    """The remote did not answer in time; asking it for another branch would take as long again."""


@dataclass(frozen=True)
class Remote:
    """One remote of a repository, by its name in `git remote` or by an address."""

    repo: Path
    name: str

    @property
    def key(self) -> str:
        """Give the folder of its refs: its name; for an address, a name made of it that has no password in it."""
        if re.fullmatch(r"\w[\w.-]*", self.name):
            return self.name
        return f"sync-{hashlib.sha256(without_credentials(self.name).encode()).hexdigest()[:12]}"

    def tracking(self, branch: str) -> str:
        """Give the short name of the local copy of a branch of the remote: origin/red."""
        return f"{self.key}/{branch}"

    def fetch(self, branch: str) -> str | None:
        """Fetch one branch and give its sha; None if the remote has no such branch. Raises RemoteError."""
        target = f"refs/remotes/{self.tracking(branch)}"
        spec = f"+refs/heads/{branch}:{target}"
        answer = self._fetch(spec)
        if answer.ok:
            return try_git(self.repo, "rev-parse", "--verify", f"{target}^{{commit}}").text
        if "couldn't find remote ref" in answer.error:
            return None
        raise RemoteError(f"Could not fetch {branch!r} from {self.shown} into {self.repo}: {_reason(answer)}")

    def push(self, branch: str, sha: str) -> bool:
        """Push a commit as the branch, never by force; False if the remote has moved on. Raises RemoteError."""
        options = ("--porcelain", "--no-follow-tags", "--recurse-submodules=no", "--")
        answer = self._talk("push", *options, self.name, f"{sha}:refs/heads/{branch}")
        if answer.ok:
            return True
        said = answer.text + answer.error
        if any(words in said for words in _LOST_RACE):
            return False
        raise RemoteError(f"Could not push {branch!r} to {self.shown}: {_reason(answer)}")

    @property
    def shown(self) -> str:
        """For people: the name or the address, without credentials."""
        return without_credentials(self.name)

    def _fetch(self, spec: str) -> Answer:
        options = ("--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules")
        for attempt in range(_ATTEMPTS):
            answer = self._talk("fetch", "--quiet", *options, "--", self.name, spec)
            if answer.ok or "cannot lock ref" not in answer.error:
                break
            time.sleep(0.05 * (attempt + 1))  # another process of ours fetches the same branch
        return answer

    def _talk(self, *arguments: str) -> Answer:
        options = ("-c", f"safe.directory={self.repo}", "-c", "core.hooksPath=/dev/null")
        # A session of its own: ssh finds no terminal to ask on, and a time-out ends git's helpers too, which would
        # otherwise keep our pipes open.
        process = subprocess.Popen(
            (*ENV, "git", *options, *arguments),
            cwd=self.repo,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, error = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise RemoteSilentError(f"{self.shown} did not answer within {_SECONDS:.0f} s.") from None
        finally:
            _end(process)
        said = without_credentials(error.decode(errors="replace")).strip()
        return Answer(process.returncode == 0, out, said)


def without_credentials(text: str) -> str:
    """Give a text with `user:password@` cut out of every address in it."""
    return re.sub(r"://[^/\s]*@", "://", text)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.communicate(timeout=_GRACE)
        except subprocess.TimeoutExpired:
            continue


def _reason(answer: Answer) -> str:
    """Give git's own words in one line, without its general advice."""
    porcelain = [line.split("\t")[-1] for line in answer.text.splitlines() if line.startswith("!")]
    spoken = [line for line in answer.error.splitlines() if line.strip() and not line.startswith("hint:")]
    return without_credentials(" ".join([*porcelain, *spoken])) or "git gave no reason"
