"""What every run is tagged with: derived from the assets it will execute, however it was launched and whatever it was told.

A job's tags reach only the runs of that job: what is materialized from an asset's page, or by an asset backfill, is a run of
Dagster's own `__ASSET_JOB` without any (dagster 33430), and a backfill accepts the tags of whoever asks for it.
"""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date

import dagster as dg

from my_dagster_project.foundation.dagster_private import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    MAX_RETRIES_TAG,
    PARTITION_NAME_TAG,
    PRIORITY_TAG,
    RETRY_ON_ASSET_OR_OP_FAILURE_TAG,
)
from my_dagster_project.foundation.run_at_work import TEAM_TAG
from my_dagster_project.pipeline.chain import Job, decisive, maker
from my_dagster_project.storage.names import COMPETITION, MARKET

CONFIG_TAG = "config"
USER_TAG = "user"
"""Who launched a run, as Dagster's own backfills call it; Dagit shows it."""
ONE_AT_A_TIME = "one run at a time"
"""The value of the tag `team/red` of a run that red's other runs wait for."""
_LIMITED = "team/"
TRAINED, CPU_SECONDS = "trained/", "cpu_seconds/"
"""With a team behind them: what a training notes on its run. A run begins without them, whoever or whatever it repeats."""
_NOBODY = "not of this run"

REPLACED_BY = "replaced_by"
"""Of a training that was taken out of the queue: the newer run that makes all of it."""

FIRST_OF_ALL = 1_000_000
"""The priority of what waits for nobody: the kill switch."""
_FAR = date(2100, 1, 1)


def derived_tags(
    assets: AbstractSet[dg.AssetKey], told: Mapping[str, str], origin: Callable[[str], str | None]
) -> dict[str, str]:
    """The tags of a run that executes these assets and was created with the tags `told`; they replace what it was told.

    `origin` says which commit a team's file in force is of. Orders are never tried again by the daemon.
    """
    owners = sorted({key.path[0] for key in assets})
    forged = {tag: _NOBODY for tag in told if tag.startswith((_LIMITED, TRAINED, CPU_SECONDS))}
    limited = dict.fromkeys(map(limit_tag, owners), ONE_AT_A_TIME)
    if not owners:
        return forged
    origins = [origin(owner) or "unknown" for owner in owners if owner not in (MARKET, COMPETITION)]
    like = decisive(key.path[-1] for key in assets)
    tags = {**forged, **limited, TEAM_TAG: ", ".join(owners), PRIORITY_TAG: str(_priority(like, told))}
    if origins:
        tags[CONFIG_TAG] = ", ".join(dict.fromkeys(origins))
    if like and not like.tried_again:
        tags |= {MAX_RETRIES_TAG: "0", RETRY_ON_ASSET_OR_OP_FAILURE_TAG: "false"}
    return tags


def limit_tag(team: str) -> str:
    """The tag by which the queue lets one run of a team wait for another: a run of several teams has one for each."""
    return _LIMITED + team


def order_priority(session: date | None) -> int:
    """Orders of an earlier session go first: an account's clock only goes forward, in whatever order they were asked for."""
    return maker("orders").priority + ((_FAR - session).days if session else 0)


def _priority(like: Job | None, told: Mapping[str, str]) -> int:
    if like is None:
        return 0
    return order_priority(_session(told)) if like.one_by_one else like.priority


def asked_of(told: Mapping[str, str]) -> tuple[str, str]:
    """The first and the last partition that a run with these tags is about, '' where it is about none."""
    one = told.get(PARTITION_NAME_TAG, "")
    ends = (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)
    first, last = (told.get(end) or one for end in ends)
    return first, last


def _session(told: Mapping[str, str]) -> date | None:
    text, _ = asked_of(told)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:  # No session of ours; the run fails by itself and says so.
        return None
