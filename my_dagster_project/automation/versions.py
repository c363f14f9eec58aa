"""The deployment's own answer to where versions are recorded: which branch an owner has, where its bytes lie."""

from urllib.parse import unquote, urlsplit

from my_dagster_project.settings import Settings
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.versions import Committed, commit_pending
from my_dagster_project.teams.platform import Platform


def record_versions(platform: Platform, settings: Settings, assets: AssetStore) -> list[Committed]:
    """Commit everything pending; raises VersioningError naming the branches that could not take it."""
    registry = platform.registry

    def branch_of(owner: str) -> str:
        return registry.teams[owner].branch if owner in registry.teams else registry.platform_branch

    return commit_pending(assets, settings.project, branch_of, lambda owner: dvc_address(settings.dvc_url))


def dvc_address(url: str) -> str:
    """A store's address as DVC writes it: a plain path for a folder, s3:// as it is."""
    parts = urlsplit(url)
    return unquote(parts.path) if parts.scheme == "file" else url
