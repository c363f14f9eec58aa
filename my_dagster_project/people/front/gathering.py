"""Makes the snapshots of a deployment: status, table, equity curves."""

import time

from my_dagster_project.domain.leaderboard import Curves, Leaderboard
from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.people.front.season_clock import SeasonClock, season_clock
from my_dagster_project.people.front.snapshots import Snapshot
from my_dagster_project.people.status.asking import Asking, SilentError
from my_dagster_project.people.status.reader import SECONDS, StatusReader
from my_dagster_project.pipeline.alarming import stored_curves, stored_leaderboard
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.teams.deployment import current_platform

_BOARD, _SEASON = "leaderboard", "season"
# For the chains of many symbols after a change; meanwhile the page before is shown.
_PATIENCE = 60.0


class Gatherer:
    """Gathers a snapshot at a time; keeps connections for the next one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader = StatusReader(settings)
        self._asking = Asking()

    def snapshot(self) -> Snapshot:
        """Everything as of now; never raises for what does not answer."""
        until = time.monotonic() + SECONDS
        self._asking.start({_BOARD: self._board, _SEASON: self._season})
        try:
            page, broken = self._reader.page(patience=_PATIENCE), ""
        except TradingError as error:
            page, broken = None, str(error)
        (board, curves), why = self._table(until)
        return Snapshot(page, board, why, curves, broken, self._clock(until))

    def _season(self) -> SeasonClock | None:
        return season_clock(current_platform(self._settings), self._settings)

    def _clock(self, until: float) -> SeasonClock | None:
        """The season's clock; None also where it could not be read, of which the status page says why."""
        try:
            clock: SeasonClock | None = self._asking.answer(_SEASON, until)
        except (TradingError, SilentError):
            return None
        return clock

    def _board(self) -> tuple[Leaderboard, Curves]:
        assets = open_assets(self._settings.store_url, self._settings.dvc_url)
        return stored_leaderboard(assets), stored_curves(assets)

    def _table(self, until: float) -> tuple[tuple[Leaderboard | None, Curves], str]:
        none: Curves = {}
        try:
            return self._asking.answer(_BOARD, until), ""
        except TradingError as error:
            return (None, none), str(error)
        except SilentError:
            return (
                (None, none),
                "The store does not answer, so there is no table to show; the status page says more.",
            )
        except (ValueError, KeyError, TypeError):
            return (
                (None, none),
                f"leaderboard.json is not one this version can read; {everything_due()} makes a new one.",
            )
