"""What a team does with real dvc: pull its branch in a fresh clone, rebuild the offline path on main."""

import json
import os

import pytest

from tests.support.forks import parent
from tests.support.gitrepo import git

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pulled(finished, tmp_path_factory):
    clone = tmp_path_factory.mktemp("clones") / "clone"
    git(clone.parent, "clone", "-q", "-b", "red", str(finished.project.folder), str(clone))
    return clone, finished.project.command("dvc", "pull", cwd=clone)


def files_under(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".dvc" and not path.name.startswith(".")
    }


def test_dvc_pull_in_a_fresh_clone_of_a_branch_succeeds(pulled):
    _, done = pulled
    assert done.code == 0, done.text


def test_the_pulled_files_are_the_stored_ones_byte_for_byte(pulled, finished):
    clone, _ = pulled
    stored = files_under(finished.project.store / "red")
    assert len(stored) > 20
    assert files_under(clone / "assets" / "red") == stored


def test_the_clone_is_clean_after_the_pull_and_carries_the_teams_file(pulled):
    clone, _ = pulled
    assert git(clone, "status", "--porcelain") == ""
    assert "team: red" in (clone / "configs" / "red.yaml").read_text()


@pytest.mark.full
def test_dvc_repro_on_main_exports_the_chain_and_a_second_one_does_nothing(copied):
    # Each stage is a command, which would import everything anew.
    path = f"{parent().as_program}{os.pathsep}{copied.environ()['PATH']}"
    done = copied.command("dvc", "repro", PATH=path)
    assert done.code == 0, done.text
    build = copied.folder / "build"
    assert files_under(build / "red" / "models" / "AAPL" / "model") == files_under(
        copied.store / "red" / "AAPL" / "model"
    )
    assert json.loads((build / "competition" / "leaderboard" / "leaderboard.json").read_text())["teams"]
    before = (copied.stored(), copied.commits())
    again = copied.command("dvc", "repro", PATH=path)
    assert again.code == 0, again.text
    assert "Data and pipelines are up to date." in again.out
    assert "Running stage" not in again.out
    assert (copied.stored(), copied.commits()) == before


def test_dvc_dag_draws_every_stage(finished):
    done = finished.project.command("dvc", "dag")
    assert done.code == 0, done.text
    for stage in ("bars", "models@red", "predictions@blue", "orders@red", "leaderboard"):
        assert stage in done.out
