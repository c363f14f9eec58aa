"""Lets the work tree of a branch follow commits made behind its back, also those of a process that was killed halfway.

Without this `git status` would show our new pointers as staged deletions, and the next `git commit -a` of a person
would revert them. So before a branch moves, a ref notes where its work tree is; whoever comes next brings it along.
"""

from __future__ import annotations

from pathlib import Path

from my_dagster_project.git.process import try_git
from my_dagster_project.git.refs import commit_at
from my_dagster_project.git.work_tree_edits import follow_around_edits, tree_of


def following_ref(branch: str) -> str:
    """Give the ref that notes at which commit the branch's work tree was left."""
    return f"refs/trading/following/{branch}"


def note_work_tree(repo: Path, branch: str, at: str) -> None:
    """Note that the work tree on the branch, if there is one, is at this commit; an older note stays, it is the true one."""
    if tree_of(repo, branch):
        try_git(repo, "update-ref", "--stdin", stdin=f"create {following_ref(branch)} {at}\n".encode())


def catch_up(repo: Path, branch: str) -> str:
    """Bring the work tree from where it was left to where the branch is; says what a person should know, '' mostly."""
    old, new = commit_at(repo, following_ref(branch)), commit_at(repo, f"refs/heads/{branch}")
    if old is None or new is None:
        return ""
    followed = follow_around_edits(repo, branch, old, new)
    if followed.done:
        forget(repo, branch, old)
    return followed.warning


def forget(repo: Path, branch: str, old: str) -> None:
    """Take back the note that the work tree was left at `old`."""
    try_git(repo, "update-ref", "-d", following_ref(branch), old)
