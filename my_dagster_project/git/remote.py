"""One remote that people push to: what it has, and fetching and pushing one branch."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from my_dagster_project.foundation.git_login import GitLogin
from my_dagster_project.git.process import Answer, try_git
from my_dagster_project.git.refs import commit_at
from my_dagster_project.git.remote_talk import RemoteError, reason, talk, without_credentials

_SECONDS = 30.0
_ASK_SECONDS = (
    10.0  # for the question what is new, which is put every few seconds and answered in one line a branch
)
_ATTEMPTS = 5
# What git and receive-pack say when somebody else's push, or our own other process, was quicker.
_LOST_RACE = ("[rejected]", "cannot lock ref", "incorrect old value", "failed to update ref")


@dataclass(frozen=True)
class Remote:
    """One remote of a repository, by its name in `git remote` or by an address; with an account for http(s)."""

    repo: Path
    name: str
    login: GitLogin | None = None

    @property
    def key(self) -> str:
        """Give the folder of its refs: its name; for an address, a name made of it that has no password in it."""
        if self._is_name:
            return self.name
        return f"sync-{hashlib.sha256(without_credentials(self.name).encode()).hexdigest()[:12]}"

    def tracking(self, branch: str) -> str:
        """Give the short name of the local copy of a branch of the remote: origin/red."""
        return f"{self.key}/{branch}"

    def tips(self, branches: Iterable[str]) -> dict[str, str]:
        """Ask once for the shas of those of the branches that the remote has. Raises RemoteError."""
        refs = [f"refs/heads/{branch}" for branch in branches]
        answer = self._talk("ls-remote", "--refs", "--", self.name, *refs, seconds=_ASK_SECONDS)
        if not answer.ok:
            raise RemoteError(f"Could not ask {self.shown} from {self.repo}: {reason(answer)}")
        lines = [line.split("\t", 1) for line in answer.text.splitlines() if "\t" in line]
        # ls-remote takes refs/heads/red for the end of a name, so that it also gives refs/x/refs/heads/red.
        return {ref.removeprefix("refs/heads/"): sha for sha, ref in lines if ref in set(refs)}

    def has_fetched(self, branch: str, sha: str) -> bool:
        """Say whether our copy of the remote's branch is at this commit."""
        return self._sha(branch) == sha

    def has_commit(self, sha: str) -> bool:
        """Say whether this commit of the remote's is here."""
        return try_git(self.repo, "cat-file", "-e", f"{sha}^{{commit}}").ok

    def fetch(self, branch: str) -> str | None:
        """Fetch one branch and give its sha; None if the remote has no such branch. Raises RemoteError."""
        answer = self._fetch(f"+refs/heads/{branch}:refs/remotes/{self.tracking(branch)}")
        if answer.ok:
            return self._sha(branch)
        if "couldn't find remote ref" in answer.error:
            return None
        raise RemoteError(f"Could not fetch {branch!r} from {self.shown} into {self.repo}: {reason(answer)}")

    def push(self, branch: str, sha: str) -> bool:
        """Push a commit as the branch, never by force; False if the remote has moved on. Raises RemoteError."""
        options = ("--porcelain", "--no-follow-tags", "--recurse-submodules=no", "--")
        answer = self._talk("push", *options, self.name, f"{sha}:refs/heads/{branch}")
        if answer.ok:
            return True
        said = answer.text + answer.error
        if any(words in said for words in _LOST_RACE):
            return False
        raise RemoteError(f"Could not push {branch!r} to {self.shown}: {reason(answer)}")

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

    def _talk(self, *arguments: str, seconds: float | None = None) -> Answer:
        limit = min(seconds or _SECONDS, _SECONDS)
        return talk(self.repo, self._address(), self.login, limit, *arguments)

    def _address(self) -> str:
        """Where the name leads to; only an account needs to know."""
        if self.login is None or not self._is_name:
            return self.name
        return try_git(self.repo, "remote", "get-url", self.name).text or self.name

    def _sha(self, branch: str) -> str | None:
        return commit_at(self.repo, f"refs/remotes/{self.tracking(branch)}")

    @property
    def _is_name(self) -> bool:
        return bool(re.fullmatch(r"\w[\w.-]*", self.name))
