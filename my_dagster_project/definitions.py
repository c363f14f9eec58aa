"""The front door: every team's YAML as one Dagster code location."""

import gc
from functools import lru_cache

import dagster as dg

from my_dagster_project.foundation.redaction import redact_logs
from my_dagster_project.foundation.run_at_work import RunAtWork, run_at_work
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.pipeline.code_location import build_definitions, definitions_of_run
from my_dagster_project.pipeline.pinning import pin, pinned_text, platform_told
from my_dagster_project.teams.deployment import current_platform
from my_dagster_project.teams.platform import Platform


@dg.definitions
def trading() -> dg.Definitions:
    """What `dagster dev` and every worker load; nothing heavy is imported and nothing is fetched here.

    A run's own process loads what the run was created with, even when a branch has moved since (`pinning`), and of that what
    the run is of.
    """
    settings = load_settings()
    redact_logs()
    # A graph of 20 teams x 50 symbols is millions of objects that all stay: collecting among them took a quarter of the load.
    gc.set_threshold(200_000, 20, 20)
    text, run = pinned_text(), run_at_work()
    if text and run:
        platform, definitions = _of_run(text, run)
    else:
        platform = platform_told(text, settings) if text else current_platform(settings)
        definitions = build_definitions(platform, settings)
    pin(platform)
    return definitions


@lru_cache(maxsize=1)
def _of_run(text: str, run: RunAtWork) -> tuple[Platform, dg.Definitions]:
    """Dagster asks twice in the process of a run; all of 20 teams x 4 symbols took a second of CPU each time."""
    settings = load_settings()
    platform = platform_told(text, settings)
    return platform, definitions_of_run(platform, settings, run)
