"""Brings the project's branches and the git remote's together, as often as settings allow."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.remote_sync import Synced, sync_all
from my_dagster_project.teams.registry import Registry
from my_dagster_project.teams.sources import MAIN_BRANCH, read_registry

# A git host that takes 30 s to say nothing is asked every two minutes instead of holding up every tick.
_PATIENCE = 4.0


def sync_branches(registry: Registry, settings: Settings) -> list[str]:
    """Bring the teams' branches and the remote's together; warnings, never errors. Without a remote there is nothing to do.

    In the platform's own clone main comes first; teams it has added since `registry` was read are synced as well.
    """
    if settings.git_remote is None:
        return []
    follow = MAIN_BRANCH if settings.git_follow_main else None
    branches = _branches(registry)
    synced = _sync(settings, branches, follow)
    if follow and synced[0].integrated == "fast-forward":
        added = [branch for branch in _branches(_newest(settings, registry)) if branch not in branches]
        synced += _sync(settings, added, None) if added else []
    return _warnings(synced)


def _sync(settings: Settings, branches: list[str], follow: str | None) -> list[Synced]:
    git, remote = BranchRepo(settings.project), str(settings.git_remote)
    return sync_all(git, remote, branches, login=settings.git_login, follow=follow)


def _newest(settings: Settings, known: Registry) -> Registry:
    try:
        return read_registry(settings.project)
    except ConfigError:
        return known  # whoever loads the graph is told


def _branches(registry: Registry) -> list[str]:
    return [*(entry.branch for entry in registry.teams.values()), registry.platform_branch]


def _warnings(synced: list[Synced]) -> list[str]:
    """One text each: a remote that is away is one trouble, not one for each of 20 teams.

    A branch that is nowhere yet is no trouble: the platform makes it with the first versions it commits there.
    """
    said: dict[str, list[str]] = {}
    for one in synced:
        if one.warning and one.integrated != "nowhere":
            said.setdefault(one.warning, []).append(one.branch)
    return [f"{', '.join(branches)}: {warning}" for warning, branches in said.items()]


@dataclass
class RemotePoll:
    """Asks at most every so many seconds, and less often while the answer takes long."""

    seconds: float
    slack: float = 0.0
    """How much too early counts as in time: half the interval of who asks, or every second turn would be missed."""
    clock: Callable[[], float] = time.monotonic
    _next: float = float("-inf")

    def __call__(self, ask: Callable[[], list[str]]) -> list[str]:
        """What `ask` gives when it is time to ask, else nothing."""
        began = self.clock()
        if began < self._next - self.slack:
            return []
        said = ask()
        took = self.clock() - began
        self._next = began + max(self.seconds, took + took * _PATIENCE if took > self.seconds else 0.0)
        return said
