"""An edit of one team's file recomputes what it affects, of that team, and nothing else."""

import json

import pytest

from tests.e2e.project import SESSIONS
from tests.support.gitrepo import git

pytestmark = pytest.mark.slow


def told(done, team, phase):
    return next(line for line in done.lines if f" {team}: {phase}" in line)


def money(project):
    """By team: its money on the table."""
    table = json.loads((project.store / "competition" / "leaderboard" / "leaderboard.json").read_text())
    return {row["team"]: row["trading"] for row in table["teams"]}


def of(team, stored, *, but=()):
    """The stored objects of a team, without those of some of its assets."""
    return {
        name: md5
        for name, md5 in stored.items()
        if name.startswith(f"store/{team}/") and not any(f"/{asset}/" in name for asset in but)
    }


def test_an_edit_of_the_trading_rules_only_trades_anew(copied):
    before, runs = copied.stored(), len(copied.dagster_runs())
    books, first = copied.trades(), money(copied)
    # A share of nothing: whatever is predicted, other orders than before.
    copied.commit_edit("red", lambda config: config["trading"].update(position_share=0.1))
    done = copied.trading("run")
    assert done.code == 0, done.text
    assert told(done, "red", "features and models").endswith("up to date")
    assert told(done, "red", "predictions and reports").endswith("up to date")
    assert f"red: trading {len(SESSIONS)} done" in done.out
    assert told(done, "blue", "trading").endswith("up to date")
    assert "✓ leaderboard 1 done" in done.out
    jobs = [job for job, _ in copied.dagster_runs()[runs:]]
    assert jobs == ["red_trade", "red_settle", "leaderboard"]
    after = copied.stored()
    assert of("red", after, but=["orders", "fills"]) == of("red", before, but=["orders", "fills"])
    assert of("blue", after) == of("blue", before)
    assert (
        after["store/competition/leaderboard/leaderboard.json"]
        != before["store/competition/leaderboard/leaderboard.json"]
    )
    now = copied.trades()
    assert [row for row in now["orders"] if row[0] == "blue"] == [
        row for row in books["orders"] if row[0] == "blue"
    ]
    assert now["accounts"] != books["accounts"]
    # The second try on these sessions is no first one: it says so, with what the first came to.
    was, new, other = (first["red"], *(money(copied)[team] for team in ("red", "blue")))
    assert (was["edits"], new["edits"], other["edits"]) == (0, 1, 0)
    # Put together from the sessions' returns, it is the total's to the last bits.
    assert was["first_return"] == new["first_return"] == pytest.approx(was["total_return"], abs=1e-12)
    assert new["first_return"] != pytest.approx(new["total_return"], abs=1e-9)
    words = " ".join(done.out.split())
    assert ", replayed, not lived; forecasts and money alike" in words
    assert (
        f"(edits replayed on these sessions: 1; the first try returned {was['total_return']:+.1%})" in words
    )


def test_an_edit_of_the_ludwig_section_retrains_that_team_and_renews_its_report_and_the_table(copied):
    before, heads = copied.stored(), copied.commits()
    copied.commit_edit("blue", lambda config: config["ludwig"]["trainer"].update(learning_rate=0.02))
    done = copied.trading("run")
    assert done.code == 0, done.text
    assert told(done, "red", "features and models").endswith("up to date")
    assert told(done, "red", "trading").endswith("up to date")
    assert "blue: features and models 1 done" in done.out  # the features did not change
    assert "blue: predictions and reports 2 done" in done.out
    assert f"blue: trading {len(SESSIONS)} done" in done.out
    assert "✓ leaderboard 1 done" in done.out
    after = copied.stored()
    assert of("red", after) == of("red", before)
    for name in ("model/model.onnx", "report/report.json"):
        assert after[f"store/blue/IBM/{name}"] != before[f"store/blue/IBM/{name}"]
    assert copied.commits()["red"] == heads["red"]
    assert git(copied.folder, "log", "--format=%an", "blue").splitlines()[1] == "A Person"
    again = copied.trading("run")
    assert all(line.endswith("up to date") for line in again.lines if line.startswith("✓"))
    assert copied.stored() == after


def test_status_names_what_an_edit_made_due_and_the_edit_of_one_team_only(copied):
    copied.commit_edit("red", lambda config: config["trading"].update(buy_above=0.001))
    said = copied.trading("status").out
    rows = {
        tuple(cells[:2]): cells
        for line in said.splitlines()
        if len(cells := line.split()) == 12 and {"✓", "due"} & set(cells)
    }
    assert rows["red", "IBM"][2:9] == ["✓"] * 6 + ["due"]
    assert rows["blue", "IBM"][2:10] == ["✓"] * 8
    assert "`trading run` computes what is due." in said


def test_a_comment_in_a_team_file_makes_nothing_due(copied):
    tree = copied.folder.with_name("team-red")
    git(copied.folder, "worktree", "add", "-q", str(tree), "red")
    path = tree / "configs" / "red.yaml"
    path.write_text(f"# A thought.\n{path.read_text()}")
    git(tree, "commit", "-q", "-a", "-m", "a thought")
    assert "Everything is up to date." in copied.trading("status").out
