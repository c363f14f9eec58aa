"""The platform as this deployment sees it now: the newest texts, with every team's last valid file as a fallback."""

from contextlib import suppress
from dataclasses import replace

from my_dagster_project.foundation.errors import StorageError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.storage.opening import open_store
from my_dagster_project.storage.season import SeasonBook
from my_dagster_project.storage.stored_bars import symbols_with_bars
from my_dagster_project.teams.exchange_clock import LapseClock, RealClock
from my_dagster_project.teams.last_good import LastGood
from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.sources import read_sources


def current_platform(settings: Settings) -> Platform:
    """Read the branches (or the working tree, when the settings say so); raises ConfigError for a broken registry.

    Who tries something in the working tree wants that, mistakes included, and not what was last valid on a branch.
    """
    return on_its_clock(_texts_in_force(settings), settings)


def platform_without_store(settings: Settings) -> Platform:
    """The same for whoever cannot wait for a store that hangs: without the symbols whose bars go on in a season."""
    return _clocked(_texts_in_force(settings), settings)


def on_its_clock(platform: Platform, settings: Settings) -> Platform:
    """The same with the exchange clock that its registry names: the real one, or that of this deployment's lapse.

    A season's also with the symbols whose bars go on.
    """
    if platform.registry.season:
        # Where the store is down, whoever asks for a session's bars is told so then.
        with suppress(StorageError):
            platform = replace(platform, kept=symbols_with_bars(open_store(settings.store_url, settings.s3)))
    return _clocked(platform, settings)


def _texts_in_force(settings: Settings) -> Platform:
    last_good = LastGood(settings.home / "teams") if settings.config_mode == "branches" else None
    return load_platform(read_sources(settings.project, settings.config_mode), last_good)


def _clocked(platform: Platform, settings: Settings) -> Platform:
    if not platform.in_lapse:
        return replace(platform, clock=RealClock())
    start = platform.registry.competition.start
    return replace(platform, clock=LapseClock(season_book(settings), platform.calendar, start))


def season_book(settings: Settings) -> SeasonBook:
    """The season of this deployment's store."""
    return SeasonBook(open_store(settings.store_url, settings.s3))
