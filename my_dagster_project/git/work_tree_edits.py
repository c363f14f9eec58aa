"""Moves a checked-out branch's files on to commits that people made elsewhere, around the edits under way here.

A platform commit touches only pointers; one fetched from a remote may touch the very file somebody is editing. All other
files follow all the same: a work tree left behind as a whole would revert the remote's commits with the next `git commit`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from my_dagster_project.git.fast_import import IDENTITY
from my_dagster_project.git.process import Answer, run_git, try_git
from my_dagster_project.git.rebase import Entry, Written, changes, write_commits

_ATTEMPTS = 5
_PAUSE = 0.1  # seconds; a person's own git command holds index.lock about that long


def tree_of(repo: Path, branch: str) -> Path | None:
    """Give the folder that has the branch checked out, None when there is none."""
    answer = try_git(repo, "for-each-ref", "--format=%(worktreepath)", f"refs/heads/{branch}")
    return Path(answer.text) if answer.text and Path(answer.text).is_dir() else None


@dataclass(frozen=True)
class Followed:
    """Whether a work tree is where its branch is (edits apart), and what a person should know about it, if anything."""

    done: bool = True
    warning: str = ""


def follow_around_edits(repo: Path, branch: str, old: str, new: str) -> Followed:
    """Move the work tree on the branch, if there is one, from commit old to new; edits are kept."""
    tree = tree_of(repo, branch)
    return _WorkTree(tree, old, new).advance() if tree else Followed()


@dataclass(frozen=True)
class _WorkTree:
    """One work tree on its way from one commit of its branch to another."""

    folder: Path
    old: str
    new: str

    def advance(self) -> Followed:
        # Refreshing first: a file merely touched (same bytes, newer time) would otherwise count as edited.
        self._git("update-index", "-q", "--refresh")
        if self._read_tree(self.new).ok:
            return Followed()
        kept = self._edited()
        answer = self._read_tree(self._new_without(kept))
        return Followed(True, self._settle(kept)) if answer.ok else Followed(False, self._stuck(answer))

    def _edited(self) -> list[Entry]:
        """Paths that both the new commit and a person changed, or where an untracked file is in the way."""
        dirty = self._staged() | self._names("diff-files", "--name-only", "-z")
        return [
            entry
            for entry in changes(self.folder, self.old, self.new)
            if entry.path in dirty or (entry.status == "A" and (self.folder / entry.path).exists())
        ]

    def _new_without(self, kept: list[Entry]) -> str:
        """The new commit, except that the edited paths are still the old ones: to that, git can move without harm."""
        back = [
            replace(entry, new=entry.old, status="D" if entry.status == "A" else "M", old=entry.new)
            for entry in kept
        ]
        who = f"{IDENTITY} {int(time.time())} +0000"
        return write_commits(self.folder, self.new, [Written(who, "edited here\n", back)])

    def _settle(self, kept: list[Entry]) -> str:
        """Let the index of edited files know the new commit, unless a person staged something there."""
        paths = sorted({entry.path for entry in kept} - self._staged())
        arguments = ("restore", f"--source={self.new}", "--staged", "--pathspec-from-file=-")
        if paths:
            stdin = "\0".join(paths).encode(errors="surrogateescape")
            run_git(self.folder, "--literal-pathspecs", *arguments, "--pathspec-file-nul", stdin=stdin)
        self._git("update-index", "-q", "--refresh")
        differing = self._names("diff-index", "--name-only", "-z", self.new)
        names = [entry.path for entry in kept if entry.path in differing]
        if not names:
            return ""
        return (
            f"The branch changed {', '.join(names)}, which {self.folder} has uncommitted edits of; they were kept."
            f" Before committing them, bring the change in: git diff HEAD -- {' '.join(map(quote, names))}"
        )

    def _stuck(self, answer: Answer) -> str:
        return (
            f"{self.folder} could not follow to {self.new[:10]} ({' '.join(answer.error.split())}). Finish or abort there"
            " what `git status` shows, without committing; the next synchronisation tries again."
        )

    def _read_tree(self, target: str) -> Answer:
        answer = self._git("read-tree", "-m", "-u", self.old, target)
        for _ in range(_ATTEMPTS):
            if answer.ok or "index.lock" not in answer.error:
                break
            time.sleep(_PAUSE)
            answer = self._git("read-tree", "-m", "-u", self.old, target)
        return answer

    def _staged(self) -> set[str]:
        return self._names("diff-index", "--cached", "--name-only", "-z", "--no-renames", self.old)

    def _names(self, *arguments: str) -> set[str]:
        return set(run_git(self.folder, *arguments).names)

    def _git(self, *arguments: str) -> Answer:
        return try_git(self.folder, *arguments)
