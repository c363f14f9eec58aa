"""The committed competition as a lapse: its clock stands where a test puts it, under a folder of the test's own."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from my_dagster_project.foundation.settings import Settings, settings_from
from my_dagster_project.storage.season import State
from my_dagster_project.teams.deployment import on_its_clock, season_book
from my_dagster_project.teams.platform import Platform
from my_dagster_project.teams.season_section import Season
from tests.support.committed import PROJECT, committed

FIRST, LAST = date(2012, 12, 3), date(2013, 3, 1)
SECTION = {"clock": {"lapse": {"session_every": "30s"}}}


def lapse(
    home: Path, session: date | None = None, platform: Platform | None = None
) -> tuple[Platform, Settings]:
    """A platform (the committed one) whose clock stands at the close of `session`; not begun without it."""
    platform, settings = platform or committed(), settings_from({"TRADING_HOME": str(home)}, PROJECT)
    registry = platform.registry.model_copy(update={"season": Season.model_validate(SECTION)})
    if session:
        season_book(settings).begin(State("autumn", FIRST, session, LAST, session_every=30), "olga")
    return on_its_clock(replace(platform, registry=registry), settings), settings
