"""The golden season: twelve sessions in which what happens in a real one happens, asserted number by number.

Whoever changes a figure on purpose writes the file anew (TRADING_TESTS_GOLDEN=write), and its diff says what was changed.
"""

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from my_dagster_project.foundation.calendar import load_calendar
from tests.e2e.project import Project, new_project
from tests.e2e.test_bad_input import csv_prices
from tests.e2e.test_revised_bars import raise_close
from tests.e2e.test_season import lines, lived, on_baseline
from tests.support.gitrepo import git

pytestmark = [pytest.mark.slow, pytest.mark.full]

GOLDEN = Path(__file__).with_name("golden_season.json")
FIRST, LAST = date(2013, 2, 12), date(2013, 3, 1)
SESSIONS = [str(day) for day in load_calendar().sessions(FIRST, LAST)]


def begun(folder: Path) -> Project:
    """Red buys what rose, blue holds; of IBM either holds less than it would, because the organiser says so."""
    project = new_project(folder)
    csv_prices(project, "AAPL", "IBM")
    project.edit("teams", _shorter)
    for team, told in {
        "red": {"strategy": "momentum", "input": "return_1"},
        "blue": {"strategy": "drift"},
    }.items():
        project.edit(team, lambda config, told=told: on_baseline(config, told))
        project.edit(team, lambda config: config.update(symbols=["AAPL", "IBM"]))
    git(project.folder, "add", "-A")
    git(project.folder, "commit", "-q", "-m", "twelve sessions")
    return project


def _shorter(registry: dict[str, Any]) -> None:
    registry["competition"]["start"] = FIRST
    registry["teams"]["red"]["limits"]["position_share"] = 0.1


def go_on(project: Project, *arguments: str) -> list[str]:
    done = project.trading("season", *arguments)
    assert done.code == 0, done.text
    return [line[:10] for line in lines(done.out)]


def what_came(season: Project) -> dict[str, Any]:
    """Books, table and what every decision was about, as JSON has it."""
    board = json.loads((season.store / "competition" / "leaderboard" / "leaderboard.json").read_text())
    rows = {row["team"]: _figures(row) for row in board["teams"]}
    predicted = {
        f"{team} {symbol}": sorted(
            path.stem for path in (season.store / team / symbol / "predictions").glob("*")
        )
        for team in ("red", "blue", "green")
        for symbol in ("AAPL", "IBM")
    }
    told = {
        "books": season.trades(),
        "table": rows,
        "predicted": {name: days for name, days in predicted.items() if days},
    }
    return json.loads(json.dumps(told))


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    flat = {name: row[name] for name in ("rank", "n", "mase", "direction")} | row["trading"]
    return {name: round(value, 9) if isinstance(value, float) else value for name, value in flat.items()}


def test_the_golden_season(tmp_path):
    project = begun(tmp_path / "project")
    assert go_on(project, "next", "3") == SESSIONS[:3]
    season = lived(project)
    # A team has an idea, and the organiser lets it hold more.
    season.commit_edit("red", lambda config: config["trading"].update(buy_above=0.0001))
    season.edit("teams", lambda registry: registry["teams"]["red"]["limits"].update(position_share=0.3))
    assert go_on(project, "next", "3") == SESSIONS[3:6]
    # A third team comes, and the source corrects a bar that everything was made on.
    git(season.folder, "commit", "-q", "-a", "-m", "red may hold more")
    assert season.trading("team", "add", "green").code == 0
    season.commit_edit("green", _green)
    raise_close(season, "2010-05-14")
    assert go_on(project, "next", "3") == SESSIONS[6:9]
    # A team gives a symbol up.
    season.commit_edit("blue", lambda config: config.update(symbols=["AAPL"]))
    assert go_on(project, "resume") == SESSIONS[9:]
    came = what_came(season)
    assert project.trading("season", "status").out.count("missed") == 0
    if os.environ.get("TRADING_TESTS_GOLDEN") == "write":
        GOLDEN.write_text(json.dumps(came, indent=1) + "\n")
    expected = json.loads(GOLDEN.read_text())
    assert came["books"] == expected["books"]
    assert came["predicted"] == expected["predicted"]
    assert came["table"] == expected["table"]


def _green(config: dict[str, Any]) -> None:
    on_baseline(config, {"strategy": "momentum", "input": next(iter(config["features"]))})
    config["symbols"] = ["IBM"]
