"""A branch that the platform's own clone follows and never pushes: main, with the registry and the defaults in its files."""

from __future__ import annotations

from shlex import quote

from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.process import run_git, try_git
from my_dagster_project.git.remote_plan import Look, Plan
from my_dagster_project.git.remote_refs import BranchRefs


def plan_following(refs: BranchRefs, here: str | None, look: Look) -> Plan:
    """Plan for a followed branch at commit `here` on this side and as found on the remote: fast-forward or nothing."""
    there = look.there
    if there is None:
        return Plan(
            "no such branch",
            here,
            warning=f"There is no branch {refs.branch!r} on {refs.remote.shown}; push it there. Until then the one here counts.",
        )
    if here is None or refs.contains(there, here):
        return Plan("nothing" if here == there else "fast-forward", there)
    return Plan("conflict", here, warning=_diverged(refs, here))


def unlike_branch(git: BranchRepo, branch: str) -> str:
    """Say why the files of this clone are not the branch's, and what to do; '' when they are."""
    there, folder = git.checked_out(), quote(str(git.path))
    if there != branch:
        return (
            f"{git.path} is to follow {branch!r} with its files but has {there or 'no branch'} checked out."
            f" Do: git -C {folder} switch {quote(branch)}"
        )
    # A file merely touched is not edited; untracked ones are in nobody's way.
    try_git(git.path, "update-index", "-q", "--refresh")
    edited = run_git(git.path, "diff-index", "--name-only", "-z", "HEAD").names
    if not edited:
        return ""
    rest = f" and {len(edited) - 3} more" if edited[3:] else ""
    return (
        f"{git.path} is the platform's own clone, yet somebody edited {', '.join(edited[:3])}{rest} there, and that is"
        f" what counts now. Push the change to {branch!r} from a clone of yours, then put it aside here:"
        f" git -C {folder} stash"
    )


def _diverged(refs: BranchRefs, here: str) -> str:
    folder, theirs = quote(str(refs.repo)), quote(refs.remote.tracking(refs.branch))
    return (
        f"Branch {refs.branch!r} of {refs.repo} is at {here[:10]}, which is not in the remote's history: somebody committed"
        f" here, or rewrote it there. Nothing was changed; what is here counts. To take the remote's, and keep what is here"
        f" under a name of its own: git -C {folder} branch {quote(f'{refs.branch}-{here[:10]}')}"
        f" && git -C {folder} reset --keep {theirs}"
    )
