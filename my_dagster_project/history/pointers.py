"""What a version of a team consists of: its `.dvc` pointers, and the files behind each."""

from __future__ import annotations

from my_dagster_project.foundation.errors import ObjectMissingError, VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.process import bounded_git
from my_dagster_project.history.commits import pointer_path
from my_dagster_project.history.log import asset_of
from my_dagster_project.storage.content import ContentStore
from my_dagster_project.storage.dvc_format import MOST_POINTER, Pointer, parse_pointer
from my_dagster_project.storage.folders import committed_folder
from my_dagster_project.storage.manifests import Asset

_MOST_NAMES = 4 * 1024 * 1024  # bytes of a listing: 80 000 pointers; fifty symbols have two hundred


def owner_pointers(git: BranchRepo, revision: str, owner: str) -> dict[Asset, Pointer]:
    """Give every asset of an owner (red, market) that a branch or commit has; VersioningError for a torn pointer."""
    sha = git.resolve(revision)
    listing = bounded_git(
        git.path, _MOST_NAMES, "ls-tree", "-r", "-z", "--name-only", sha, "--", f"assets/{owner}/"
    )
    paths = {
        path: asset for path in listing.decode(errors="replace").split("\0") if (asset := asset_of(path))
    }
    texts = git.read_files(sha, [path for path in paths if "\n" not in path], MOST_POINTER)
    return {paths[path]: parse_pointer(text, f"{sha[:10]}:{path}") for path, text in texts.items()}


def version_files(contents: ContentStore, asset: Asset, pointer: Pointer) -> dict[str, str]:
    """Give {name: md5} of the files behind a pointer; VersioningError when the remote has no such folder any more."""
    try:
        return dict(committed_folder(pointer, contents).files)
    except ObjectMissingError:
        raise VersioningError(
            f"{pointer_path(asset)} names {pointer.md5}, which is not in the DVC remote {contents.remote.url}. "
            "If a clone has pulled this version, run `dvc push` there."
        ) from None
