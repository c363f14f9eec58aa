"""The front door: every team's YAML as one Dagster code location."""

import gc
import warnings

import dagster as dg

from my_dagster_project.assets.assembly import all_assets
from my_dagster_project.assets.team_file import team_file_checks
from my_dagster_project.automation.halting import halt_jobs
from my_dagster_project.automation.jobs import all_jobs
from my_dagster_project.automation.maintenance import collection_sensor, maintenance_job
from my_dagster_project.automation.pinning import pin, pinned_platform
from my_dagster_project.automation.progress import progress_logger
from my_dagster_project.automation.schedules import schedules
from my_dagster_project.automation.sensors import team_files_sensor, versions_sensor
from my_dagster_project.notifications.sensor import notifications_sensor
from my_dagster_project.redaction import redact_logs
from my_dagster_project.resources import all_resources
from my_dagster_project.settings import Settings, load_settings
from my_dagster_project.teams.deployment import current_platform
from my_dagster_project.teams.platform import Platform


@dg.definitions
def trading() -> dg.Definitions:
    """What `dagster dev` and every worker load; nothing heavy is imported and nothing is fetched here.

    A run's own process loads what the run was created with, even when a branch has moved since (`pinning`).
    """
    settings = load_settings()
    redact_logs()
    # A graph of 20 teams x 50 symbols is millions of objects that all stay: collecting among them took a quarter of the load.
    gc.set_threshold(200_000, 20, 20)
    platform = pinned_platform() or current_platform(settings)
    pin(platform)
    return build_definitions(platform, settings)


def build_definitions(platform: Platform, settings: Settings) -> dg.Definitions:
    """The assets, jobs, schedules and sensors of a platform."""
    # One line per partitioned asset otherwise: backfill_policy is called beta since 2023.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    assets, partitions = all_assets(platform)
    jobs = all_jobs(platform, partitions)
    upkeep = maintenance_job(platform, settings)
    return dg.Definitions(
        assets=assets,
        jobs=[*jobs, *halt_jobs(platform), upkeep],
        schedules=schedules(platform, settings),
        asset_checks=team_file_checks(platform, settings),
        sensors=[
            versions_sensor(platform, settings),
            team_files_sensor(platform, settings, jobs),
            notifications_sensor(platform, settings),
            collection_sensor(platform, settings, upkeep),
        ],
        resources=all_resources(platform, settings),
        loggers={"progress": progress_logger},
        # Spawning a process per step costs 4 s, 38 s with Ludwig (research/dagster.md 2g).
        executor=dg.in_process_executor,
    )
