"""All of a platform as one Dagster code location, for the front door, the main job and the status page alike."""

from typing import Any

import dagster as dg

from my_dagster_project.foundation.run_at_work import RunAtWork
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets.assembly import all_assets
from my_dagster_project.pipeline.assets.team_file import team_file_checks
from my_dagster_project.pipeline.evaluating import evaluation_job
from my_dagster_project.pipeline.halting import halt_jobs
from my_dagster_project.pipeline.jobs import all_jobs
from my_dagster_project.pipeline.killed_trainings import killed_trainings_sensor
from my_dagster_project.pipeline.maintenance import collection_sensor, maintenance_job
from my_dagster_project.pipeline.notification_sensor import notifications_sensor
from my_dagster_project.pipeline.progress import progress_logger
from my_dagster_project.pipeline.resources import all_resources
from my_dagster_project.pipeline.rounds import round_job, rounds_sensor
from my_dagster_project.pipeline.schedules import schedules
from my_dagster_project.pipeline.season_jobs import season_jobs
from my_dagster_project.pipeline.sensors import team_files_sensor, versions_sensor
from my_dagster_project.storage.names import MARKET
from my_dagster_project.teams.platform import Platform

# Dagster's own, of what is launched from the page of an asset.
_ASSET_JOB = "__ASSET_JOB"


def build_definitions(platform: Platform, settings: Settings) -> dg.Definitions:
    """The assets, jobs, schedules and sensors of a platform."""
    assets, partitions = all_assets(platform)
    jobs = all_jobs(platform, partitions)
    upkeep = maintenance_job(platform, settings)
    return dg.Definitions(
        assets=assets,
        jobs=[
            *jobs,
            *halt_jobs(platform),
            round_job(),
            *season_jobs(platform),
            evaluation_job(platform),
            upkeep,
        ],
        schedules=schedules(platform, settings),
        asset_checks=team_file_checks(platform, settings),
        sensors=[
            versions_sensor(platform, settings),
            team_files_sensor(platform, settings, jobs),
            notifications_sensor(platform, settings),
            rounds_sensor(platform, jobs),
            killed_trainings_sensor(settings),
            collection_sensor(platform, settings, upkeep),
        ],
        **_executed(platform, settings),
    )


def definitions_of_run(platform: Platform, settings: Settings, run: RunAtWork) -> dg.Definitions:
    """What the process of a run needs of `build_definitions`: of assets of teams and of bars nobody else's, else all."""
    of_assets = chain.job_named(run.job) or run.job.startswith(_ASSET_JOB)
    if not (of_assets and run.owners and run.owners <= {*platform.teams, MARKET}):
        return build_definitions(platform, settings)
    assets, partitions = all_assets(platform, run.owners)
    return dg.Definitions(
        assets=assets,
        jobs=all_jobs(platform, partitions, run.owners),
        asset_checks=team_file_checks(platform, settings),
        **_executed(platform, settings),
    )


def _executed(platform: Platform, settings: Settings) -> dict[str, Any]:
    return {
        "resources": all_resources(platform, settings).by_name(),
        "loggers": {"progress": progress_logger},
        # Spawning a process per step costs 4 s, 38 s with Ludwig.
        "executor": dg.in_process_executor,
    }
