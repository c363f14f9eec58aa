"""What has to be computed: Dagster's own answer, from code versions and data versions, the one Dagit shows.

An asset is fresh when it was made by the code version it has now from the data versions its inputs have now. So a second
run of the main job, or one after an edit of a single team's file, does only what the edit affects.
"""

from collections.abc import Iterable
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContext


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

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self._graph = definitions.resolve_asset_graph()
        self._resolver = CachingStaleStatusResolver(instance, self._graph, _Loading(instance))

    def is_fresh(self, key: dg.AssetKey, partitions: Iterable[str] = ()) -> bool:
        """Whether the asset (every one of these partitions, if it has partitions) is up to date."""
        if not self._graph.get(key).is_partitioned:
            return self._resolver.get_status(key) == StaleStatus.FRESH
        return all(self._resolver.get_status(key, partition) == StaleStatus.FRESH for partition in partitions)

    def stale(self, keys: Iterable[dg.AssetKey], partitions: list[str]) -> list[dg.AssetKey]:
        """Those of the keys that are missing or out of date, in the given order."""
        return [key for key in keys if not self.is_fresh(key, partitions)]

    def missing_after_fresh(self, key: dg.AssetKey, partitions: list[str]) -> list[str] | None:
        """The partitions still to do when they are the end of the list and all before them are fresh, else None.

        Sessions are traded in order: an interrupted replay goes on where it stopped, a changed one starts again.
        """
        statuses = [self._resolver.get_status(key, partition) for partition in partitions]
        done = next((n for n, status in enumerate(statuses) if status != StaleStatus.FRESH), len(statuses))
        rest = statuses[done:]
        return partitions[done:] if all(status == StaleStatus.MISSING for status in rest) else None
