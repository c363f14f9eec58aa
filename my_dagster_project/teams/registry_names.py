"""What names in the registry may be: each becomes part of keys, refs, files or accounts, and a bad one stops everybody."""

import re
from typing import Annotated

from pydantic import AfterValidator

from my_dagster_project.domain.leaderboard import HOUSE_TEAMS
from my_dagster_project.foundation.problems import show
from my_dagster_project.teams.schema import SYMBOL, TEAM_NAME

_BRANCH = re.compile(r"(?!.*(\.\.|//|/\.|\.lock(/|$)|/$|\.$))[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
# What git itself or a clone calls by such a name: main is the organiser's, `refs/heads/red` would be another branch than red.
_NO_BRANCHES = frozenset({"main", "head", "refs", "origin", "heads", "remotes", "tags", "stash", "worktrees"})
# git takes forty of these for the commit they name, and fewer for one where the branch is not there yet.
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_SLOT = re.compile(r"[A-Z][A-Z0-9_]{0,30}")
# What Dagster takes for an owner; of another one it loads nothing, of no team.
_OWNER = re.compile(r"[A-Za-z0-9._+-][A-Za-z0-9._%+-]*@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")
# Prefixes of asset keys, house teams, files of configs/ that are no team's, and accounts with rights of their own (git,
# MLflow, the notifications' slots): a team of that name would be mixed up with them.
RESERVED_TEAMS = frozenset(
    {"market", "competition", "house", "hold", "teams", "defaults", "schema", "organiser", "platform"}
    | set(HOUSE_TEAMS)
)


def _team_name(value: str) -> str:
    if not TEAM_NAME.fullmatch(value):
        raise ValueError("is no team name: a small letter, then up to 15 of a-z, 0-9 and -")
    if value in RESERVED_TEAMS:
        raise ValueError("is a name the platform uses itself; choose another")
    return value


def _branch(value: str) -> str:
    if not _BRANCH.fullmatch(value):
        raise ValueError(f"{show(value)} is no branch name")
    first = value.partition("/")[0]
    if first.lower() in _NO_BRANCHES or first.lower().endswith("_head"):
        raise ValueError(
            f"{show(value)} cannot be a team's branch: {first} is a name of git's or the organiser's own"
        )
    if _COMMIT.fullmatch(value):
        raise ValueError(f"{show(value)} cannot be a team's branch: git could take it for a commit")
    return value


def _slot(value: str) -> str:
    if not _SLOT.fullmatch(value):
        raise ValueError(f"{show(value)} is no slot name: capital letters, digits and _, like RED")
    return value


def _owner(value: str) -> str:
    if not _OWNER.fullmatch(value):
        raise ValueError(f"{show(value)} is no mail address, like green@example.org")
    return value


def _symbol(value: str) -> str:
    if not SYMBOL.fullmatch(value):
        raise ValueError(f"{show(value)} is no symbol: capital letters, digits, . and -, like AAPL or BRK.B")
    return value


type TeamName = Annotated[str, AfterValidator(_team_name)]
type BranchName = Annotated[str, AfterValidator(_branch)]
type SlotName = Annotated[str, AfterValidator(_slot)]
type OwnerName = Annotated[str, AfterValidator(_owner)]
type SymbolName = Annotated[str, AfterValidator(_symbol)]
