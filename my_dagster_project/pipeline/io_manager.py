"""Between Dagster and the asset store: every output is a few files, every input a table or those files."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from my_dagster_project.foundation.errors import ObjectMissingError, SeasonError
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.retries import explained
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.dvc_format import md5_of
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.storage.names import of_window, without_window
from my_dagster_project.storage.parquet import from_parquet, from_session_files
from my_dagster_project.storage.season import SeasonBook

SUFFIX = ".parquet"


class StoreIOManager(dg.IOManager):
    """Writes an output (a mapping of file name to bytes) as the asset's current objects and notes a version of it.

    Assets of sessions have one file per session, `<session>.parquet` or `.json`; a write adds or replaces only those. An output of
    windows is such a mapping for each window, which is stored as a whole of its own.
    """

    def __init__(self, assets: AssetStore) -> None:
        self._assets = assets

    def handle_output(self, context: dg.OutputContext, obj: Mapping[str, Any]) -> None:
        """Store the files; the pending-version record carries the run and the configuration they came from."""
        if not context.has_asset_key:
            raise TypeError(f"{context.step_key}: only assets are stored; return files from an asset")
        asset = tuple(context.asset_key.path)
        about = (context.run_id, context.definition_metadata or {}, context.output_metadata)
        if not context.has_asset_partitions:
            told = store_files(self._assets, asset, obj, whole=True, record=version_record(*about, []))
        elif chain.of_windows(asset[-1]):
            told = store_partitions(self._assets, asset, obj, about)
        else:
            sessions = sorted(context.asset_partition_keys)
            record = version_record(*about, sessions)
            told = store_files(self._assets, asset, obj, whole=False, record=record)
        context.add_output_metadata(told)

    def load_input(self, context: dg.InputContext) -> Any:
        """A table as a DataFrame (several sessions in one), anything else as a mapping of file name to bytes; of windows each by its key."""
        return explained(lambda: self._load(context))

    def _load(self, context: dg.InputContext) -> Any:
        asset = tuple(context.asset_key.path)
        if not context.has_asset_partitions:
            return as_value(self._assets.read(asset))
        if chain.of_windows(asset[-1]):
            return StoredWindows(self._assets, asset, sorted(context.asset_partition_keys))
        wanted = {f"{key}{SUFFIX}" for key in context.asset_partition_keys}
        names = [name for name in self._assets.names(asset) if name in wanted]
        if not names:
            raise ObjectMissingError(
                f"{'/'.join(asset)}: nothing stored for {_span(sorted(wanted))}; materialize these sessions first"
            )
        return from_session_files(self._assets.read_files(asset, names))


def as_value(files: dict[str, bytes]) -> Any:
    """A single Parquet file as its table, anything else as it is."""
    name, *others = files
    return from_parquet(files[name]) if not others and name.endswith(SUFFIX) else files


class StoredWindows(Mapping[str, Any]):
    """What is stored of each of some windows, read when it is asked for: a hundred windows of training rows are a gigabyte."""

    def __init__(self, assets: AssetStore, asset: Asset, windows: Sequence[str]) -> None:
        self._assets, self._asset, self._windows = assets, asset, windows

    def __getitem__(self, window: str) -> Any:
        if window not in self._windows:
            raise KeyError(window)
        return as_value(self._assets.read(of_window(self._asset, window)))

    def newest_before(self, window: str) -> Any:
        """What is stored of the newest window before this one; raises ObjectMissingError without one."""
        found = [
            name for of, name in map(without_window, self._assets.of(self._asset[0])) if of == self._asset
        ]
        earlier = max((name for name in found if name and name < window), default=None)
        if earlier is None:
            raise ObjectMissingError(f"{'/'.join(self._asset)}: nothing is stored of {window} or before it")
        return as_value(self._assets.read(of_window(self._asset, earlier)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._windows)

    def __len__(self) -> int:
        return len(self._windows)


def store_partitions(
    assets: AssetStore,
    asset: Asset,
    partitions: Mapping[str, Mapping[str, bytes]],
    about: tuple[str, Mapping[str, Any], Mapping[str, Any]],
) -> dict[str, Any]:
    """Store the files of sessions beside the others, those of windows each as a whole; `about` as for `version_record`."""
    told: dict[str, Any] = {}
    for partition, files in partitions.items():
        if chain.of_windows(asset[-1]):
            record = version_record(*about, [])
            told = store_files(assets, of_window(asset, partition), files, whole=True, record=record)
        else:
            record = version_record(*about, [partition])
            told = store_files(assets, asset, files, whole=False, record=record)
    return told


def store_files(
    assets: AssetStore, asset: Asset, files: Mapping[str, bytes], *, whole: bool, record: Mapping[str, str]
) -> dict[str, Any]:
    """Store what an asset consists of, or (not `whole`) files of some of its sessions; give where and what, as metadata.

    Raises dg.Failure for another record of a session that a season has decided, however it came to be made again.
    """
    if not whole and any(row.decided for row in chain.STAGES if row.noun == asset[-1]):
        explained(lambda: _require_unlived(assets, asset, files))
    written = explained(lambda: assets.write(asset, files, replace=whole, record=record))
    return {
        "md5": written.md5,
        "size": dg.MetadataValue.int(written.size),
        "objects": f"{assets.store.url}/{'/'.join(asset)}/",
    }


def _require_unlived(assets: AssetStore, asset: Asset, files: Mapping[str, bytes]) -> None:
    """Raise SeasonError where a season has these sessions with other contents; the same again is what a killed run left."""
    if SeasonBook(assets.store).read() is None:
        return
    for name, data in files.items():
        there = assets.content(asset, name)
        if there is not None and there.md5 != md5_of(data):
            raise SeasonError(
                f"{'/'.join(asset)}/{name} was decided in the season and is written once: what was made now is another, and "
                "is not stored"
            )


def version_record(
    run_id: str, definition: Mapping[str, Any], output: Mapping[str, Any], sessions: list[str]
) -> dict[str, str]:
    """What the commit says of a version: run, configuration, sessions (ascending), and those of the output's metadata that are figures."""
    record = {"run_id": run_id}
    if "config_sha" in definition:
        record["config_sha"] = str(definition["config_sha"])
    for name in _figures() & set(output):
        value = output[name]
        record[name] = f"{getattr(value, 'value', value):.4g}"
    if sessions:
        record["sessions"] = _span(sessions)
    return record


def _figures() -> set[str]:
    """Output metadata that goes into the commit, so that a branch's history can be read without Dagster."""
    return {figure for row in chain.STAGES for figure in row.figures}


def _span(keys: list[str]) -> str:
    first, last = (name.removesuffix(SUFFIX) for name in (keys[0], keys[-1]))
    return first if first == last else f"{first}..{last}"
