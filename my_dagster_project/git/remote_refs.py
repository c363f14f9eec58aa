"""One branch's refs on both sides, and the notes about them that outlive a killed process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from my_dagster_project.git.following import following_ref
from my_dagster_project.git.process import run_git, try_git
from my_dagster_project.git.refs import NOWHERE, commit_at, every_ref, refs_below
from my_dagster_project.git.remote import Remote


def agreements(repo: Path, remote: Remote) -> dict[str, str]:
    """Give by branch the newest commit known to have been on both sides: what the remote had before it is asked again."""
    return refs_below(repo, _agreed(remote, ""))


def settled(repo: Path, remote: Remote, tips: Mapping[str, str]) -> set[str]:
    """Give the branches with nothing to do: here, on the remote (at `tips`) and as noted the same, no work tree behind.

    One git process for all of them; a poll every few seconds of 20 teams would otherwise start 200.
    """
    refs = every_ref(repo, "refs/heads", "refs/trading")
    return {
        branch
        for branch, tip in tips.items()
        if refs.get(f"refs/heads/{branch}") == tip == refs.get(_agreed(remote, branch))
        and following_ref(branch) not in refs
    }


def _agreed(remote: Remote, branch: str) -> str:
    return f"refs/trading/agreed/{remote.key}/{branch}"


@dataclass(frozen=True)
class BranchRefs:
    """A branch here and on a remote. Notes are refs below refs/trading/, so that git gc keeps what they name."""

    repo: Path
    remote: Remote
    branch: str

    def here(self) -> str | None:
        """Give the sha of the local branch, None if there is none."""
        return commit_at(self.repo, f"refs/heads/{self.branch}")

    def move(self, old: str | None, new: str) -> str:
        """Move the local branch by compare-and-swap; git's reason if it could not: mostly, that it is no longer at `old`.

        The same transaction notes from where the work tree has to follow, should we die before it has.
        """
        lines = [f"update refs/heads/{self.branch} {new} {old or NOWHERE}\n"]
        if old and commit_at(self.repo, following_ref(self.branch)) is None:
            lines.append(f"create {following_ref(self.branch)} {old}\n")
        answer = try_git(self.repo, "update-ref", "--stdin", stdin="".join(lines).encode())
        return "" if answer.ok else answer.error or "git gave no reason"

    def agreed(self) -> str | None:
        """Give the newest commit known to have been on both sides, None if there never was one."""
        return commit_at(self.repo, self._agreed)

    def agree(self, sha: str) -> None:
        """Note a commit that both sides have."""
        run_git(self.repo, "update-ref", self._agreed, sha)

    def gone(self, agreed: str | None, there: str) -> set[str]:
        """Give the commits that both sides had at `agreed` and the remote's history, rewritten up to `there`, has no longer."""
        return set(run_git(self.repo, "rev-list", agreed, f"^{there}").text.split()) if agreed else set()

    def contains(self, commit: str, ancestor: str) -> bool:
        """Say whether a commit's history has the other one in it."""
        return try_git(self.repo, "merge-base", "--is-ancestor", ancestor, commit).ok

    @property
    def _agreed(self) -> str:
        return _agreed(self.remote, self.branch)
