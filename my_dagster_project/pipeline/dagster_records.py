"""What Dagster's own records say of runs, bars and predictions. Each question is one or a few bounded queries: ticks ask them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import dagster as dg

from my_dagster_project.foundation.dagster_private import (
    NOT_FINISHED_STATUSES,
    RUN_KEY_TAG,
    SCHEDULE_NAME_TAG,
)
from my_dagster_project.pipeline.assets.keys import bars_key, predictions_key
from my_dagster_project.pipeline.partitions import session_of

# The newest run is not always the newest session: somebody may have run an older one again.
_LOOK_BACK = 20


@dataclass(frozen=True)
class Asked:
    """A session a schedule has asked for, and what became of the run."""

    session: date
    run_id: str
    status: str


def schedule_name(job: str) -> str:
    """The schedule of a job; Dagster makes up the same name for one that is given none."""
    return f"{job}_schedule"


def run_key(job: str, session: date) -> str:
    """What a scheduled run is known by."""
    return f"{job}:{session}"


def last_asked(instance: dg.DagsterInstance, job: str) -> Asked | None:
    """The newest session a job's schedule has asked for; None before the first one, or when its runs were all deleted."""
    tags = {SCHEDULE_NAME_TAG: schedule_name(job)}
    runs = instance.get_runs(dg.RunsFilter(job_name=job, tags=tags), limit=_LOOK_BACK)
    asked = [
        Asked(session_of(key.rpartition(":")[2]), run.run_id, run.status.value)
        for run in runs
        if (key := run.tags.get(RUN_KEY_TAG))
    ]
    return max(asked, key=lambda one: one.session, default=None)


def unfinished(instance: dg.DagsterInstance, job: str) -> str | None:
    """The id of a run of the job that is queued or going on."""
    runs = instance.get_runs(dg.RunsFilter(job_name=job, statuses=list(NOT_FINISHED_STATUSES)), limit=1)
    return runs[0].run_id if runs else None


def symbols_with_bars(instance: dg.DagsterInstance, symbols: Iterable[str], session: date) -> list[str]:
    """Those of the symbols whose stored bars reach the session."""
    keys = {bars_key(symbol): symbol for symbol in symbols}
    found = []
    for record in instance.get_asset_records(list(keys)):
        made = record.asset_entry.last_materialization
        bars = made.asset_materialization if made else None
        if bars and str(bars.metadata["last_session"].value) >= session.isoformat():
            found.append(keys[record.asset_entry.asset_key])
    return sorted(found)


def symbols_with_predictions(
    instance: dg.DagsterInstance, team: str, symbols: Iterable[str], session: date
) -> list[str]:
    """Those of the symbols whose predictions of the session are stored; what a blocking check stopped never is."""

    def stored(symbol: str) -> bool:
        wanted = dg.AssetRecordsFilter(
            asset_key=predictions_key(team, symbol), asset_partitions=[session.isoformat()]
        )
        return bool(instance.fetch_materializations(wanted, limit=1).records)

    return [symbol for symbol in symbols if stored(symbol)]
