"""One job per team and purpose, never one per symbol: 500 jobs cost 10 s of every load."""

from collections.abc import Collection

import dagster as dg

from my_dagster_project.foundation.dagster_private import (
    MAX_RETRIES_TAG,
    PRIORITY_TAG,
    UnresolvedAssetJobDefinition,
)
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets.stamp import job_tag, owners_of
from my_dagster_project.pipeline.chain import Job
from my_dagster_project.pipeline.refit_windows import window_partitions
from my_dagster_project.teams.platform import Platform


def all_jobs(
    platform: Platform, partitions: dg.PartitionsDefinition, owners: Collection[str] = ()
) -> list[UnresolvedAssetJobDefinition]:
    """A job for each row of the table that makes assets, of teams one for each; none without a team.

    With `owners` those of these teams, and of the market where it is among them.
    """
    rows = [row for row in chain.JOBS if chain.stages_of(row.purpose)] if platform.teams else []
    return [
        _job(platform, row, team, partitions)
        for row in rows
        for team in (platform.teams if row.of_team else ("",))
        if not owners or (team or chain.owner_of(row)) in owners
    ]


def _job(
    platform: Platform, row: Job, team: str, partitions: dg.PartitionsDefinition
) -> UnresolvedAssetJobDefinition:
    """The tags are what Dagit shows of a job and what a run beside the queue has; in the queue `run_tags` says them anew."""
    of = {"team": team, "config": platform.origin(team)} if team else {"team": chain.owner_of(row)}
    never = {} if row.tried_again else {MAX_RETRIES_TAG: "0"}
    made = dg.AssetSelection.tag(*job_tag(row.purpose))
    return dg.define_asset_job(
        row.of(team),
        selection=made & dg.AssetSelection.tag("team", team) if team else made,
        partitions_def=_partitions(platform, row, team, partitions),
        description=row.says.format(team=team),
        tags={**of, PRIORITY_TAG: str(row.priority), **never},
        owners=owners_of(platform, team),
    )


def _partitions(
    platform: Platform, row: Job, team: str, sessions: dg.PartitionsDefinition
) -> dg.PartitionsDefinition | None:
    if chain.has_windows(row):
        return window_partitions(platform, team)
    return sessions if row.sessions else None
