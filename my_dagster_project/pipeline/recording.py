"""The deployment's own answer to where versions are recorded: which branch an owner has, where its bytes lie."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import groupby

from my_dagster_project.foundation.addresses import folder_of
from my_dagster_project.foundation.errors import StorageError, VersioningError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.history.commits import Committed, commit_pending
from my_dagster_project.history.healing import note_commit, note_missing
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.teams.platform import Platform


def record_versions(platform: Platform, settings: Settings, assets: AssetStore) -> list[Committed]:
    """Commit everything pending; raises NotAllCommittedError naming the branches that could not take it.

    A team's branch that has to be made begins with the team's file in force, so that the next run reads what this one did.
    """
    branch_of = platform.registry.branch_of
    _make_good(platform, settings, assets, branch_of)
    made = _make_branches(
        platform, settings, {owner for owner in assets.pending.owners() if owner in platform.teams}
    )
    done = commit_pending(assets, settings.project, branch_of, lambda owner: dvc_address(settings.dvc_url))
    for one in done:
        note_commit(BranchRepo(settings.project), one.branch, one.sha)
    return [replace(one, branch_created=one.branch_created or one.branch in made) for one in done]


def _make_good(
    platform: Platform, settings: Settings, assets: AssetStore, branch_of: Callable[[str], str]
) -> None:
    """What killed processes, other clones and rebases left undone: work trees that are behind, sessions off the heads."""
    git = BranchRepo(settings.project)
    heads, left = git.heads(), git.left_behind()
    owners = sorted([*platform.registry.teams, keys.MARKET, keys.COMPETITION], key=branch_of)
    for branch, those in groupby(owners, key=branch_of):
        # A branch that cannot be read is told with its versions, which cannot be committed either.
        with suppress(StorageError, VersioningError):
            if branch in left:
                git.catch_up(branch)
            if branch in heads:
                note_missing(assets, git, branch, heads[branch], list(those))


def _make_branches(platform: Platform, settings: Settings, teams: set[str]) -> set[str]:
    git, made = BranchRepo(settings.project), set()
    for team in sorted(teams):
        branch, source = platform.registry.teams[team].branch, platform.sources.teams[team]
        # One that cannot be made is told with its versions, which cannot be committed either; the others go on.
        with suppress(VersioningError):
            if git.ensure_branch(branch):
                made.add(branch)
                if source is not None and source.commit is None:
                    git.commit_files(
                        branch, {source.path: source.content}, f"{team}: the file of its first run", {}
                    )
    return made


def dvc_address(url: str) -> str:
    """A store's address as DVC writes it: a plain path for a folder, s3:// as it is."""
    return str(folder_of(url) or url)
