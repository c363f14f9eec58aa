"""Forgets old runs in Dagster, never what is current: Dagster itself purges ticks only, its event log grows for ever.

`instance.delete_run` takes the run's materializations along, and a session whose materialization is gone counts as never
made: Dagit would show holes and `make run` would trade the round anew. So runs that hold the latest result of an asset or of
one of its sessions stay, without the log lines and step events that are nine tenths of them; all other old runs go.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import batched

import dagster as dg
from sqlalchemy import ColumnElement, and_, func, not_, or_, select

from my_dagster_project.foundation.dagster_private import (
    FINISHED_STATUSES,
    SqlEventLogStorage,
    SqlEventLogStorageTable,
)

_RESULTS = (dg.DagsterEventType.ASSET_MATERIALIZATION.value, dg.DagsterEventType.ASSET_OBSERVATION.value)
# Bounds the statements' length and how long a transaction keeps others from writing.
_BATCH = 200
_events = SqlEventLogStorageTable.c


@dataclass(frozen=True)
class Forgotten:
    """Runs deleted whole, runs kept for their results, and the lines of those that were deleted (would be, when dry)."""

    runs: int
    stripped: int
    lines: int


def forget_runs(
    instance: dg.DagsterInstance, days: int, *, delete: bool, now: datetime | None = None
) -> Forgotten:
    """Forget what finished runs created more than `days` ago wrote, except the latest result of every asset and session."""
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"{type(storage).__name__} holds no SQL event log")
    before = (now or datetime.now(UTC)) - timedelta(days=days)
    current = _runs_of_current_results(storage)
    old = list(_old_runs(instance, before))
    superseded = [run_id for run_id in old if run_id not in current]
    if delete:
        for run_id in superseded:
            instance.delete_run(run_id)
    kept = [run_id for run_id in old if run_id in current]
    lines = [count for some in batched(kept, _BATCH) for count in _strip(storage, some, delete).values()]
    return Forgotten(len(superseded), len(lines), sum(lines))


def _old_runs(instance: dg.DagsterInstance, before: datetime) -> Iterator[str]:
    filters = dg.RunsFilter(statuses=list(FINISHED_STATUSES), created_before=before)
    cursor = None
    while runs := instance.get_runs(filters, cursor=cursor, limit=_BATCH):
        yield from (run.run_id for run in runs)
        cursor = runs[-1].run_id


def _runs_of_current_results(storage: SqlEventLogStorage) -> set[str]:
    newest = (
        select(func.max(_events.id))
        .where(_events.dagster_event_type.in_(_RESULTS))
        .group_by(_events.dagster_event_type, _events.asset_key, _events.partition)
    )
    with storage.index_connection() as connection:
        return set(connection.execute(select(_events.run_id).where(_events.id.in_(newest))).scalars())


def _strip(storage: SqlEventLogStorage, run_ids: tuple[str, ...], delete: bool) -> dict[str, int]:
    """Delete what is of no asset, no check and not the run's own beginning or end; how many lines by run."""
    chosen = and_(_events.run_id.in_(run_ids), _passing_by())
    counted = select(_events.run_id, func.count()).where(chosen).group_by(_events.run_id)
    with storage.index_connection() as connection:
        counts = {row[0]: row[1] for row in connection.execute(counted)}
        if delete:
            connection.execute(SqlEventLogStorageTable.delete().where(chosen))
    return counts


def _passing_by() -> ColumnElement[bool]:
    kind = _events.dagster_event_type
    of_the_run = or_(kind.like("PIPELINE_%"), kind == dg.DagsterEventType.ASSET_CHECK_EVALUATION.value)
    return and_(_events.asset_key.is_(None), or_(kind.is_(None), not_(of_the_run)))
