"""The last valid file of every team: what stays live while a team mends a mistake, a deleted branch or a bad merge."""

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

from my_dagster_project.teams.sources import Source


class LastGood:
    """One small file per team under a folder of the deployment's home; written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, team: str) -> Source | None:
        """The team's last valid file, None when it never had one or its record is torn."""
        try:
            return Source(**json.loads(self._file(team).read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def keep(self, team: str, source: Source) -> None:
        """Remember a file that has passed every check."""
        if self.get(team) == source:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(source), file)
        os.replace(name, self._file(team))  # noqa: PTH105 - Path.replace would need the name as a Path for nothing

    def _file(self, team: str) -> Path:
        return self._folder / f"{team}.json"
