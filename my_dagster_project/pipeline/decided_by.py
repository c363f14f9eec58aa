"""By what something was made: its code version, and those of everything it was made from, as Dagster's records have them.

Dagster keeps with every materialization its code version and, input by input, the number of the materialization it read.
Followed upwards that is how a prediction came about: by which model, trained on which features. Bars are not followed: they
are data, and what a source corrects is no other way of making something.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from my_dagster_project.foundation.adopted import BEFORE_RECIPES
from my_dagster_project.foundation.dagster_private import (
    CODE_VERSION_TAG,
    INPUT_EVENT_POINTER_TAG_PREFIX,
    NULL_EVENT_POINTER,
    AssetGraph,
)
from my_dagster_project.pipeline.assets.keys import is_bars
from my_dagster_project.pipeline.chain import of_windows, stage
from my_dagster_project.pipeline.refit_windows import windows_holding

_PAGE = 1000


class Provenance:
    """How the assets of a graph came about, over one instance; what was read once is not read again."""

    def __init__(self, graph: AssetGraph, instance: dg.DagsterInstance) -> None:
        self._graph, self._instance = graph, instance
        self._newest: dict[tuple[dg.AssetKey, str | None], Mapping[str, str] | None] = {}
        self._judged: dict[str, bool] = {}

    def prepare(self, key: dg.AssetKey, partitions: Iterable[str]) -> None:
        """Read the newest materializations of these partitions at once; one by one 60 of them took 80 ms a symbol."""
        open_ = {one for one in partitions if (key, one) not in self._newest}
        if not open_:
            return
        self._newest |= {(key, one): None for one in open_}
        wanted, cursor, more = (
            dg.AssetRecordsFilter(asset_key=key, asset_partitions=sorted(open_)),
            None,
            True,
        )
        while more and open_:
            page = self._instance.fetch_materializations(wanted, limit=_PAGE, cursor=cursor)
            for record in page.records:
                if (one := str(record.partition_key)) in open_:
                    open_.remove(one)
                    self._newest[key, one] = _tags(record)
            cursor, more = page.cursor, page.has_more

    def partitions(self, key: dg.AssetKey, asked: Iterable[str | None]) -> list[Any]:
        """The partitions of an asset that these of another are about: the same sessions, or the windows that hold them.

        One that has none stands for all of it.
        """
        node = self._graph.get(key)
        if not node.is_partitioned:
            return [None]
        known = [one for one in asked if one is not None]
        if isinstance(node.partitions_def, dg.TimeWindowPartitionsDefinition) and of_windows(key.path[-1]):
            return windows_holding(node.partitions_def, known)
        return known

    def made(self, key: dg.AssetKey, partition: str | None = None) -> Mapping[str, str] | None:
        """What Dagster noted of the newest materialization; None where there is none."""
        if partition is not None:
            self.prepare(key, [partition])
        elif (key, None) not in self._newest:
            records = self._instance.fetch_materializations(key, limit=1).records
            self._newest[key, None] = _tags(records[0]) if records else None
        return self._newest[key, partition]

    def as_now(self, key: dg.AssetKey, made: Mapping[str, str], partition: str | None = None) -> bool:
        """Whether it was made by the code version it has now, from inputs made by those they have now."""
        node = self._graph.get(key)
        if CODE_VERSION_TAG not in made:
            return (
                True  # Reported by hand: nothing is known of how it came about, and Dagster believes it too.
            )
        # Of an asset without a code version Dagster notes the run instead; one of before recipes is adopted.
        before = node.metadata.get(BEFORE_RECIPES)
        known = (node.code_version, None if before is None else str(getattr(before, "value", before)))
        if node.code_version is not None and made[CODE_VERSION_TAG] not in known:
            return False
        read = _pointers(made)
        wanted = {parent for parent in node.parent_keys if not is_bars(parent)}
        if read.keys() != wanted and read.keys() != self._before_it_came(wanted):
            return False  # A symbol that came to the team, or left it.
        return all(self._read_as_now(parent, number, partition) for parent, number in read.items())

    def _before_it_came(self, wanted: set[dg.AssetKey]) -> set[dg.AssetKey]:
        """The same inputs without those that came later, which were read from what stands above them."""
        later = {key for key in wanted if stage(key.path[-1]).came_later}
        above = {parent for key in later for parent in self._graph.get(key).parent_keys}
        return (wanted - later) | {key for key in above if not is_bars(key)}

    def _read_as_now(self, key: dg.AssetKey, number: str, partition: str | None) -> bool:
        if number == NULL_EVENT_POINTER:
            # It was not there then. If it is now, more would go into it than did.
            return all(self.made(key, one) is None for one in self.partitions(key, [partition]))
        if number not in self._judged:
            wanted = dg.AssetRecordsFilter(asset_key=key, storage_ids=[int(number)])
            records = self._instance.fetch_materializations(wanted, limit=1).records
            # Maintenance forgets old runs: what cannot be judged any more stays as it is.
            self._judged[number] = not records or self._of(key, records[0])
        return self._judged[number]

    def _of(self, key: dg.AssetKey, record: dg.EventLogRecord) -> bool:
        return self.as_now(key, _tags(record), record.partition_key)


def _tags(record: dg.EventLogRecord) -> Mapping[str, str]:
    made = record.asset_materialization
    return dict(made.tags or {}) if made else {}


def _pointers(made: Mapping[str, str]) -> dict[dg.AssetKey, str]:
    """By input that is no bars, the number of the materialization that was read."""
    prefix = f"{INPUT_EVENT_POINTER_TAG_PREFIX}/"
    read = {
        dg.AssetKey.from_user_string(name.removeprefix(prefix)): number
        for name, number in made.items()
        if name.startswith(prefix)
    }
    return {key: number for key, number in read.items() if not is_bars(key)}
