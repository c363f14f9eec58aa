"""Tells Dagster what a restoration made current, so that Dagit and the next run judge it by what it was made from.

Dagster's resolver (1.13) believes the tags of an asset's newest materialization. Without `dagster/code_version` it knows no
provenance: it compares times only, and a model of another configuration would pass as up to date. So a restored asset
gets the tags of the materialization that once made these very bytes: code version, data versions of its inputs. It is then
up to date exactly when configuration and inputs are what they were; otherwise due, like any other asset.

A materialization counts as the original only when its data version is the md5 of the restored bytes. Where there is none
(another deployment's version, a wiped event log, a pointer somebody wrote by hand) the code version is "unknown": due.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import dagster as dg

from my_dagster_project.history.restore import Restoration, Restored
from my_dagster_project.storage.dvc_format import dir_md5
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.storage.names import without_window

UNKNOWN = "unknown"
DATA_VERSION, CODE_VERSION = "dagster/data_version", "dagster/code_version"
_POINTER = "dagster/input_event_pointer/"
_OURS = (DATA_VERSION, CODE_VERSION, "dagster/input_", "dagster/data_version_is_user_provided")
_PAGE = 1000

type Tags = Mapping[str, str]


@dataclass(frozen=True)
class _Event:
    """A materialization: its number in the event log, and the tags the resolver reads."""

    number: int
    tags: Tags


@dataclass
class _Log:
    """What the event log says of one asset, newest first; by session, or under None for an asset without sessions."""

    newest: dict[str | None, _Event] = field(default_factory=dict)
    writes: dict[tuple[str, str], dict[str | None, _Event]] = field(default_factory=dict)

    def take(self, record: dg.EventLogRecord) -> None:
        """Take in the next older record; one write of an asset is a run id and a data version."""
        made = record.asset_materialization
        tags = {} if made is None else {k: v for k, v in (made.tags or {}).items() if k.startswith(_OURS)}
        event = _Event(record.storage_id, tags)
        self.newest.setdefault(record.partition_key, event)
        if DATA_VERSION in tags and tags.get(CODE_VERSION) not in (None, UNKNOWN):
            write = self.writes.setdefault((record.run_id, tags[DATA_VERSION]), {})
            write.setdefault(record.partition_key, event)

    def originals(self, item: Restored) -> dict[str | None, _Event]:
        """The newest events of writes that made exactly these bytes."""
        found: dict[str | None, _Event] = {}
        for (_, version), made in self.writes.items():
            if version == _data_version(item, set(made)):
                found = {**made, **found}
        return found


def announce(instance: dg.DagsterInstance, restoration: Restoration) -> list[Asset]:
    """Report a materialization of every restored asset and session that Dagster does not know to be current.

    Gives the assets whose origin Dagster does not know, at least in part; they are due. Safe to call again.
    """
    unknown, moved = [], dict[str, tuple[str, str]]()
    for item in restoration.assets:
        log, known = _read(instance, item)
        wanted = _partitions(item)
        for partition in wanted:
            tags = _tags(item, partition, known, moved)
            if partition not in log.newest or log.newest[partition].tags != tags:
                instance.report_runless_asset_event(_materialization(item, restoration.sha, partition, tags))
        if known.keys() < set(wanted):
            unknown.append(item.asset)
        elif not item.later and not without_window(item.asset)[1]:
            number = max(known[partition].number for partition in wanted)
            moved[_POINTER + "/".join(item.asset)] = (str(number), str(_newest(instance, item)))
    return unknown


def _read(instance: dg.DagsterInstance, item: Restored) -> tuple[_Log, dict[str | None, _Event]]:
    """Read the log no further back than needed to know the origin of everything."""
    log, known = _Log(), dict[str | None, _Event]()
    asset, window = without_window(item.asset)
    for page in _pages(instance, dg.AssetKey(asset)):
        for record in page:
            # Each window of an asset was written, and is restored, by itself.
            if not window or record.partition_key == window:
                log.take(record)
        known = log.originals(item)
        if known.keys() >= set(_partitions(item)):
            break
    return log, known


def _pages(instance: dg.DagsterInstance, key: dg.AssetKey) -> Iterator[list[dg.EventLogRecord]]:
    cursor, more = None, True
    while more:
        result = instance.fetch_materializations(key, limit=_PAGE, cursor=cursor)
        cursor, more = result.cursor, result.has_more
        yield list(result.records)


def _newest(instance: dg.DagsterInstance, item: Restored) -> int:
    return instance.fetch_materializations(dg.AssetKey(item.asset), limit=1).records[0].storage_id


def _partitions(item: Restored) -> list[str | None]:
    if item.sessions is not None:
        return [*sorted(item.sessions)]
    return [without_window(item.asset)[1] or None]


def _tags(
    item: Restored,
    partition: str | None,
    known: Mapping[str | None, _Event],
    moved: Mapping[str, tuple[str, str]],
) -> Tags:
    """The original's tags. Where it was made from the newest event of an input as it is restored now, the pointer follows:
    a report counts as behind its predictions (pipeline/freshness.py) when it does not name their newest event."""
    if partition not in known:
        return {DATA_VERSION: _data_version(item, {partition}), CODE_VERSION: UNKNOWN}
    tags = dict(known[partition].tags)
    for name, (before, after) in moved.items():
        if tags.get(name) == before:
            tags[name] = after
    return tags


def _data_version(item: Restored, partitions: set[str | None]) -> str:
    """The data version a write of exactly these sessions had (see pipeline/assets/outputs.py); "" if the version lacks one."""
    if item.sessions is None:
        return item.md5
    names = [item.sessions.get(str(partition)) for partition in partitions]
    return dir_md5({name: item.files[name] for name in names if name}) if all(names) else ""


def _materialization(item: Restored, sha: str, partition: str | None, tags: Tags) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        asset_key=dg.AssetKey(without_window(item.asset)[0]),
        description=f"Restored from version {sha[:10]}.",
        metadata={"restored_from": sha, "md5": item.md5},
        partition=partition,
        tags=dict(tags),
    )
