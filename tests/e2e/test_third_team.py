"""A third team by the README's words: one command, then it is in every table."""

import json
import os

import pytest

from tests.support.forks import parent
from tests.support.gitrepo import git

pytestmark = pytest.mark.full


def test_trading_team_add_lets_a_third_team_take_part(copied):
    added = copied.trading("team", "add", "green", "--owner", "green@example.org")
    assert added.code == 0, added.text
    assert "branch green begins there" in added.text
    assert git(copied.folder, "status", "--porcelain") == ""
    assert "configs/green.yaml" in git(copied.folder, "show", "main:dvc.yaml")
    trades = [one for one in copied.trades()["orders"] if one[0] in ("red", "blue")]
    done = copied.trading("run")
    assert done.code == 0, done.text
    table = json.loads(
        (copied.store / "competition" / "leaderboard" / "leaderboard.json").read_text(encoding="utf-8")
    )
    assert {"red", "blue", "green"} <= {row["team"] for row in table["teams"]}
    assert "green" in done.out
    assert "dvc.yaml lacks" not in done.text
    assert [one for one in copied.trades()["orders"] if one[0] in ("red", "blue")] == trades
    assert "green" in {one[0] for one in copied.trades()["accounts"]}
    assert "green_train" in {job for job, _ in copied.dagster_runs()}
    for command in (("status",), ("validate",), ("account",), ("versions", "green")):
        said = copied.trading(*command)
        assert "green" in said.text, said.text
    # Its stages are in dvc.yaml, and real dvc builds them.
    path = f"{parent().as_program}{os.pathsep}{copied.environ()['PATH']}"
    built = copied.command("dvc", "repro", "fills@green", PATH=path)
    assert built.code == 0, built.text
    assert {file.parent.name for file in (copied.folder / "build" / "green").rglob("*.json")} >= {
        "orders",
        "fills",
    }
