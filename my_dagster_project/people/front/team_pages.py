"""The teams' pages and downloads: each team's is found out when somebody asks for it, at most every few seconds."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from my_dagster_project.foundation.errors import ObjectMissingError, TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.people.front.asked_team import AskedTeam
from my_dagster_project.people.front.snapshots import Snapshots, Taken
from my_dagster_project.people.status.page import StatusPage, TeamStatus
from my_dagster_project.people.team.team_columns import predictions_csv
from my_dagster_project.people.team.team_page import TeamPage
from my_dagster_project.people.team.team_reader import TeamReader
from my_dagster_project.trading.fill_columns import fills_csv
from my_dagster_project.trading.journal_columns import journal_csv

DOWNLOADS: Mapping[str, tuple[str, Callable[[TeamPage], str]]] = {
    "predictions.csv": ("scored", lambda team: predictions_csv(team.predictions)),
    "fills.csv": ("fills", lambda team: fills_csv(team.fills)),
    "round-trips.csv": ("account", lambda team: journal_csv(team.trips.trips)),
}
"""By file the part of the page that it is made of, and how."""


@dataclass(frozen=True)
class TeamSnapshot(Taken):
    """A team's page as of one moment, with the team's part of the status page, None where that could not be read."""

    page: TeamPage
    status: TeamStatus | None


class TeamPages:
    """The newest page of each team that was asked for."""

    def __init__(self, settings: Settings, asked: AskedTeam) -> None:
        self._asked = asked
        self._reader = TeamReader(settings)
        self._lock = threading.Lock()
        self._newest: dict[str, Snapshots[TeamSnapshot]] = {}
        self._status: StatusPage | None = None

    def page(self, team: str, status: StatusPage | None) -> TeamSnapshot | None:
        """A team's page; None while the first one is being made. `status` is the newest status page."""
        self._asked.require(team)
        self._status = status
        with self._lock:
            snapshots = self._newest.setdefault(team, Snapshots(lambda: self._read(team)))
        return snapshots.get()

    def download(self, team: str, file: str, status: StatusPage | None) -> str | None:
        """A table of the page as CSV; None while the first page is being made. Raises TradingError where it could not be read."""
        if file not in DOWNLOADS:
            raise ObjectMissingError(f"Downloads of a team are {', '.join(DOWNLOADS)}.")
        newest = self.page(team, status)
        if newest is None:
            return None
        part, text = DOWNLOADS[file]
        if part in newest.page.silent:
            raise TradingError(newest.page.silent[part])
        return text(newest.page)

    def _read(self, team: str) -> TeamSnapshot:
        platform, status = self._asked.require(team), self._status
        own = next((one for one in status.teams if one.name == team), None) if status else None
        return TeamSnapshot(self._reader.page(platform, team, own, status.zone if status else "UTC"), own)
