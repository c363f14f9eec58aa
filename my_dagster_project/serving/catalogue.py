"""Who serves what at the moment: the teams in force, and which stored model of each answers for a symbol."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import NamedTuple

from my_dagster_project.foundation.errors import ObjectMissingError, TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.serving.opened_model import Stored
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.names import without_window
from my_dagster_project.teams.deployment import current_platform
from my_dagster_project.teams.platform import Platform


class Place(NamedTuple):
    """Whose model is asked for."""

    team: str
    symbol: str


class Catalogue:
    """The platform as of the last look, and the model that stands for a place in the store."""

    def __init__(self, settings: Settings, assets: AssetStore) -> None:
        self._settings, self.assets = settings, assets
        self._lock = threading.Lock()
        self._platform: Platform | None = None

    def platform(self) -> Platform:
        """The platform as of the last look; raises ConfigError where there never was one that can be used."""
        with self._lock:
            if self._platform is None:
                self._platform = current_platform(self._settings)
            return self._platform

    def look_again(self) -> None:
        """Read the teams' files anew; while they cannot be read those of before stay."""
        with suppress(TradingError):
            platform = current_platform(self._settings)
            with self._lock:
                self._platform = platform

    def require(self, place: Place) -> Platform:
        """The platform, in which the team trades the symbol; raises ObjectMissingError, in words, where it does not."""
        platform = self.platform()
        if place.team not in platform.teams:
            raise ObjectMissingError(f"There is no team {place.team}; teams are {', '.join(platform.teams)}.")
        symbols = platform.teams[place.team].symbols
        if place.symbol not in symbols:
            raise ObjectMissingError(
                f"Team {place.team} does not trade {place.symbol}; its symbols are {', '.join(symbols)}."
            )
        return platform

    def find(self, place: Place) -> Stored:
        """The model that predicts the place's next session: of a team that refits the newest refit up to the window in force.

        Raises ObjectMissingError where none is stored yet.
        """
        platform = self.require(place)
        symbol = "" if platform.teams[place.team].pooled else place.symbol
        window = platform.window_in_force(place.team)
        asset = names.model(place.team, symbol, window)
        md5 = self.assets.fingerprint(asset)
        if md5 is None and window:
            asset, window = self._before(asset, window)
            md5 = self.assets.fingerprint(asset)
        if md5 is None:
            raise ObjectMissingError(f"No model of {place.team} for {place.symbol} is trained yet.")
        return Stored(asset, window, md5)

    def _before(self, asset: tuple[str, ...], window: str) -> tuple[tuple[str, ...], str]:
        """The newest refit before a window, while that one's is still being trained."""
        whole, _ = without_window(asset)
        kept = [without_window(one) for one in self.assets.of(asset[0])]
        earlier = max((held for one, held in kept if one == whole and "" < held < window), default=window)
        return names.of_window(whole, earlier), earlier
