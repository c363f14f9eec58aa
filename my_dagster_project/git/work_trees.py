"""Keeps work trees that have a branch checked out in step with commits made behind their back.

Without this `git status` would show our new pointers as staged deletions, and the next `git commit -a` of a person
would revert them.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from my_dagster_project.git.process import run_git, try_git

_ATTEMPTS = 5
_PAUSE = 0.1  # seconds; a person's own git command holds index.lock about that long

_log = logging.getLogger(__name__)


def follow(repo: Path, branch: str, old: str, new: str) -> None:
    """Move every work tree on the branch from old to new. Edits of people survive; where it fails, it is only logged."""
    for tree in _on_branch(repo, branch):
        if not _advance(tree, old, new):
            _log.warning(
                "%s has %s checked out and could not follow the new commit %s. When convenient, run there: "
                "git restore --source=HEAD --staged --worktree assets .dvc",
                *(tree, branch, new[:10]),
            )


def _on_branch(repo: Path, branch: str) -> list[Path]:
    listing = run_git(repo, "worktree", "list", "--porcelain").out.decode(errors="surrogateescape")
    blocks = [block.splitlines() for block in listing.split("\n\n")]
    trees = [
        Path(block[0].removeprefix("worktree ")) for block in blocks if f"branch refs/heads/{branch}" in block
    ]
    return [tree for tree in trees if tree.is_dir()]


def _advance(tree: Path, old: str, new: str) -> bool:
    """Fast-forward index and files. Two-way read-tree touches only paths that differ between old and new."""
    for _ in range(_ATTEMPTS):
        # Refreshing first: a pointer merely touched (same bytes, newer time) would otherwise count as edited.
        try_git(tree, "update-index", "-q", "--refresh")
        answer = try_git(tree, "read-tree", "-m", "-u", old, new)
        if answer.ok:
            return True
        if "index.lock" not in answer.error:
            return False
        time.sleep(_PAUSE)
    return False
