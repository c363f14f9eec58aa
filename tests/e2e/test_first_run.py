"""The first `trading run`, looked at from all sides, and the second, which has nothing to do."""

import csv
import io
import json
from html.parser import HTMLParser

import pytest

from tests.e2e.project import SESSIONS, SYMBOLS, Done
from tests.support.gitrepo import git

pytestmark = pytest.mark.slow

CHAINS = [(team, symbol) for team, symbols in SYMBOLS.items() for symbol in symbols]


def table_rows(done: Done) -> list[list[str]]:
    return [line.split() for line in done.lines if line[:1] == " "]


@pytest.fixture(scope="module")
def second(finished, tmp_path_factory):
    """The second run: what it said, and everything before and after it."""
    project = finished.project.copy(tmp_path_factory.mktemp("second") / "project")
    before = (project.stored(), project.commits(), project.dagster_runs())
    done = project.trading("run")
    return done, before, (project.stored(), project.commits(), project.dagster_runs())


@pytest.mark.parametrize(("team", "symbol"), CHAINS)
def test_the_table_has_a_line_for_every_team_and_symbol(finished, team, symbol):
    row = next(row for row in table_rows(finished.done) if row[:2] == [team, symbol])
    assert row[2] == str(len(SESSIONS))
    assert row[3].startswith("$")


def test_the_table_ranks_every_team_and_the_house_teams(finished):
    named = {row[1]: row for row in table_rows(finished.done) if len(row) > 6}
    assert {"red", "blue", "naive", "buy-and-hold"} <= named.keys()
    for team in SYMBOLS:
        assert any(cell.startswith("$") for cell in named[team])


def test_no_line_of_the_table_is_cut_off(finished):
    assert "…" not in finished.done.out
    narrow = finished.project.trading("leaderboard", COLUMNS="80")
    assert "…" not in narrow.out
    assert max(map(len, narrow.lines)) <= 80


def test_a_backtest_of_the_replay_comes_to_what_the_broker_says_to_the_cent(finished):
    rows = list(csv.DictReader(io.StringIO(finished.project.trading("backtest", "--csv").out)))
    assert [row["team"] for row in rows] == list(SYMBOLS)
    for row in rows:
        fills = finished.project.store / row["team"] / "fills"
        ends = json.loads(max(fills.glob("*.json")).read_text())
        assert float(row["equity"]) == pytest.approx(float(ends["equity"]), abs=0.005)


@pytest.mark.parametrize(("team", "symbol"), CHAINS)
def test_every_report_is_there_as_a_page_and_as_figures(finished, team, symbol):
    folder = finished.project.store / team / symbol / "report"
    figures = json.loads((folder / "report.json").read_text())
    assert str(len(SESSIONS)) in json.dumps(figures)
    page = (folder / "report.html").read_text()
    HTMLParser().feed(page)
    assert team in page
    assert symbol in page


def test_it_says_where_the_report_lies(finished):
    address = next(line for line in finished.done.lines if line.strip().startswith("A report")).split()[-1]
    assert address == str(finished.project.store / "red" / "AAPL" / "report" / "report.html")


def test_progress_is_told_phase_by_phase_with_nothing_failed(finished):
    told = [line for line in finished.done.lines if line.startswith("✓")]
    assert told[0].startswith("✓ market data 2 done")
    assert told[-1].startswith("✓ leaderboard 1 done")
    assert any(line.startswith("✓ red: features and models 6 done") for line in told)
    assert any(line.startswith("✓ blue: trading 5 done") for line in told)
    assert not finished.done.problems
    assert not finished.done.err.strip()


@pytest.mark.parametrize("team", SYMBOLS)
def test_every_session_was_traded_once(finished, team):
    files = sorted(path.name for path in (finished.project.store / team / "orders").glob("20*.json"))
    assert files == [f"{session}.json" for session in SESSIONS]
    ids = [row[2] for row in finished.project.trades()["orders"] if row[0] == team]
    assert len(ids) == len(set(ids)) > 0


@pytest.mark.parametrize("branch", ["red", "blue", "platform"])
def test_a_missing_branch_was_made_and_it_said_so(finished, branch):
    assert f"branch {branch} (branch made now, from HEAD)" in finished.done.out
    assert branch in finished.project.commits()


def test_a_branch_holds_the_pointers_of_its_own_team_and_no_bytes(finished):
    files = git(finished.project.folder, "ls-tree", "-r", "--name-only", "red", "assets").splitlines()
    pointers = {name for name in files if name.endswith(".dvc")}
    # Two symbols with features, rows of the training, model, predictions and report each; orders and fills.
    assert len(pointers) == 2 * 5 + 2
    assert all(name.startswith("assets/red/") for name in pointers)
    assert set(files) - pointers == {"assets/.gitignore"}


def test_checked_out_tree_and_index_are_untouched(finished):
    folder = finished.project.folder
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "branch", "--show-current") == "main"
    assert git(folder, "rev-list", "--count", "main") == "1"
    assert git(folder, "worktree", "list").count("\n") == 0


def test_every_dagster_run_succeeded(finished):
    jobs = finished.project.dagster_runs()
    assert {status for _, status in jobs} == {"SUCCESS"}
    assert {"market_daily", "red_train", "blue_daily", "red_trade", "red_settle", "leaderboard"} <= {
        name for name, _ in jobs
    }


def test_the_second_run_says_that_everything_is_up_to_date(second):
    done, _, _ = second
    assert done.code == 0
    told = [line for line in done.lines if line.startswith("✓")]
    # The market, four steps of each of two teams, the leaderboard.
    assert len(told) == 1 + 2 * 4 + 1
    assert all(line.endswith(": up to date") for line in told)


def test_the_second_run_prints_the_same_table(second, finished):
    done, _, _ = second
    assert (
        done.out.partition("Forecasts")[2].partition("Two rankings")[0]
        == (finished.done.out.partition("Forecasts")[2].partition("Two rankings")[0])
    )


def test_the_second_run_changes_no_object_makes_no_commit_and_no_dagster_run(second):
    _, before, after = second
    assert after == before


@pytest.mark.parametrize("command", [["leaderboard"], ["status"], ["validate"], ["report", "red", "IBM"]])
def test_the_other_commands_look_without_changing_anything(finished, command):
    before = (finished.project.stored(), finished.project.commits())
    done = finished.project.trading(*command)
    assert done.code == 0, done.text
    assert (finished.project.stored(), finished.project.commits()) == before


def test_status_says_that_nothing_is_due(finished):
    said = finished.project.trading("status").out
    assert "Everything is up to date." in said
    assert "due" not in said.replace("nothing is due", "")
