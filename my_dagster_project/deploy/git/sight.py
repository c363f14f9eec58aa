"""Which branches an account sees: all, or with `visibility: own` in the registry a team's own, main and the platform's.

git hides refs by settings, which travel in the environment. Its protocol 2 would hand out every object whose name is known,
hidden or not; 0 hands out what can be reached from the refs that are seen.
"""

import os
import subprocess
from collections.abc import Iterable, Mapping, MutableMapping

from my_dagster_project.deploy.git.rules import (
    MAIN,
    ORGANISER,
    PLATFORM,
    Branches,
    RegistryError,
    branches_of,
)

REGISTRY = "configs/teams.yaml"
_EVERYTHING = (ORGANISER, PLATFORM)
_STOLEN = "this push would bring in {0}, a commit of a branch that is not yours to see. Do: make your commits on your own branch."


def registered_branches(repo: str = ".") -> Branches:
    """The branches as main of the repository names them; raises RegistryError when it does not."""
    found = _git("-C", repo, "show", f"refs/heads/{MAIN}:{REGISTRY}")
    if found.returncode:
        raise RegistryError("it is not there")
    return branches_of(found.stdout)


def limit_sight(environ: MutableMapping[str, str]) -> None:
    """Add to a request's environment what hides from its account the branches it may not see."""
    user = environ.get("REMOTE_USER", "")
    if user in _EVERYTHING:
        return
    try:
        branches = registered_branches(f"{environ['GIT_PROJECT_ROOT']}/teams.git")
    except RegistryError:
        # Nobody knows whose anything is.
        branches = Branches({}, own=True)
    if branches.own:
        environ.pop("HTTP_GIT_PROTOCOL", None)
        environ.pop("GIT_PROTOCOL", None)
        environ.update(hiding(user, branches))


def hiding(user: str, branches: Branches) -> Mapping[str, str]:
    """The settings, as git takes them from the environment. (A push keeps what it is told of main and unknown branches.)"""
    fetched = ["refs/", *(f"!{ref}" for ref in branches.seen_by(user))]
    settings = [("uploadpack.hideRefs", ref) for ref in fetched]
    settings += [("receive.hideRefs", ref) for ref in branches.not_seen_by(user)]
    numbered = {
        f"GIT_CONFIG_{what}_{number}": value
        for number, pair in enumerate(settings)
        for what, value in zip(("KEY", "VALUE"), pair, strict=True)
    }
    return {"GIT_CONFIG_COUNT": str(len(settings)), **numbered}


def stolen(user: str, tips: Iterable[str], branches: Branches) -> list[str]:
    """What is wrong with a push that makes visible, by its name alone, a commit the account does not see."""
    there = _git("for-each-ref", "--format=%(refname)").stdout.split()
    seen = [ref for ref in branches.seen_by(user) if ref in there]
    hidden = [ref for ref in there if ref not in seen]
    if not hidden:
        return []
    not_seen = _commits(hidden, seen)
    brought = {commit for tip in tips for commit in _commits([tip], seen)}
    return [_STOLEN.format(commit[:10]) for commit in sorted(brought & not_seen)[:1]]


def _commits(tips: list[str], without: list[str]) -> set[str]:
    return set(_git("rev-list", *tips, "--not", *without).stdout.split())


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, errors="replace", check=False)


def become_backend() -> None:
    """Become git's own program for what the account of this request sees."""
    limit_sight(os.environ)
    os.execv(BACKEND, [BACKEND])  # noqa: S606


BACKEND = "/usr/lib/git-core/git-http-backend"

if __name__ == "__main__":
    become_backend()
