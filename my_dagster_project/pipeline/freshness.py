"""What has to be computed: Dagster's own answer, from code versions and data versions, the one Dagit shows.

An asset is fresh when it was made by the code version it has now from the data versions its inputs have now. So a second
run of the main job, or one after an edit of a single team's file, does only what the edit affects.

Dagster leaves one thing out: it never looks from an asset without partitions at all the partitions of an input. So a
report would stay as it is when the predictions under it are new, and the leaderboard when orders are. That is added here.
"""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from my_dagster_project.foundation.adopted import Resolver
from my_dagster_project.foundation.dagster_private import (
    NULL_EVENT_POINTER,
    AssetGraph,
    LoadingContext,
    StaleStatus,
    get_input_event_pointer_tag,
)


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
    """The state of every asset as of now; make a new one after each run."""

    def __init__(self, graph: AssetGraph, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._graph = graph
        self._resolver = Resolver(instance, self._graph, _Loading(instance))

    def is_fresh(self, key: dg.AssetKey, partitions: Iterable[str] = ()) -> bool:
        """Whether the asset (every one of these partitions, if it has partitions) is up to date."""
        if not self._graph.get(key).is_partitioned:
            return self._resolver.get_status(key) == StaleStatus.FRESH and not self._is_behind(key)
        return all(self._resolver.get_status(key, partition) == StaleStatus.FRESH for partition in partitions)

    def is_partitioned(self, key: dg.AssetKey) -> bool:
        """Whether the asset has a partition per session."""
        return self._graph.get(key).is_partitioned

    def exists(self, key: dg.AssetKey) -> bool:
        """Whether an asset without partitions was ever made, up to date or not."""
        return self._resolver.get_status(key) != StaleStatus.MISSING

    def stale(self, keys: Iterable[dg.AssetKey], partitions: list[str]) -> list[dg.AssetKey]:
        """Those of the keys that are missing, out of date, or made from one before them in the order that is."""
        due: list[dg.AssetKey] = []
        for key in keys:
            if not self.is_fresh(key, partitions) or not self._graph.get(key).parent_keys.isdisjoint(due):
                due.append(key)
        return due

    def missing_after_fresh(self, key: dg.AssetKey, partitions: list[str]) -> list[str] | None:
        """The partitions still to do when they are the end of the list and all before them are fresh, else None.

        Sessions are traded in order: an interrupted replay goes on where it stopped, a changed one starts again.
        """
        statuses = [self._resolver.get_status(key, partition) for partition in partitions]
        done = next((n for n, status in enumerate(statuses) if status != StaleStatus.FRESH), len(statuses))
        rest = statuses[done:]
        return partitions[done:] if all(status == StaleStatus.MISSING for status in rest) else None

    def _is_behind(self, key: dg.AssetKey) -> bool:
        """Whether an input with partitions was made since the asset was, or is gone that was there then."""
        made = self._instance.get_latest_materialization_event(key)
        seen = made.tags or {} if made else {}
        for parent in self._graph.get(key).parent_keys:
            if self._graph.get(parent).is_partitioned:
                newest = self._instance.fetch_materializations(parent, limit=1).records
                there = str(newest[0].storage_id) if newest else NULL_EVENT_POINTER
                if seen.get(get_input_event_pointer_tag(parent), NULL_EVENT_POINTER) != there:
                    return True
        return False
