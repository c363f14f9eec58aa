"""The current objects of every asset, under readable names, always whole and verified.

An asset is a folder of files: `red/AAPL/model/{model.onnx,...}`, `red/AAPL/predictions/2013-01-02.parquet`. A write goes
through four steps, and a crash between any two of them leaves readers on the old version:

1. the bytes, to the DVC remote under their md5 (never overwrites anything);
2. the readable names (a reader who finds a newer one than the manifest says takes its bytes from the remote);
3. a pending-version record (`history/commits.py` turns it into a commit, after a crash too);
4. the manifest: the switch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError
from my_dagster_project.storage.content import Content, ContentStore, content_of, each
from my_dagster_project.storage.dvc_format import dir_md5, md5_of, parse_dir
from my_dagster_project.storage.kept import Kept
from my_dagster_project.storage.manifests import Asset, Manifests
from my_dagster_project.storage.object_store import ObjectStore, check_key
from my_dagster_project.storage.pending import Pending, PendingVersions, now


@dataclass(frozen=True)
class Written:
    """What one write wrote: the md5 of these files as a folder (DVC's, ending in .dir), bytes in total, how many."""

    md5: str
    size: int
    nfiles: int


class AssetStore:
    """Reads and writes assets by key, e.g. ("red", "AAPL", "model"). Safe to share between threads and processes."""

    def __init__(self, store: ObjectStore, remote: ObjectStore, kept: Kept | None = None) -> None:
        self.store = store
        self._kept = kept or Kept(None)
        self.contents = ContentStore(remote)
        self.pending = PendingVersions(store)
        self._manifests = Manifests(store, self._kept)

    def write(
        self, asset: Asset, files: Mapping[str, bytes], *, replace: bool, record: Mapping[str, str]
    ) -> Written:
        """Make the asset exactly these files (replace=True), or add and update these files (replace=False).

        `record` (run id, configuration sha, metrics, ...) ends up in the commit. StorageError when it failed; readers then
        still have the old version, and the same call may simply be made again.
        """
        _check_asset(asset, files)
        contents = {name: content_of(data) for name, data in files.items()}
        each(lambda name: self.contents.put(contents[name].md5, files[name]), files)
        each(lambda name: self.contents.copy_out(contents[name], self.store, _key(asset, name)), files)
        self.pending.note(Pending(asset, contents, replace, record, now()))
        # Again: a collection that began before the record was there may have taken old unreferenced contents meanwhile.
        each(lambda name: self.contents.put(contents[name].md5, files[name]), files)
        self._switch(asset, contents, replace)
        for data in files.values():
            self._kept.put(data)
        return _written(contents)

    def clear(self, asset: Asset, record: Mapping[str, str]) -> None:
        """Leave the asset without a file, as if it had never been written; its versions keep what it had.

        StorageError when it failed; the same call may simply be made again.
        """
        with suppress(StorageError):  # A damaged manifest is no reason to keep it.
            if not self.names(asset):
                return
        self.pending.note(Pending(asset, {}, True, record, now()))
        self._switch(asset, {}, replace=True)

    def read(self, asset: Asset) -> dict[str, bytes]:
        """Give every file of the asset, of one and the same version; ObjectMissingError if it was never written."""
        files = self.files(asset)
        return dict(zip(files, each(lambda name: self._bytes(asset, name, files[name]), files), strict=True))

    def read_file(self, asset: Asset, name: str) -> bytes:
        """Give one file of the asset; ObjectMissingError if it has no such file."""
        content = self._manifests.file(asset, name)
        if content is None:
            raise self._lacks(asset, name)
        return self._bytes(asset, name, content)

    def read_files(self, asset: Asset, names: Iterable[str]) -> dict[str, bytes]:
        """Give some files of the asset, several at a time; ObjectMissingError if it lacks one of them."""
        wanted = list(names)
        there = self._manifests.some(asset, wanted)
        if lacking := [name for name in wanted if name not in there]:
            raise self._lacks(asset, lacking[0])
        return dict(
            zip(wanted, each(lambda name: self._bytes(asset, name, there[name]), wanted), strict=True)
        )

    def folder(self, md5: str) -> dict[str, bytes]:
        """Give the files of a version by the md5 of its folder, current or not; StorageError or VersioningError when it is gone."""
        files = parse_dir(self.contents.get(md5))
        return dict(zip(files, each(self.contents.get, files.values()), strict=True))

    def of(self, owner: str) -> set[Asset]:
        """Give every asset of an owner (a team, `market`) that was ever written: one listing."""
        return self._manifests.assets(owner)

    def names(self, asset: Asset) -> list[str]:
        """Give the sorted names of the asset's files, [] if it was never written: one listing."""
        return self._manifests.names(asset)

    def added(self, asset: Asset) -> list[str]:
        """Give the sorted names of the files that were added one by one (sessions), not written whole: one listing."""
        return self._manifests.added(asset)

    def content(self, asset: Asset, name: str) -> Content | None:
        """Give md5 and size of one file, None if the asset has no such file."""
        return self._manifests.file(asset, name)

    def files(self, asset: Asset) -> dict[str, Content]:
        """Give md5 and size of every file without reading it; ObjectMissingError if the asset was never written."""
        files = self._manifests.files(asset)
        if not files:
            raise ObjectMissingError(
                f"There is no {'/'.join(asset)} in {self.store.url}; materialize it first."
            )
        return files

    def fingerprint(self, asset: Asset) -> str | None:
        """Give the md5 of the asset as its `.dvc` pointer will hold it, None if it was never written. No file is read."""
        files = self._manifests.files(asset)
        return dir_md5({name: content.md5 for name, content in files.items()}) if files else None

    def _switch(self, asset: Asset, contents: Mapping[str, Content], replace: bool) -> None:
        if not replace:
            self._manifests.add(asset, contents)
            return
        before = self._names_if_readable(asset)
        self._manifests.replace(asset, contents)
        # From here on the write has succeeded; tidying up must not say otherwise.
        with suppress(StorageError):
            each(lambda name: self.store.delete(_key(asset, name)), set(before) - set(contents))
            self._manifests.sweep(asset)

    def _names_if_readable(self, asset: Asset) -> list[str]:
        """Writing an asset anew is the cure for a damaged manifest, so that must not stop it."""
        try:
            return self.names(asset)
        except StorageError:
            return []

    def _bytes(self, asset: Asset, name: str, content: Content) -> bytes:
        """Give the content: kept here, or from its readable copy if that is the one meant, otherwise from the remote."""
        data = self._kept.get(content.md5)
        if data is None:
            data = self._stored(asset, name, content)
            self._kept.put(data)
        return data

    def _stored(self, asset: Asset, name: str, content: Content) -> bytes:
        with suppress(ObjectMissingError):
            data = self.store.get(_key(asset, name))
            if md5_of(data) == content.md5:
                return data
        return self.contents.get(content.md5)

    def _lacks(self, asset: Asset, name: str) -> ObjectMissingError:
        return ObjectMissingError(f"{'/'.join(asset)} has no file {name!r} in {self.store.url}")


def _key(asset: Asset, name: str) -> str:
    return "/".join((*asset, name))


def _check_asset(asset: Asset, files: Mapping[str, bytes]) -> None:
    if len(asset) < 2 or asset[0].startswith(".") or any("/" in part for part in asset):
        raise StorageError(f"{asset!r} is not an asset's key: it must be like ('red', 'AAPL', 'model').")
    if not files:
        raise StorageError(
            f"{'/'.join(asset)} was to be written without a single file; an asset has at least one."
        )
    for name in files:
        check_key(_key(asset, name))


def _written(contents: Mapping[str, Content]) -> Written:
    sizes = [content.size for content in contents.values()]
    return Written(dir_md5({name: content.md5 for name, content in contents.items()}), sum(sizes), len(sizes))
