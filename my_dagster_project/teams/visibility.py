"""Whether a person may see what is a team's: one answer for pages, Dagit, downloads and whoever asks over HTTP."""

import threading
import time
from contextlib import suppress

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.foundation.sign_in import may_everything
from my_dagster_project.teams.registry import Visibility
from my_dagster_project.teams.sources import read_registry

_SECONDS = 10.0


class Sight:
    """Who sees what in one deployment, by the registry of the last seconds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._known: Visibility = "own"
        self._read_at = -_SECONDS

    def may_see(self, user: str, team: str) -> bool:
        """Whether `user` (as signed in, '' for nobody) may see what is `team`'s. On a laptop whoever looks is the organiser."""
        return user == team or may_everything(user, self._settings) or self.visibility == "open"

    @property
    def visibility(self) -> Visibility:
        """What the registry says; of one that cannot be read what it said before, and from a start on `own`."""
        with self._lock:
            if time.monotonic() - self._read_at > _SECONDS:
                with suppress(TradingError):
                    self._known = read_registry(self._settings.project).visibility
                self._read_at = time.monotonic()
            return self._known
