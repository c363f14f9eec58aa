"""Makes the snapshots of a deployment: status, table, plot."""

import base64
import re
import time

import dagster as dg

from my_dagster_project.domain.leaderboard import Leaderboard
from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.people.front.snapshots import Snapshot
from my_dagster_project.people.status.asking import Asking, SilentError
from my_dagster_project.people.status.reader import SECONDS, StatusReader
from my_dagster_project.pipeline.alarming import stored_leaderboard
from my_dagster_project.pipeline.assets.keys import leaderboard_key
from my_dagster_project.storage.opening import open_assets

_BOARD, _EQUITY = "leaderboard", "equity"
# For the chains of many symbols after a change; meanwhile the page before is shown.
_PATIENCE = 60.0
_PICTURE = re.compile(r"\(data:image/png;base64,([A-Za-z0-9+/=]+)\)")


class Gatherer:
    """Gathers a snapshot at a time; keeps connections for the next one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader = StatusReader(settings)
        self._asking = Asking()

    def snapshot(self) -> Snapshot:
        """Everything as of now; never raises for what does not answer."""
        until = time.monotonic() + SECONDS
        self._asking.start({_BOARD: self._board})
        try:
            page, broken = self._reader.page(patience=_PATIENCE), ""
        except TradingError as error:
            page, broken = None, str(error)
        # After the page: by then the reader has opened the instance, or found out that it cannot be.
        self._asking.start({_EQUITY: self._equity})
        board, why = self._table(until)
        return Snapshot(page, board, why, self._plot(), broken)

    def _board(self) -> Leaderboard:
        return stored_leaderboard(open_assets(self._settings.store_url, self._settings.dvc_url))

    def _table(self, until: float) -> tuple[Leaderboard | None, str]:
        try:
            return self._asking.answer(_BOARD, until), ""
        except TradingError as error:
            return None, str(error)
        except SilentError:
            return None, "The store does not answer, so there is no table to show; the status page says more."
        except (ValueError, KeyError, TypeError):
            return (
                None,
                f"leaderboard.json is not one this version can read; {everything_due()} makes a new one.",
            )

    def _equity(self) -> bytes | None:
        """The plot the leaderboard's run left in Dagster's book."""
        instance = self._reader.instance
        event = instance.get_latest_materialization_event(leaderboard_key()) if instance else None
        made = event.asset_materialization if event else None
        value = made.metadata.get("equity") if made else None
        found = _PICTURE.search(str(value.value)) if isinstance(value, dg.MarkdownMetadataValue) else None
        return base64.b64decode(found[1]) if found else None

    def _plot(self) -> bytes | None:
        try:
            plot: bytes | None = self._asking.answer(_EQUITY, time.monotonic() + 1.0)
        except (SilentError, Exception):
            return None
        return plot
