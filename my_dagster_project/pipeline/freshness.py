"""What has to be computed: for what only looks at data Dagster's own answer, from code versions and data versions.

An asset is fresh when it was made by the code version it has now from the data versions its inputs have now. So a second
run of the main job, or one after an edit of a single team's file, does only what the edit affects.

Models, predictions and orders are decisions. They are due when they are missing, or were made by another code version than
the one they and everything above them have now; never because data changed: a bar of 2005 that its source corrected would
remake every prediction and trade the replay again on a reset account, without a word. `revised` lifts that.

Dagster leaves one thing out: it never looks from an asset without partitions at all the partitions of an input. So a
report would stay as it is when the predictions under it are new, and the leaderboard when orders are. That is added here.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from my_dagster_project.foundation.adopted import Resolver
from my_dagster_project.foundation.dagster_private import (
    NULL_EVENT_POINTER,
    AssetGraph,
    LoadingContext,
    StaleStatus,
    get_input_event_pointer_tag,
)
from my_dagster_project.pipeline.assets.keys import is_decision
from my_dagster_project.pipeline.decided_by import Provenance

if TYPE_CHECKING:
    from my_dagster_project.foundation.dagster_private import AssetRecord


class _Loading(LoadingContext):
    """What the resolver needs to read the instance in batches; Dagster has no public one outside its web server."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._loaders: dict[Any, Any] = {}

    @property
    def instance(self) -> dg.DagsterInstance:
        return self._instance

    @property
    def loaders(self) -> dict[Any, Any]:
        return self._loaders


class Freshness:
    """The state of every asset as of now; make a new one after each run.

    With `revised` decisions count as out of date where their data have changed, as everything else does.
    """

    def __init__(self, graph: AssetGraph, instance: dg.DagsterInstance, *, revised: bool = False) -> None:
        self._instance = instance
        self._graph = graph
        self._loading = _Loading(instance)
        self._resolver = Resolver(instance, self._graph, self._loading)
        self._provenance = Provenance(graph, instance)
        self._revised = revised

    def expect(self, keys: Iterable[dg.AssetKey]) -> None:
        """Have the records of these assets and of what they are made from read at once: one by one they were a third of all questions."""
        wanted = set(keys)
        for key in list(wanted):
            wanted |= self._graph.get(key).parent_keys
        _asset_record().prepare(self._loading, wanted)

    def is_fresh(self, key: dg.AssetKey, sessions: Iterable[str] = ()) -> bool:
        """Whether the asset is up to date: where it has partitions, all that are about these sessions."""
        if not self._graph.get(key).is_partitioned:
            return self._status(key) == StaleStatus.FRESH and not self._is_behind(key)
        return not self.stale_partitions(key, self.partitions(key, sessions))

    def partitions(self, key: dg.AssetKey, sessions: Iterable[str]) -> list[str]:
        """The partitions of an asset that has some that are about these sessions: they themselves, or the windows that hold them."""
        return self._provenance.partitions(key, sessions)

    def stale_partitions(self, key: dg.AssetKey, partitions: Sequence[str]) -> list[str]:
        """Those of these partitions that are missing or out of date."""
        self._provenance.prepare(key, partitions)
        return [one for one in partitions if self._status(key, one) != StaleStatus.FRESH]

    def missing_partitions(self, key: dg.AssetKey, partitions: Sequence[str]) -> list[str]:
        """Those of these partitions that were never made."""
        self._provenance.prepare(key, partitions)
        return [one for one in partitions if self._provenance.made(key, one) is None]

    def is_partitioned(self, key: dg.AssetKey) -> bool:
        """Whether the asset has a partition per session, or per refit window."""
        return self._graph.get(key).is_partitioned

    def exists(self, key: dg.AssetKey) -> bool:
        """Whether an asset, or one of its partitions, was ever made, up to date or not."""
        if self._graph.get(key).is_partitioned:
            return bool(self._instance.get_materialized_partitions(key))
        return self._resolver.get_status(key) != StaleStatus.MISSING

    def stale(
        self,
        keys: Iterable[dg.AssetKey],
        sessions: list[str],
        lags: Callable[[dg.AssetKey], bool] = lambda _: False,
    ) -> list[dg.AssetKey]:
        """Those of the keys that are missing, out of date, behind (`lags`), or made from one before them that is."""
        due: list[dg.AssetKey] = []
        keys = list(keys)
        self.expect(keys)
        for key in keys:
            if self.follows(key, due) or not self.is_fresh(key, sessions) or lags(key):
                due.append(key)
        return due

    def follows(self, key: dg.AssetKey, due: Iterable[dg.AssetKey]) -> bool:
        """Whether an asset is due because it is made from one of these that are; what was decided stays."""
        return not self._is_decision(key) and not self._graph.get(key).parent_keys.isdisjoint(due)

    def missing_after_fresh(self, key: dg.AssetKey, partitions: list[str]) -> list[str] | None:
        """The partitions still to do when they are the end of the list and all before them are fresh, else None.

        Sessions are traded in order: an interrupted replay goes on where it stopped, a changed one starts again.
        """
        self._provenance.prepare(key, partitions)
        statuses = [self._status(key, partition) for partition in partitions]
        done = next((n for n, status in enumerate(statuses) if status != StaleStatus.FRESH), len(statuses))
        rest = statuses[done:]
        return partitions[done:] if all(status == StaleStatus.MISSING for status in rest) else None

    def _status(self, key: dg.AssetKey, partition: str | None = None) -> StaleStatus:
        if not self._is_decision(key):
            return self._resolver.get_status(key, partition)
        made = self._provenance.made(key, partition)
        if made is None:
            return StaleStatus.MISSING
        return StaleStatus.FRESH if self._provenance.as_now(key, made, partition) else StaleStatus.STALE

    def _is_decision(self, key: dg.AssetKey) -> bool:
        return not self._revised and is_decision(key)

    def _is_behind(self, key: dg.AssetKey) -> bool:
        """Whether an input with partitions was made since the asset was, or is gone that was there then."""
        if self._is_decision(key):
            return False
        record = _asset_record().blocking_get(self._loading, key)
        made = record.asset_entry.last_materialization if record else None
        seen = made.tags or {} if made else {}
        for parent in self._graph.get(key).parent_keys:
            if self._graph.get(parent).is_partitioned:
                newest = self._instance.fetch_materializations(parent, limit=1).records
                there = str(newest[0].storage_id) if newest else NULL_EVENT_POINTER
                if seen.get(get_input_event_pointer_tag(parent), NULL_EVENT_POINTER) != there:
                    return True
        return False


def _asset_record() -> type["AssetRecord"]:
    from my_dagster_project.foundation.dagster_private import AssetRecord

    return AssetRecord
