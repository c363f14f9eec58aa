"""The front door: every team's YAML as one Dagster code location."""

import gc

import dagster as dg

from my_dagster_project.foundation.redaction import redact_logs
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.pipeline.pinning import pin, pinned_platform
from my_dagster_project.teams.deployment import current_platform


@dg.definitions
def trading() -> dg.Definitions:
    """What `dagster dev` and every worker load; nothing heavy is imported and nothing is fetched here.

    A run's own process loads what the run was created with, even when a branch has moved since (`pinning`).
    """
    settings = load_settings()
    redact_logs()
    # A graph of 20 teams x 50 symbols is millions of objects that all stay: collecting among them took a quarter of the load.
    gc.set_threshold(200_000, 20, 20)
    platform = pinned_platform(settings) or current_platform(settings)
    pin(platform)
    return build_definitions(platform, settings)
