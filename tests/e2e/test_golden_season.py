"""The golden season: thirteen sessions in which what happens in a real one happens, asserted number by number.

Whoever changes a figure on purpose writes the file anew (TRADING_TESTS_GOLDEN=write), and its diff says what was changed.
"""

import json
import os
import sys
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from my_dagster_project.foundation.calendar import load_calendar
from tests.e2e.project import Project, new_project
from tests.e2e.test_bad_input import csv_prices
from tests.e2e.test_revised_bars import raise_close
from tests.e2e.test_season import lines, lived, on_baseline
from tests.support.gitrepo import git
from tests.support.recomputed import differences

pytestmark = [pytest.mark.slow, pytest.mark.full, pytest.mark.timeout(1200)]

GOLDEN = Path(__file__).with_name("golden_season.json")
FIRST, LAST = date(2013, 2, 12), date(2013, 3, 1)
SESSIONS = [str(day) for day in load_calendar().sessions(FIRST, LAST)]


def begun(folder: Path) -> Project:
    """Red buys what rose, blue holds, and GOOG is blue's alone; red holds less than it would, because the organiser says so."""
    project = new_project(folder)
    csv_prices(project, "AAPL", "GOOG", "IBM")
    project.edit("teams", _shorter)
    for team, symbols, told in (
        ("red", ["AAPL", "IBM"], {"strategy": "momentum", "input": "return_1"}),
        ("blue", ["AAPL", "GOOG"], {"strategy": "drift"}),
    ):
        project.edit(team, lambda config, told=told: on_baseline(config, told))
        project.edit(team, lambda config, symbols=symbols: config.update(symbols=symbols))
    git(project.folder, "add", "-A")
    git(project.folder, "commit", "-q", "-m", "thirteen sessions")
    return project


def _shorter(registry: dict[str, Any]) -> None:
    registry["competition"]["start"] = FIRST
    registry["teams"]["red"]["limits"]["position_share"] = 0.1


# All recipes are others: as after a release in which every stage was mended.
NEXT_RELEASE = """
import hashlib
from my_dagster_project.pipeline import recipes
recipes.sha256 = lambda data: hashlib.sha256(b"the next release" + data)
from my_dagster_project.cli.commands import app
app()
"""


def go_on(project: Project, *arguments: str, release: str = "") -> list[str]:
    done = (
        project.command(sys.executable, "-c", release, "season", *arguments)
        if release
        else project.trading("season", *arguments)
    )
    assert done.code == 0, done.text
    return [line[:10] for line in lines(done.out)]


def decided(season: Project) -> dict[str, str]:
    """The md5 of every prediction, order and fill on record, by path."""
    nouns = ("predictions", "orders", "fills")
    return {
        path: md5
        for path, md5 in season.stored().items()
        if path.startswith("store/") and any(noun in path.split("/") for noun in nouns) and "/2013-" in path
    }


def scored(season: Project, team: str, symbol: str) -> int:
    board = json.loads((season.store / "competition" / "leaderboard" / "leaderboard.json").read_text())
    [row] = [row for row in board["symbols"] if (row["team"], row["symbol"]) == (team, symbol)]
    return row["metrics"]["n"]


def what_came(season: Project) -> dict[str, Any]:
    """Books, table and what every decision was about, as JSON has it."""
    board = json.loads((season.store / "competition" / "leaderboard" / "leaderboard.json").read_text())
    rows = {row["team"]: _figures(row) for row in board["teams"]}
    predicted = {
        f"{team} {symbol}": sorted(
            path.stem for path in (season.store / team / symbol / "predictions").glob("*")
        )
        for team in ("red", "blue", "green")
        for symbol in ("AAPL", "GOOG", "IBM")
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


def _has_an_idea(season: Project) -> None:
    season.commit_edit("red", lambda config: config["trading"].update(buy_above=0.0001))


def _may_hold_more(season: Project) -> None:
    season.edit("teams", lambda registry: registry["teams"]["red"]["limits"].update(position_share=0.3))
    git(season.folder, "commit", "-q", "-a", "-m", "red may hold more")


def _a_team_comes(season: Project) -> None:
    assert season.trading("team", "add", "green").code == 0
    season.commit_edit("green", _green)


def _a_bar_is_corrected(season: Project) -> None:
    """One that everything was made on."""
    raise_close(season, "2010-05-14")


def _gives_up(season: Project) -> None:
    """A symbol that blue alone traded."""
    season.commit_edit("blue", lambda config: config.update(symbols=["AAPL"]))


def _is_upgraded(_: Project) -> None:
    """What is lived after it is lived by the next release."""


# What happens, and how many sessions are lived until the next does; each leaves the bytes of the past as they were.
HAPPENS = (
    (_has_an_idea, 2), (_may_hold_more, 2), (_a_team_comes, 2), (_a_bar_is_corrected, 1), (_gives_up, 1), (_is_upgraded, 3),
)  # fmt: skip


def test_the_golden_season(tmp_path):
    project = begun(tmp_path / "project")
    assert go_on(project, "next", "2") == SESSIONS[:2]
    season, lives = lived(project), iter(SESSIONS[2:])
    for happens, count in HAPPENS:
        before = decided(season)
        assert before
        happens(season)
        release = NEXT_RELEASE if happens is _is_upgraded else ""
        assert go_on(project, "next", str(count), release=release) == [*islice(lives, count)]
        assert before.items() <= decided(season).items(), f"{happens.__name__}: another past than was lived"
    came = what_came(season)
    [sold] = [
        order for order in came["books"]["orders"] if order[0] == "blue" and order[3:5] == ["GOOG", "sell"]
    ]
    assert sold[1] == SESSIONS[9]
    assert sold[6] == "filled", "its bars go on"
    assert scored(season, "blue", "GOOG") == 9, "up to the last one before it was given up"
    assert differences(season.store, season.home / "broker" / "accounts.sqlite", 100_000.0) == []
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
