"""Removes contents of the DVC remote that nothing points to any more, and what killed writers have left in both stores.
Dry unless told otherwise.

Two things write while we work: runs (bytes first, then a pending record, then a commit) and people with `dvc push`. What was
written in the last 48 hours is never touched. An older content that a run writes again is found there and not put anew, so
it could vanish between that look and the record: contents are therefore set aside first, everything is marked a second
time, and what has become referenced meanwhile is put back before the rest is deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from my_dagster_project.foundation.errors import ObjectMissingError, VersioningError
from my_dagster_project.history.ages import Aged
from my_dagster_project.history.references import References, git_references
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.content import Content, each
from my_dagster_project.storage.dvc_format import dir_md5, object_key
from my_dagster_project.storage.folders import folder_files
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.storage.object_store import ObjectInfo, ObjectStore

GRACE = timedelta(hours=48)
CONTENTS = "files/md5/"
_ASIDE = ".gc/"
_MANIFESTS = ".manifests/"
_KEY = re.compile(r"files/md5/([0-9a-f]{2})/([0-9a-f]{30}(?:\.dir)?)")
_MOST_ASIDE = 1024**3  # bytes set aside at once: a disk that is full must have room for it
_MOST_OBJECTS = 5000


@dataclass(frozen=True)
class Count:
    """How many objects, and their bytes in total."""

    objects: int = 0
    size: int = 0

    @classmethod
    def of(cls, found: Sequence[Aged | ObjectInfo]) -> Count:
        """The count of these objects."""
        return cls(len(found), sum(one.size for one in found))


@dataclass(frozen=True)
class Collected:
    """What is in the remote: referenced, unreferenced but young (kept), unreferenced for good (deleted, unless dry); and in
    both stores the half-written files of writers that were killed (deleted, unless dry)."""

    referenced: Count
    young: Count
    garbage: Count
    unfinished: Count
    deleted: bool


def collect(
    assets: AssetStore,
    repo: Path,
    listing: Callable[[], list[Aged]],
    *,
    delete: bool = False,
    now: datetime | None = None,
) -> Collected:
    """Find, and with `delete` remove, what no version, pending record or current asset refers to for 48 hours.

    `listing` lists the remote's objects under CONTENTS. VersioningError or StorageError, with nothing removed, when
    the repository or a record is not whole: then nobody can say what is still needed.
    """
    remote = assets.contents.remote
    if delete:
        _put_all_back(remote)
    found = [(one, key[1] + key[2]) for one in listing() if (key := _KEY.fullmatch(one.key))]
    # Marked after listing: whatever is written from here on is young or not on the list.
    marked = mark(assets, repo)
    before = (now or datetime.now(UTC)) - GRACE
    loose = [one for one, md5 in found if md5 not in marked]
    garbage = [one for one in loose if one.modified < before]
    young = [one for one in loose if one.modified >= before]
    referenced = [one for one, md5 in found if md5 in marked]
    if delete:
        garbage = [
            one for some in _batches(garbage) for one in _sweep(remote, some, lambda: mark(assets, repo))
        ]
    unfinished = [one for store in (assets.store, remote) for one in store.unfinished(before, delete=delete)]
    return Collected(
        Count.of(referenced),
        Count.of(young),
        Count.of(garbage),
        Count.of(unfinished),
        delete,
    )


def mark(assets: AssetStore, repo: Path) -> set[str]:
    """Give the md5 of every content something points to. The order matters: a record that is committed and settled
    while we look must be seen before the commit is looked for, not after."""
    md5s = {md5 for files in (*_pending(assets), *_current(assets)) for md5 in _of_folder(files)}
    references = git_references(repo)
    return md5s | references.md5s | _inside_folders(assets, references)


def _pending(assets: AssetStore) -> Iterator[dict[str, Content]]:
    for owner in assets.pending.owners():
        for record in assets.pending.of(owner):
            yield dict(record.files)


def _current(assets: AssetStore) -> list[dict[str, Content]]:
    keys = [info.key for info in assets.store.list(_MANIFESTS)]
    return each(lambda asset: _files(assets, asset), {_asset_of(key) for key in keys})


def _files(assets: AssetStore, asset: Asset) -> dict[str, Content]:
    with suppress(ObjectMissingError):
        return assets.files(asset)
    return {}


def _asset_of(key: str) -> Asset:
    parts = key.removeprefix(_MANIFESTS).split("/")
    end = parts.index("added", 2) if "added" in parts[2:] else len(parts) - 1
    return tuple(parts[:end])


def _of_folder(files: dict[str, Content]) -> set[str]:
    """The files, and the folder they are: its .dir is in the remote before the commit that names it."""
    md5s = {name: content.md5 for name, content in files.items()}
    return {*md5s.values(), dir_md5(md5s)}


def _inside_folders(assets: AssetStore, references: References) -> set[str]:
    def inside(folder: str) -> list[str]:
        try:
            return list(folder_files(folder, assets.contents).values())
        except ObjectMissingError:
            raise VersioningError(
                f"{object_key(folder)} is missing from {assets.contents.remote.url}, so nobody can say which files "
                f"the version needs that names it ({references.folders[folder]}). Run `dvc push` in a clone that has "
                "pulled it, then try again."
            ) from None

    return {md5 for files in each(inside, references.folders) for md5 in files}


def _batches(found: list[Aged]) -> Iterator[list[Aged]]:
    batch: list[Aged] = []
    size = 0
    for one in found:
        if batch and (size + one.size > _MOST_ASIDE or len(batch) >= _MOST_OBJECTS):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.size
    if batch:
        yield batch


def _sweep(remote: ObjectStore, found: list[Aged], mark_again: Callable[[], set[str]]) -> list[Aged]:
    """Set aside, look again, put back what is needed after all, delete the rest; gives what was deleted."""

    def set_aside(one: Aged) -> None:
        remote.copy_to(one.key, remote, _ASIDE + one.key)
        remote.delete(one.key)

    try:
        each(set_aside, found)
        marked = mark_again()
    except BaseException:
        _put_all_back(remote)
        raise
    rest = [one for one in found if one.key.removeprefix(CONTENTS).replace("/", "") not in marked]
    each(lambda one: remote.delete(_ASIDE + one.key), rest)
    _put_all_back(remote)
    return rest


def _put_all_back(remote: ObjectStore) -> None:
    """What a collection that was killed has left aside belongs back: nobody has looked again whether it is needed."""

    def put_back(key: str) -> None:
        with suppress(ObjectMissingError):  # another collection was quicker
            if not remote.exists(key.removeprefix(_ASIDE)):
                remote.copy_to(key, remote, key.removeprefix(_ASIDE))
            remote.delete(key)

    each(put_back, [info.key for info in remote.list(_ASIDE)])
