"""A range of sessions, or of refit windows, in one run, each of them on record the moment it is done.

One output of a run over a range stamps one version on all its partitions, and is there only when the last one is done: killed
before, it would have made none. So each is stored and reported by itself, with the data version of its own files, and with
the versions of its own inputs, as Dagster notes them of a run of one partition: what is done is up to date, the rest missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import dagster as dg

from my_dagster_project.foundation.dagster_private import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    NULL_EVENT_POINTER,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets.outputs import data_version
from my_dagster_project.pipeline.io_manager import store_partitions
from my_dagster_project.storage.assets import AssetStore

_MOST = 10_000


@dataclass
class PartitionEvents:
    """The sessions or windows (ISO) of a run of one asset; an input has the same partitions, or none."""

    context: dg.AssetExecutionContext
    assets: AssetStore
    partitions: Sequence[str]
    _spec: dg.AssetSpec = field(init=False)
    _read: dict[dg.AssetKey, tuple[str, str | dict[str, str]]] = field(init=False)

    def __post_init__(self) -> None:
        self._spec = self.context.assets_def.get_asset_spec()
        self._read = {dep.asset_key: self._versions(dep.asset_key) for dep in self._spec.deps}

    def stored(
        self, partition: str, files: Mapping[str, bytes], metadata: Mapping[str, Any]
    ) -> dg.AssetMaterialization:
        """Store a partition's files, as the IO manager does, and give the event that says so."""
        about = (self.context.run_id, self._spec.metadata, metadata)
        told = store_partitions(self.assets, tuple(self._spec.key.path), {partition: files}, about)
        return self.materialization(partition, data_version(files), {**metadata, **told})

    def materialization(
        self, partition: str, version: str, metadata: Mapping[str, Any]
    ) -> dg.AssetMaterialization:
        """The event that says that a partition is stored, with the data version it has."""
        tags = self._tags(partition, version)
        return dg.AssetMaterialization(self._spec.key, partition=partition, metadata=metadata, tags=tags)

    def made_alike(self, partition: str) -> bool:
        """Whether the newest of a partition was made by the code and configuration of this run."""
        wanted = dg.AssetRecordsFilter(asset_key=self._spec.key, asset_partitions=[partition])
        records = self.context.instance.fetch_materializations(wanted, limit=1).records
        made = records[0].asset_materialization if records else None
        return made is not None and (made.tags or {}).get(CODE_VERSION_TAG) == str(self._spec.code_version)

    def left(self) -> list[str]:
        """Those that this run, or a failed one that it does over, has not on record yet."""
        run, instance = self.context.run, self.context.instance
        before = {run.run_id, run.parent_run_id, run.root_run_id} - {None}
        failed = {
            one for one in before if (found := instance.get_run_by_id(str(one))) and not found.is_success
        }
        wanted = dg.AssetRecordsFilter(asset_key=self._spec.key, asset_partitions=list(self.partitions))
        records = instance.fetch_materializations(wanted, limit=_MOST).records
        done = {record.partition_key for record in records if record.run_id in failed}
        return [one for one in self.partitions if one not in done]

    def _tags(self, partition: str, version: str) -> dict[str, str]:
        tags = {
            CODE_VERSION_TAG: str(self._spec.code_version),
            DATA_VERSION_TAG: version,
            DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
        }
        for key, (newest, read) in self._read.items():
            tags[get_input_event_pointer_tag(key)] = newest
            tags[get_input_data_version_tag(key)] = (
                read if isinstance(read, str) else read.get(partition, _NONE)
            )
        return tags

    def _versions(self, key: dg.AssetKey) -> tuple[str, str | dict[str, str]]:
        """Give the number of an input's newest event, and the data version that is read: one, or one by partition.

        Of a partitioned input Dagster notes the newest event of any partition, and a hash over those that were read.
        """
        instance, made = self.context.instance, dg.DagsterEventType.ASSET_MATERIALIZATION
        newest = instance.fetch_materializations(key, limit=1).records
        there = str(newest[0].storage_id) if newest else NULL_EVENT_POINTER
        if not (chain.stage(key.path[-1]).sessions or chain.stage(key.path[-1]).windows):
            event = newest[0].asset_materialization if newest else None
            return there, (event.tags or {}).get(DATA_VERSION_TAG, "") if event else ""
        tags = instance.event_log_storage.get_latest_tags_by_partition(
            key, made, [DATA_VERSION_TAG], asset_partitions=list(self.partitions)
        )
        return there, {one: _hashed(told[DATA_VERSION_TAG]) for one, told in tags.items()}


def _hashed(version: str) -> str:
    return sha256(version.encode()).hexdigest()


_NONE = _hashed("")
