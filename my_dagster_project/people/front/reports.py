"""Files of the stored reports: only those of a team and symbol of the platform, only names that the report has."""

import threading
from dataclasses import dataclass
from mimetypes import guess_type

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.people.front.asked_team import AskedTeam
from my_dagster_project.people.status.asking import SilentError, ask_once
from my_dagster_project.pipeline.assets.keys import report_key
from my_dagster_project.storage.opening import open_assets

PAGE = "report.html"
# Longer than a page of 2 MB takes over a slow line to the store, shorter than a reader's patience.
_SECONDS = 8.0
# A silent store keeps its readers; further visitors are turned away until these are back.
_MOST_READERS = 8


@dataclass(frozen=True)
class ReportFile:
    """One file, and the md5 that changes when it does."""

    name: str
    data: bytes
    md5: str

    @property
    def media_type(self) -> str:
        """What a browser takes it for; a name that says nothing is bytes to save."""
        kind = guess_type(self.name)[0] or "application/octet-stream"
        return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


class Reports:
    """Reads report files; raises ObjectMissingError for what is not there, StorageError when the store does not answer."""

    def __init__(self, settings: Settings, asked: AskedTeam) -> None:
        self._settings, self._asked = settings, asked
        self._readers = threading.BoundedSemaphore(_MOST_READERS)

    def file(self, team: str, symbol: str, name: str) -> ReportFile:
        """One file of a report."""
        self._check(team, symbol)
        if not self._readers.acquire(blocking=False):
            raise StorageError("The store answers too slowly at the moment; try again in a minute.")

        def read() -> ReportFile:
            try:
                return self._read(team, symbol, name)
            finally:
                self._readers.release()

        try:
            found: ReportFile = ask_once(read, _SECONDS)
        except SilentError:
            raise StorageError(f"The store did not answer within {_SECONDS:.0f} s; try again.") from None
        return found

    def _check(self, team: str, symbol: str) -> None:
        symbols = self._asked.require(team).teams[team].symbols
        if symbol not in symbols:
            raise ObjectMissingError(f"Team {team} does not trade that; it has {', '.join(symbols)}.")

    def _read(self, team: str, symbol: str, name: str) -> ReportFile:
        assets = open_assets(self._settings.store_url, self._settings.dvc_url)
        asset = tuple(report_key(team, symbol).path)
        # A name counts only if the report's own manifest holds it: no path can lead anywhere else.
        content = assets.files(asset).get(name)
        if content is None:
            raise ObjectMissingError(f"The report of team {team} on {symbol} has no such file.")
        return ReportFile(name, assets.read_file(asset, name), content.md5)
