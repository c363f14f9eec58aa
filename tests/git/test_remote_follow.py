"""The platform's own clone follows main, with its files, and never loses or pushes anything there."""

from pathlib import Path

import pytest

from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.remote import Remote
from my_dagster_project.git.remote_sync import Synced, sync_all
from tests.support.gitrepo import git, repo_with_a_commit

REGISTRY = "configs/teams.yaml"


class Sides:
    """The organiser's clone, the bare remote and the platform's clone, all with main and red."""

    def __init__(self, folder: Path) -> None:
        self.organiser = repo_with_a_commit(folder / "organiser")
        git(self.organiser, "branch", "red")
        git(folder, "clone", "-q", "--bare", str(self.organiser), "remote.git")
        self.remote = folder / "remote.git"
        git(self.organiser, "remote", "add", "origin", str(self.remote))
        git(folder, "clone", "-q", str(self.remote), "platform")
        self.clone = folder / "platform"

    def organiser_pushes(self, path: str = REGISTRY, text: str = "teams: 1\n", *force: str) -> str:
        (self.organiser / path).parent.mkdir(exist_ok=True)
        (self.organiser / path).write_text(text)
        git(self.organiser, "add", path)
        git(self.organiser, "commit", "-q", "-m", f"change {path}")
        git(self.organiser, "push", "-q", *force, "origin", "main")
        return git(self.organiser, "rev-parse", "main")

    def sync(self) -> Synced:
        return sync_all(BranchRepo(self.clone), str(self.remote), ["red"], follow="main")[0]

    def at(self, folder: Path) -> str:
        return git(folder, "rev-parse", "refs/heads/main")


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    made = Sides(tmp_path)
    assert made.sync().warning == ""
    return made


def test_what_the_organiser_pushed_arrives_with_its_files(sides):
    pushed = sides.organiser_pushes()
    done = sides.sync()
    assert (done.branch, done.fetched, done.integrated, done.pushed, done.warning) == (
        *("main", pushed),
        *("fast-forward", False, ""),
    )
    assert (sides.clone / REGISTRY).read_text() == "teams: 1\n"
    assert git(sides.clone, "status", "--porcelain") == ""


def test_a_file_the_organiser_removed_is_gone_here(sides):
    git(sides.organiser, "rm", "-q", "configs/red.yaml")
    sides.organiser_pushes()
    sides.sync()
    assert not (sides.clone / "configs" / "red.yaml").exists()


def test_branches_are_synced_after_it(sides):
    sides.organiser_pushes()
    sha = BranchRepo(sides.clone).commit_files("red", {"assets/a.dvc": b"1\n"}, "Materialize", {})
    main, red = sync_all(BranchRepo(sides.clone), str(sides.remote), ["red"], follow="main")
    assert (main.integrated, red.pushed) == ("fast-forward", True)
    assert git(sides.remote, "rev-parse", "red") == sha


def test_a_commit_made_here_is_never_pushed_nor_lost_and_said(sides):
    git(sides.clone, "commit", "-q", "--allow-empty", "-m", "quick fix on the server")
    here, there = sides.at(sides.clone), sides.at(sides.remote)
    done = sides.sync()
    assert (done.integrated, sides.at(sides.clone), sides.at(sides.remote)) == ("conflict", here, there)
    assert f"git -C {sides.clone} reset --keep" in done.warning
    sides.organiser_pushes()
    assert sides.sync().warning == done.warning
    follow_advice(done.warning)
    assert sides.sync().warning == ""
    assert (sides.clone / REGISTRY).read_text() == "teams: 1\n"
    assert git(sides.clone, "rev-parse", f"main-{here[:10]}") == here


def test_a_history_rewritten_there_is_not_taken_over_silently(sides):
    sides.organiser_pushes()
    sides.sync()
    git(sides.organiser, "commit", "-q", "--amend", "-m", "it was never like that")
    sides.organiser_pushes(REGISTRY, "teams: 2\n", "--force")
    done = sides.sync()
    assert done.integrated == "conflict"
    assert (sides.clone / REGISTRY).read_text() == "teams: 1\n"
    follow_advice(done.warning)
    assert (sides.clone / REGISTRY).read_text() == "teams: 2\n"
    assert sides.sync().warning == ""


def test_a_newer_push_that_another_process_followed_first_needs_no_reset(sides, monkeypatch):
    tips = Remote.tips

    def overtaken(self, branches):
        answer = tips(self, branches)
        monkeypatch.setattr(Remote, "tips", tips)
        sides.organiser_pushes()
        assert sides.sync().integrated == "fast-forward"
        return answer

    monkeypatch.setattr(Remote, "tips", overtaken)
    assert sides.sync().warning == ""


@pytest.mark.parametrize("path", ["README", "configs/red.yaml"])
def test_an_edit_in_the_clone_is_kept_and_said_until_it_is_gone(sides, path):
    (sides.clone / path).write_text("edited on the server\n")
    sides.organiser_pushes("configs/red.yaml", "team: crimson\n")
    for done in (sides.sync(), sides.sync()):
        assert f"somebody edited {path} there, and that is what counts now" in done.warning
    assert (sides.clone / path).read_text() == "edited on the server\n"
    follow_advice(done.warning)
    assert sides.sync().warning == ""
    assert (sides.clone / "configs/red.yaml").read_text() == "team: crimson\n"
    assert git(sides.clone, "status", "--porcelain") == ""


def test_a_file_merely_touched_or_untracked_is_no_edit(sides):
    (sides.clone / "README").write_text((sides.clone / "README").read_text())
    (sides.clone / "notes").write_text("mine\n")
    assert sides.sync().warning == ""


def test_another_branch_checked_out_is_said_and_main_follows_all_the_same(sides):
    git(sides.clone, "switch", "-q", "red")
    pushed = sides.organiser_pushes()
    done = sides.sync()
    assert f"has red checked out. Do: git -C {sides.clone} switch main" in done.warning
    assert sides.at(sides.clone) == pushed
    follow_advice(done.warning)
    assert sides.sync().warning == ""


def test_a_remote_without_main_leaves_ours(sides):
    here = sides.at(sides.clone)
    git(sides.remote, "update-ref", "-d", "refs/heads/main")
    done = sides.sync()
    assert (done.integrated, sides.at(sides.clone)) == ("no such branch", here)
    assert "There is no branch 'main' on" in done.warning


def follow_advice(warning: str) -> None:
    """Run the commands that the warning ends with, as a person would."""
    for command in warning[warning.index("git -C ") :].split(" && "):
        _, _, folder, *words = command.split()
        git(Path(folder), *words)
