"""A class of teams lives a season: they push at random moments, bad files too, and whoever drives it is killed at random moments.

At the end nothing is lost, the books reconcile, and every figure of the table is what the stored objects say.
"""

import json
import random
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from my_dagster_project.foundation.calendar import load_calendar
from tests.e2e.project import Project, new_project
from tests.e2e.test_bad_input import csv_prices
from tests.e2e.test_season import lived
from tests.support.draws import only_whole
from tests.support.forks import Command
from tests.support.gitrepo import git
from tests.support.recomputed import differences
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.full, pytest.mark.timeout(3600)]

CASH = 100_000.0
SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT")
CALENDAR = load_calendar()


def a_file(config: dict[str, Any], dice: random.Random) -> None:
    """Any valid file of a team: its model costs nothing to train, what is asked here is the same for all kinds."""
    config.pop("ludwig", None)
    config.pop("colour", None)
    config["target"] = "next_return"
    momentum = {"strategy": "momentum", "input": next(iter(config["features"]))}
    config["model"] = {"kind": "baseline", **dice.choice(({"strategy": "drift"}, momentum))}
    config["model"]["scope"] = dice.choice(["symbol", "team"])
    config["symbols"] = sorted(dice.sample(SYMBOLS, dice.randint(1, 3)))
    config.setdefault("trading", {}).update(
        buy_above=dice.choice([0.0, 0.0002, 0.001]), sell_below=dice.choice([-0.001, 0.0])
    )


def a_bad_file(config: dict[str, Any], dice: random.Random) -> None:
    """What people get wrong."""
    wrong = (
        {"colour": "blue"},
        {"symbols": []},
        {"target": "tomorrow"},
        {"trading": {"buy_above": "much"}},
    )
    config.update(dice.choice(wrong))


def begun(folder: Path, teams: list[str], first: date, dice: random.Random) -> Project:
    project = new_project(folder)
    csv_prices(project, *SYMBOLS)

    def shorter(registry: dict[str, Any]) -> None:
        registry["competition"]["start"] = first

    project.edit("teams", shorter)
    for team in ("red", "blue"):
        project.edit(team, lambda config: a_file(config, dice))
    git(project.folder, "add", "-A")
    git(project.folder, "commit", "-q", "-m", "a class")
    for team in teams[2:]:
        assert project.trading("team", "add", team).code == 0
        project.commit_edit(team, lambda config: a_file(config, dice))
    return project


def state_of(season: Project) -> dict[str, Any]:
    """The season as stored."""
    newest = max((season.store / ".trading" / "season").glob("*.json"), default=None)
    return json.loads(newest.read_text()) if newest else {"session": "", "ended": False, "missed": {}}


def resumed(project: Project, log: Path) -> Command:
    return project.begin("season", "start", log=log)


@pytest.mark.parametrize(
    ("size", "count", "pushes", "kills"), [(3, 6, 4, 1), *only_whole((6, 12, 10, 4), at_home=(6, 40, 30, 12))]
)
def test_a_class_lives_a_season(tmp_path, size, count, pushes, kills):
    dice = random.Random(size)
    teams = ["red", "blue", *(f"team-{number}" for number in range(3, size + 1))]
    sessions = [str(day) for day in CALENDAR.sessions(date(2012, 9, 4), date(2013, 3, 1))][-count:]
    project, log = begun(tmp_path / "project", teams, date.fromisoformat(sessions[0]), dice), tmp_path / "log"
    season, command = lived(project), resumed(project, log)
    happens = ["push"] * pushes + ["kill"] * kills
    dice.shuffle(happens)
    for what, session in zip(happens, sorted(dice.choices(sessions[:-1], k=len(happens))), strict=True):
        wait_for(lambda session=session: state_of(season)["session"] >= session, 600, log=log)
        time.sleep(dice.uniform(0, 3))
        if what == "push":
            change = a_bad_file if dice.random() < 0.3 else a_file
            season.commit_edit(dice.choice(teams), lambda config, change=change: change(config, dice))
        else:
            command.kill()
            command = resumed(project, log)
    wait_for(lambda: state_of(season)["ended"], 1800, log=log)
    command.wait()
    told = log.read_text()
    assert "Traceback" not in told, told
    assert_nothing_is_lost(season, teams, sessions)
    assert differences(season.store, season.home / "broker" / "accounts.sqlite", CASH) == []


def assert_nothing_is_lost(season: Project, teams: list[str], sessions: list[str]) -> None:
    missed, books = state_of(season)["missed"], season.trades()
    for team in teams:
        there = {path.stem for path in (season.store / team / "orders").glob("*.json")}
        lacking = {session for session in sessions[:-1] if team not in missed.get(session, {})} - there
        assert not lacking, f"{team} has no orders of {lacking}, and nobody says that it missed them"
        [cash] = [row[1] for row in books["accounts"] if row[0] == team]
        moved = sum(float(row[7]) for row in books["fills"] if row[0] == team)
        assert float(cash) == pytest.approx(CASH + moved, abs=1e-6)
    asked = Counter((team, session, symbol, side) for team, session, _, symbol, side, *_ in books["orders"])
    assert asked.most_common(1)[0][1] == 1, "an order twice"
