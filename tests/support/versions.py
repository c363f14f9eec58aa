"""What a branch or commit has of an asset, as a person who pulls it finds it."""

from pathlib import Path

from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.history.commits import pointer_path
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.content import each
from my_dagster_project.storage.dvc_format import MOST_POINTER, parse_pointer
from my_dagster_project.storage.folders import committed_folder
from my_dagster_project.storage.manifests import Asset


def read_version(assets: AssetStore, repo: Path, revision: str, asset: Asset) -> dict[str, bytes]:
    """Its files, verified."""
    path = pointer_path(asset)
    text = BranchRepo(repo).read_file(revision, path, MOST_POINTER)
    if text is None:
        raise VersioningError(f"{revision} has no version of {'/'.join(asset)}: no {path} there.")
    files = committed_folder(parse_pointer(text, f"{revision}:{path}"), assets.contents).files
    return dict(zip(files, each(assets.contents.get, files.values()), strict=True))
