"""Whom an address is about: the one place where the team in a path is looked up, for its page, its downloads and its reports."""

import threading
import time

from my_dagster_project.domain.leaderboard import HOUSE_TEAMS
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.teams.deployment import current_platform
from my_dagster_project.teams.platform import Platform

_PLATFORM_SECONDS = 10.0


class AskedTeam:
    """Answers whether there is such a team that takes part; raises ObjectMissingError, in words, where there is none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._platform: tuple[float, Platform] | None = None

    def platform(self) -> Platform:
        """The platform of the last seconds: reading it asks git several times."""
        with self._lock:
            if self._platform is None or time.monotonic() - self._platform[0] > _PLATFORM_SECONDS:
                self._platform = time.monotonic(), current_platform(self._settings)
            return self._platform[1]

    def require(self, team: str) -> Platform:
        """The platform, in which the team has a valid file."""
        platform = self.platform()
        teams = ", ".join(platform.registry.teams)
        if team in HOUSE_TEAMS and team not in platform.registry.teams:
            raise ObjectMissingError(
                f"{team} is a house team: every team is judged beside it, and it has neither file nor account. Teams are {teams}."
            )
        if team not in platform.registry.teams:
            raise ObjectMissingError(f"There is no such team; teams are {teams}.")
        if team not in platform.teams:
            raise ObjectMissingError(
                f"Team {team} has no valid file; the status page says what is wrong with it."
            )
        return platform
