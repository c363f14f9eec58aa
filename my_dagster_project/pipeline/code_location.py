"""All of a platform as one Dagster code location, for the front door, the main job and the status page alike."""

import warnings

import dagster as dg

from my_dagster_project.foundation.settings import Settings
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
from my_dagster_project.teams.platform import Platform


def build_definitions(platform: Platform, settings: Settings) -> dg.Definitions:
    """The assets, jobs, schedules and sensors of a platform."""
    # One line per partitioned asset otherwise: backfill_policy is called beta since 2023.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
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
        resources=all_resources(platform, settings).by_name(),
        loggers={"progress": progress_logger},
        # Spawning a process per step costs 4 s, 38 s with Ludwig.
        executor=dg.in_process_executor,
    )
