"""What commands begin with: settings, the platform in force, its store, the team that is named, and who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings, load_settings
from my_dagster_project.foundation.sign_in import person as person

if TYPE_CHECKING:
    from my_dagster_project.storage.assets import AssetStore
    from my_dagster_project.teams.platform import Platform


def read() -> tuple[Settings, Platform]:
    """Give the settings and the platform in force."""
    from my_dagster_project.teams.deployment import current_platform

    settings = load_settings()
    return settings, current_platform(settings)


def assets_of(settings: Settings) -> AssetStore:
    """Open the store of the assets."""
    from my_dagster_project.storage.opening import open_assets

    return open_assets(settings.store_url, settings.dvc_url)


def require_teams(platform: Platform, teams: list[str]) -> None:
    """Raise TradingError where one of these is no team of the registry."""
    known = platform.registry.teams
    if unknown := [team for team in teams if team not in known]:
        raise TradingError(f"there is no team {unknown[0]!r}; teams are {', '.join(known)}")
