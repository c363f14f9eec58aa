"""A season that is lived session by session, killed at any moment, ends in the books of an undisturbed one and of a replay."""

import json
import os
import random
import signal
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from my_dagster_project.foundation.calendar import load_calendar
from tests.e2e.project import Project, new_project
from tests.support.draws import size
from tests.support.gitrepo import git
from tests.support.shared import made_once
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

# Two are lived with a kill between them; who is killed ten times needs more.
_LAST_DAYS = load_calendar().sessions(date(2013, 2, 11), date(2013, 3, 1))
ALL = tuple(map(str, _LAST_DAYS))[-size(3, len(_LAST_DAYS)) :]
KILLS = 10


def lived(project: Project) -> Project:
    """The clone that the season of this checkout lives in."""
    return Project(project.home / "season", project.environment)


def table(project: Project) -> dict:
    """The table's figures."""
    board = json.loads((project.store / "competition" / "leaderboard" / "leaderboard.json").read_text())
    for row in board["teams"]:
        # How often somebody tried is of a replay: what is lived cannot be tried again.
        row["trading"] = {
            name: value for name, value in row["trading"].items() if name not in ("edits", "first_return")
        }
    return {"teams": board["teams"], "symbols": board["symbols"]}


def lines(out: str) -> list[str]:
    """The lines of a season's sessions."""
    return [line for line in out.splitlines() if line.startswith("2013-")]


@pytest.fixture(scope="module")
def begun(tmp_path_factory) -> Project:
    """A season after its first session, in which everything was trained; look, do not touch."""
    return made_once(tmp_path_factory, "season", _begin)


def _begin(folder: Path) -> Project:
    project = new_project(folder / "project")

    def shorter(registry):
        registry["competition"] |= {
            "start": date.fromisoformat(ALL[0]),
            "replay_sessions": len(ALL) - 1,
        }

    project.edit("teams", shorter)
    kinds = {"red": {"strategy": "momentum", "input": "return_1"}, "blue": {"strategy": "drift"}}
    for team, told in kinds.items():
        project.edit(team, lambda config, told=told: on_baseline(config, told))
    git(project.folder, "commit", "-q", "-a", "-m", "these sessions")
    done = project.trading("season", "next")
    assert done.code == 0, done.text
    assert [line[:10] for line in lines(done.out)] == [ALL[0]]
    return project


def on_baseline(config, told) -> None:
    """A kind of model that costs nothing: what is asked here is the same for all."""
    config.pop("ludwig")
    config["model"] = {"kind": "baseline", **told}


@pytest.fixture(scope="module")
def undisturbed(begun, tmp_path_factory) -> Project:
    return made_once(tmp_path_factory, "undisturbed", lambda folder: _finished(begun.copy(folder)))


def _finished(project: Project) -> Project:
    done = project.trading("season", "resume")
    assert done.code == 0, done.text
    assert [line[:10] for line in lines(done.out)] == list(ALL[1:])
    assert "has ended with session 2013-03-01" in done.out
    assert "trading season plan" in done.out
    return project


def require_same_books(season: Project, other: Project) -> None:
    assert season.trades() == other.trades()
    assert len(season.trades()["equity"]) == 2 * len(ALL)
    assert table(season) == table(other)


def killed(project: Project, log: Path, moment: Callable[[], bool], seconds: float = 0) -> bool:
    """Go on with the season, and kill it so long after this moment; whether it was at work still."""
    command = project.begin("season", "resume", log=log)
    wait_for(lambda: "goes on" in log.read_text(), 60, log=log)
    wait_for(moment, 120, every=0.002, log=log)
    time.sleep(seconds)
    command.kill()
    return "has ended" not in log.read_text()


def test_a_season_killed_in_the_middle_ends_in_the_books_of_a_replay_of_the_same_sessions(begun, tmp_path):
    project = begun.copy(tmp_path / "project")
    orders = lived(project).store / "red" / "orders" / f"{ALL[1]}.json"
    assert killed(project, tmp_path / "log", orders.exists), "it was over before it could be killed"
    done = project.trading("season", "resume")
    assert done.code == 0, done.text
    assert not project.trading("season", "status").out.count("missed")
    replay = project.copy(tmp_path / "replay")
    done = replay.trading("run")
    assert done.code == 0, done.text
    require_same_books(lived(project), replay)


def seconds_a_session(season: Project) -> float:
    """What one took of a season that went on undisturbed after its first."""
    written = sorted(path.stat().st_mtime for path in (season.store / ".trading" / "season").glob("*.json"))
    return (written[-1] - written[-len(ALL)]) / (len(ALL) - 1)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_season_killed_ten_times_ends_in_the_books_of_an_undisturbed_one(begun, undisturbed, tmp_path):
    project, log, moments = begun.copy(tmp_path / "project"), tmp_path / "log", random.Random(6)
    one = seconds_a_session(lived(undisturbed))
    for number in range(KILLS):
        # Some way into the session at work, or into the one after it, however fast this machine is at it.
        at_work = killed(
            project,
            log,
            lambda more=number % 2: len(lines(log.read_text())) >= more,
            moments.uniform(0, one),
        )
        assert at_work, "it was over before it could be killed"
    project.trading("season", "resume")
    require_same_books(lived(project), lived(undisturbed))
    assert not project.trading("season", "status").out.count("missed")


@pytest.mark.full
def test_who_is_asked_to_stop_stops_and_what_was_cut_short_is_made_after_all(begun, undisturbed, tmp_path):
    project, log = begun.copy(tmp_path / "project"), tmp_path / "log"
    command = project.begin("season", "resume", log=log)
    wait_for(lambda: len(lines(log.read_text())) == 1, 120, log=log)
    time.sleep(1)
    os.kill(command.pid, signal.SIGINT)
    assert command.wait() != 0
    assert len(lines(log.read_text())) < len(ALL) - 1
    project.trading("season", "resume")
    assert table(lived(project)) == table(lived(undisturbed))


def test_a_season_has_branches_and_books_of_its_own(begun):
    outside = {path.name for path in begun.home.iterdir()}
    assert outside.isdisjoint({"store", "dvc", "dagster", "broker", "mlflow"}), outside
    assert begun.commits().keys() == {"main"}
    assert lived(begun).commits().keys() == {"main", "red", "blue", "platform"}
    refused = lived(begun).trading("run")
    assert refused.code == 1
    assert "season" in refused.err
    # Who edits there asks there; it broke off at the windows in use, for want of the lapse's clock.
    asked = lived(begun).trading("validate")
    assert asked.code == 0, asked.text


def test_an_edit_counts_from_the_next_session_on_and_what_was_lived_stays(begun, tmp_path):
    project = begun.copy(tmp_path / "project")
    season = lived(project)
    before = {path: data for path, data in season.stored().items() if ALL[0] in path}
    season.commit_edit("red", lambda config: config["trading"].update(buy_above=0.19, sell_below=0.18))
    season.commit_edit("blue", lambda config: config.update(colour="blue"))
    told = project.trading("season", "next")
    assert f"{ALL[1]} " in told.out
    assert "blue has to mend its file" in told.out
    assert {path: data for path, data in season.stored().items() if path in before} == before
    plan = json.loads((season.store / "red" / "orders" / f"{ALL[1]}.json").read_text())["plan"]
    assert "+18.000 %" in str(plan), plan
    assert project.trading("season", "reset", "--yes").code == 0
    assert project.trading("season", "status").err.count("trading season start") == 1
