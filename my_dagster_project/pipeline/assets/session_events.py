"""A range of sessions in one run, each of them on record the moment it is done.

One output of a run over a range stamps one version on all its sessions, and is there only when the last one is done: killed
before, it would have made none. So each session is stored and reported by itself, with the data version of its own files, and
with the versions of its own inputs, as Dagster notes them of a run of one session: what is done is up to date, the rest missing.
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
from my_dagster_project.pipeline.assets.outputs import data_version
from my_dagster_project.pipeline.io_manager import store_files, version_record
from my_dagster_project.storage.assets import AssetStore


@dataclass
class SessionEvents:
    """The sessions (ISO) of a run of one asset whose inputs have a partition for each session too."""

    context: dg.AssetExecutionContext
    assets: AssetStore
    sessions: Sequence[str]
    _spec: dg.AssetSpec = field(init=False)
    _read: dict[dg.AssetKey, tuple[str, Mapping[str, str]]] = field(init=False)

    def __post_init__(self) -> None:
        self._spec = self.context.assets_def.get_asset_spec()
        self._read = {dep.asset_key: self._versions(dep.asset_key) for dep in self._spec.deps}

    def stored(
        self, session: str, files: Mapping[str, bytes], metadata: Mapping[str, Any]
    ) -> dg.AssetMaterialization:
        """Store a session's files, as the IO manager does, and give the event that says so."""
        asset = tuple(self._spec.key.path)
        record = version_record(self.context.run_id, self._spec.metadata, metadata, [session])
        told = store_files(self.assets, asset, files, whole=False, record=record)
        return dg.AssetMaterialization(
            self._spec.key, partition=session, metadata={**metadata, **told}, tags=self._tags(session, files)
        )

    def _tags(self, session: str, files: Mapping[str, bytes]) -> dict[str, str]:
        tags = {
            CODE_VERSION_TAG: str(self._spec.code_version),
            DATA_VERSION_TAG: data_version(files),
            DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
        }
        for key, (newest, versions) in self._read.items():
            # Of a partitioned input Dagster notes the newest event of any partition, and a hash over those that were read.
            tags[get_input_event_pointer_tag(key)] = newest
            tags[get_input_data_version_tag(key)] = sha256(versions.get(session, "").encode()).hexdigest()
        return tags

    def _versions(self, key: dg.AssetKey) -> tuple[str, dict[str, str]]:
        """Give the number of an input's newest event, and by session the data version that is read."""
        instance, made = self.context.instance, dg.DagsterEventType.ASSET_MATERIALIZATION
        newest = instance.fetch_materializations(key, limit=1).records
        tags = instance.event_log_storage.get_latest_tags_by_partition(
            key, made, [DATA_VERSION_TAG], asset_partitions=list(self.sessions)
        )
        there = str(newest[0].storage_id) if newest else NULL_EVENT_POINTER
        return there, {session: told[DATA_VERSION_TAG] for session, told in tags.items()}
