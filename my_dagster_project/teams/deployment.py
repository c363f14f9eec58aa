"""The platform as this deployment sees it now: the newest texts, with every team's last valid file as a fallback."""

from my_dagster_project.foundation.settings import Settings
from my_dagster_project.teams.last_good import LastGood
from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.sources import read_sources


def current_platform(settings: Settings) -> Platform:
    """Read the branches (or the working tree, when the settings say so); raises ConfigError for a broken registry.

    Who tries something in the working tree wants that, mistakes included, and not what was last valid on a branch.
    """
    last_good = LastGood(settings.home / "teams") if settings.config_mode == "branches" else None
    return load_platform(read_sources(settings.project, settings.config_mode), last_good)
