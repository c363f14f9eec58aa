"""The pre-receive hook of the teams' repository: lets a push in or says why not, in words a team can act on.

git runs it in the bare repository with one `old new ref` a line on stdin; the web server has checked the account and
names it in REMOTE_USER. Whatever is printed here appears behind `remote:` at the person who pushes.
"""

import os
import subprocess
import sys
from collections.abc import Iterable

from my_dagster_project.deploy.git.hook_text import plain
from my_dagster_project.deploy.git.rules import (
    MAIN,
    ORGANISER,
    PLATFORM,
    Branches,
    RegistryError,
    Update,
    refusal,
)
from my_dagster_project.deploy.git.sight import REGISTRY, registered_branches, stolen
from my_dagster_project.deploy.git.sizes import too_large


def main() -> int:
    """Judge a push; 0 lets it in, as a whole or not at all."""
    user = os.environ.get("REMOTE_USER", "")
    if user == ORGANISER:
        return 0
    if not user:
        return _refuse(["push over HTTP with an account; nobody moves branches from inside this container."])
    try:
        branches = registered_branches()
    except RegistryError as error:
        return _refuse([f"{REGISTRY} on {MAIN} cannot be read, so only the organiser can push: {error}"])
    lines = [line for line in sys.stdin if line.strip()]
    # The platform's pushes are not measured: a first one brings the pointers of a whole history.
    return _refuse(
        refusals(user, lines, branches) or ([] if user == PLATFORM else _of_a_team(user, lines, branches))
    )


def _of_a_team(user: str, lines: Iterable[str], branches: Branches) -> list[str]:
    tips = _tips(lines)
    return (stolen(user, tips, branches) if branches.own else []) or too_large(tips)


def refusals(user: str, lines: Iterable[str], branches: Branches) -> list[str]:
    """What is wrong with each of the updates that may not be."""
    updates = [_update(*line.split(" ", 2)) for line in lines]
    return [said for update in updates if (said := refusal(user, update, branches))]


def _update(old: str, new: str, ref: str) -> Update:
    gone = not new.strip("0")
    born = not old.strip("0")
    keeps = born or (not gone and _git("merge-base", "--is-ancestor", old, new).returncode == 0)
    return Update(ref.rstrip("\n"), deletes=gone, keeps_history=keeps)


def _tips(lines: Iterable[str]) -> list[str]:
    return [new for _, new, _ in (line.split(" ", 2) for line in lines) if new.strip("0")]


def _refuse(reasons: list[str]) -> int:
    for reason in reasons:
        print(f"Refused: {plain(reason)}", file=sys.stderr)
    return 1 if reasons else 0


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, errors="replace", check=False)


if __name__ == "__main__":
    sys.exit(main())
