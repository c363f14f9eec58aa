"""No session is missing from a branch's head, whoever else commits there."""

from pathlib import Path

import pytest

from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.history import healing
from my_dagster_project.history.commits import Committed, commit_pending, pointer_path
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_store
from tests.support.gitrepo import git
from tests.support.two_sides import Sides, sync_branch, two_sides
from tests.support.versions import read_version

PREDICTIONS = ("red", "AAPL", "predictions")
MODEL = ("red", "AAPL", "model")


@pytest.fixture
def assets(tmp_path: Path) -> AssetStore:
    return AssetStore(*(open_store((tmp_path / name).as_uri()) for name in ("store", "dvc")))


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return two_sides(tmp_path / "git")


def record(assets: AssetStore, clone: Path) -> list[Committed]:
    git_repo = BranchRepo(clone)
    healing.note_missing(assets, git_repo, "red", git_repo.head("red"), ["red"])
    done = commit_pending(assets, clone, lambda owner: owner, lambda _: assets.contents.remote.url)
    for one in done:
        healing.note_commit(git_repo, one.branch, one.sha)
    return done


def predict(assets: AssetStore, *sessions: int) -> None:
    for session in sessions:
        files = {f"{session:02}.parquet": str(session).encode()}
        assets.write(PREDICTIONS, files, replace=False, record={"run_id": "r"})


def sessions(assets: AssetStore, repo: Path) -> list[int]:
    return [int(name[:2]) for name in sorted(read_version(assets, repo, "red", PREDICTIONS))]


def test_two_clones_on_one_store_end_with_every_session(assets, sides, tmp_path):
    """25 of 48 sessions were in the store but not in red's pointer, with nothing pending and no warning."""
    other = tmp_path / "other"
    git(tmp_path, "clone", "-q", str(sides.remote), str(other))
    git(other, "branch", "red", "origin/red")
    for session in range(12):
        predict(assets, session)
        clone = (sides.server, other)[session % 2]
        record(assets, clone)
        if session % 4 == 3:
            assert [sync_branch(BranchRepo(one), "origin", "red").pushed for one in (sides.server, other)]
    for clone in (sides.server, other, sides.server):
        record(assets, clone)
        assert sync_branch(BranchRepo(clone), "origin", "red").warning == ""
    assert sessions(assets, sides.remote) == list(range(12))
    assert {git(one, "rev-parse", "red") for one in (sides.server, sides.remote)} == sides.heads()


def test_what_a_rebase_took_off_the_head_is_found_without_a_new_write_and_said(assets, sides):
    predict(assets, 1, 2)
    [first] = record(assets, sides.server)
    predict(assets, 3)
    record(assets, sides.server)
    assert record(assets, sides.server) == []
    git(sides.server, "update-ref", "refs/heads/red", first.sha)
    [made] = record(assets, sides.server)
    assert made.warnings == (
        "1 files of red/AAPL/predictions were in the store but not on branch red (two clones on one store, or a rebase);"
        " now they are.",
    )
    assert sessions(assets, sides.server) == [1, 2, 3]


@pytest.mark.parametrize("fresh", [False, True])
def test_a_head_from_before_the_first_version_gets_all_of_it_again(assets, sides, fresh):
    """After `git reset --hard HEAD~1` nothing was left to compare with, and nothing was said."""
    before = git(sides.server, "rev-parse", "red")
    predict(assets, 1, 2)
    assets.write(MODEL, {"a": b"1"}, replace=True, record={"run_id": "r"})
    record(assets, sides.server)
    record(assets, sides.server)
    git(sides.server, "update-ref", "refs/heads/red", before)
    if fresh:
        healing._seen.clear()
    [made] = record(assets, sides.server)
    assert {text.partition(" were")[0] for text in made.warnings} == {
        "2 files of red/AAPL/predictions", "1 files of red/AAPL/model",
    }  # fmt: skip
    assert sessions(assets, sides.server) == [1, 2]
    assert read_version(assets, sides.server, "red", MODEL) == {"a": b"1"}
    assert record(assets, sides.server) == []


def test_a_fresh_process_looks_at_all_and_one_that_has_looked_at_nothing(assets, sides, monkeypatch):
    predict(assets, 1, 2)
    record(assets, sides.server)
    record(assets, sides.server)
    asked = []
    added = AssetStore.added
    monkeypatch.setattr(AssetStore, "added", lambda self, asset: asked.append(asset) or added(self, asset))
    record(assets, sides.server)
    assert asked == []
    healing._seen.clear()
    record(assets, sides.server)
    assert asked == [PREDICTIONS]


def test_a_whole_is_what_the_store_has_and_an_unusable_pointer_is_left_to_the_next_write(assets, sides):
    assets.write(MODEL, {"a": b"1"}, replace=True, record={"run_id": "r"})
    predict(assets, 1)
    [made] = record(assets, sides.server)
    assets.write(MODEL, {"a": b"2", "b": b"2"}, replace=True, record={"run_id": "r"})
    record(assets, sides.server)
    git(sides.server, "update-ref", "refs/heads/red", made.sha)
    sides.repo.commit_files("red", {pointer_path(PREDICTIONS): b"<<<<<<<\n"}, "torn", {})
    assert [one.assets for one in record(assets, sides.server)] == [(MODEL,)]
    assert read_version(assets, sides.server, "red", MODEL) == {"a": b"2", "b": b"2"}
    assert record(assets, sides.server) == []


def test_what_was_cleared_does_not_come_back(assets, sides):
    predict(assets, 1, 2)
    record(assets, sides.server)
    assets.clear(PREDICTIONS, {"reset": "now"})
    predict(assets, 3)
    record(assets, sides.server)
    healing._seen.clear()
    assert record(assets, sides.server) == []
    assert sessions(assets, sides.server) == [3]
