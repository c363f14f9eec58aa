"""The folder behind an asset's pointer: what the branch has, and what pending writes make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError, VersioningError
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.content import ContentStore
from my_dagster_project.storage.dvc_format import DIR_SUFFIX, Pointer, dir_body, dir_md5, parse_dir
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.storage.object_store import check_key
from my_dagster_project.storage.pending import Pending

_MOST_LIST = 16 * 1024 * 1024  # bytes of a `.dir`: 100 000 files


@dataclass(frozen=True)
class Folder:
    """Files of one version: {name: md5}, and their bytes in total (None: an older pointer did not say)."""

    files: Mapping[str, str]
    size: int | None


def committed_folder(pointer: Pointer, contents: ContentStore) -> Folder:
    """Give the folder a pointer stands for; a pointer to a single file is a folder of that one file.

    Raises ObjectMissingError, StorageError or VersioningError when the remote has no such folder.
    """
    is_folder = pointer.md5.endswith(DIR_SUFFIX)
    files = folder_files(pointer.md5, contents) if is_folder else {pointer.path: pointer.md5}
    try:
        for name in files:
            check_key(name)
    except StorageError as error:
        # ../../blue/model is nothing that may be written anywhere.
        raise VersioningError(f"{pointer.md5} of the DVC remote is no folder of ours: {error}") from None
    return Folder(files, pointer.size)


def folder_files(md5: str, contents: ContentStore) -> dict[str, str]:
    """Give {relative path: md5} of a `.dir` in the remote; StorageError or VersioningError when it is missing or none."""
    return parse_dir(contents.get(md5, _MOST_LIST))


def current_folder(assets: AssetStore, asset: Asset) -> Folder:
    """Give the folder that readers of the store see now; empty if the asset was never written."""
    try:
        files = assets.files(asset)
    except ObjectMissingError:
        return Folder({}, 0)
    return Folder({name: content.md5 for name, content in files.items()}, sum(c.size for c in files.values()))


def with_records(folder: Folder, records: list[Pending], contents: ContentStore) -> Folder:
    """Give the folder after these writes, oldest first."""
    return reduce(lambda before, record: _with_record(before, record, contents), records, folder)


def store_folder(folder: Folder, name: str, contents: ContentStore) -> Pointer:
    """Put the folder's `.dir` object into the remote and give the pointer to it."""
    md5 = dir_md5(folder.files)
    contents.put(md5, dir_body(folder.files))
    return Pointer(md5, name, folder.size, len(folder.files))


def _with_record(before: Folder, record: Pending, contents: ContentStore) -> Folder:
    new = {name: content.md5 for name, content in record.files.items()}
    added = sum(content.size for content in record.files.values())
    if record.replace:
        return Folder(new, added)
    # Only overwritten files are asked for their size: a folder of 250 sessions would otherwise cost 250 requests.
    gone = [contents.size(before.files[name]) for name in new if name in before.files]
    size = None if before.size is None else before.size + added - sum(gone)
    return Folder({**before.files, **new}, size)
