"""The front door: every team's YAML as one Dagster code location."""

import warnings

import dagster as dg

from my_dagster_project.assets.assembly import all_assets
from my_dagster_project.automation.jobs import all_jobs
from my_dagster_project.automation.progress import progress_logger
from my_dagster_project.automation.schedules import schedules
from my_dagster_project.automation.sensors import versions_sensor
from my_dagster_project.resources import all_resources
from my_dagster_project.settings import Settings, load_settings
from my_dagster_project.teams.platform import Platform, load_platform


@dg.definitions
def trading() -> dg.Definitions:
    """What `dagster dev` and every worker load; nothing heavy is imported and nothing is fetched here."""
    settings = load_settings()
    return build_definitions(load_platform(settings.configs), settings)


def build_definitions(platform: Platform, settings: Settings) -> dg.Definitions:
    """The assets, jobs, schedules and sensors of a platform."""
    # One line per partitioned asset otherwise: backfill_policy is called beta since 2023.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    assets, partitions = all_assets(platform)
    return dg.Definitions(
        assets=assets,
        jobs=all_jobs(platform, partitions),
        schedules=schedules(platform),
        sensors=[versions_sensor(platform, settings)],
        resources=all_resources(platform, settings),
        loggers={"progress": progress_logger},
        # Spawning a process per step costs 4 s, 38 s with Ludwig (research/dagster.md 2g).
        executor=dg.in_process_executor,
    )
