"""Decides what a branch is to be after its remote was fetched, and tells people what only they can decide."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Literal

from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.rebase import LocalCommit, local_only, write_commits
from my_dagster_project.git.remote_refs import BranchRefs
from my_dagster_project.git.work_tree_edits import tree_of

type Integrated = Literal[
    "nothing", "fast-forward", "rebased", "conflict", "no such branch", "nowhere", "outdated"
]

_UNTOUCHED = "Nothing was integrated or pushed; versions go on being committed here."


@dataclass(frozen=True)
class Plan:
    """What is done, where the local branch is to be (None: nowhere), whether that is pushed, and what to tell people."""

    integrated: Integrated
    head: str | None
    push: bool = False
    warning: str = ""


@dataclass(frozen=True)
class Look:
    """What the remote has (None: no such branch), and what both sides were known to have before it was asked for that.

    The order is the proof: only what the remote had *before* and lacks now was taken away there. Four of 120 concurrent
    synchronisations told people that their history was rewritten, when another process had merely seen a newer push.
    """

    agreed: str | None
    there: str | None


def is_outdated(refs: BranchRefs, look: Look) -> bool:
    """Say whether another process has seen a newer state of the remote meanwhile: nothing can be said from this one."""
    now = refs.agreed()
    return bool(now and look.there and now != look.agreed and not refs.contains(look.there, now))


def plan(refs: BranchRefs, here: str | None, look: Look) -> Plan:
    """Plan for a branch at commit `here` on this side (None: no such branch) and as the look found it on the remote.

    Writes the commits that a rebase needs, but moves nothing.
    """
    there = look.there
    if there is None:
        return _without_remote(refs, here)
    if here is None or refs.contains(there, here):
        return Plan("nothing" if here == there else "fast-forward", there)
    ahead = refs.contains(here, there)
    gone = refs.gone(look.agreed, there)
    if ahead and not gone:
        return Plan("nothing", here, push=True)
    ours = local_only(refs.repo, there, here)
    people = [commit for commit in ours if not commit.is_platforms]
    if removed := [commit for commit in people if commit.sha in gone]:
        return Plan("conflict", here, warning=_removed(refs, removed))
    if ahead:
        return Plan("nothing", here, push=True)
    if people:
        return Plan("conflict", here, warning=_diverged(refs, people))
    head = write_commits(refs.repo, there, [commit.written for commit in ours])
    return Plan("rebased", head, push=head != there)


def _without_remote(refs: BranchRefs, here: str | None) -> Plan:
    if here is None:
        return Plan("nowhere", None, warning=f"There is no branch {refs.branch!r}, here or on the remote.")
    if refs.agreed() is None:
        return Plan("nothing", here, push=True)
    return Plan("no such branch", here, warning=_deleted(refs))


def _deleted(refs: BranchRefs) -> str:
    return (
        f"Branch {refs.branch!r} was deleted on the remote; here it goes on, unpushed."
        f" To have it there again: {_cd(refs.repo)} && {_push(refs)}"
    )


def _diverged(refs: BranchRefs, people: list[LocalCommit]) -> str:
    return (
        f"Branch {refs.branch!r} went on both here and on the remote, and here with commits of people:"
        f" {_named(people)}. {_UNTOUCHED} To put them on top of the remote's: {_rebase(refs)}"
    )


def _removed(refs: BranchRefs, gone: list[LocalCommit]) -> str:
    picks = "|".join(commit.sha[:7] for commit in gone)
    drop = f"GIT_SEQUENCE_EDITOR={quote(f"sed -i -E 's/^pick ({picks})/drop \\1/'")}"
    return (
        f"The history of branch {refs.branch!r} was rewritten on the remote, without commits of people it had before:"
        f" {_named(gone)}. {_UNTOUCHED} To leave them out here too: {_rebase(refs, drop, '--interactive')}"
        f" To bring them back there: {_rebase(refs)} && {_push(refs)}"
    )


def _named(commits: list[LocalCommit]) -> str:
    rest = f" and {len(commits) - 3} more" if commits[3:] else ""
    return ", ".join(commit.shown for commit in commits[:3]) + rest


def _rebase(refs: BranchRefs, *words: str) -> str:
    """The command that puts our commits on the remote's, run where the branch is checked out, if anywhere."""
    environment = [word for word in words if "=" in word]
    options = ["--autostash", *(word for word in words if "=" not in word)]
    onto = quote(refs.remote.tracking(refs.branch))
    tree = tree_of(refs.repo, refs.branch)
    command = " ".join([*environment, "git rebase", *options, onto])
    if tree:
        return f"{_cd(tree)} && {command}"
    back = BranchRepo(refs.repo).checked_out()
    return f"{_cd(refs.repo)} && {command} {quote(refs.branch)}" + (
        f" && git switch {quote(back)}" if back else ""
    )


def _push(refs: BranchRefs) -> str:
    return f"git push {quote(refs.remote.shown)} {quote(refs.branch)}"


def _cd(folder: Path) -> str:
    return f"cd {quote(str(folder))}"
