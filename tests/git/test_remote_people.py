"""What only people can decide is left to them, and whoever works in a checked-out branch keeps their work."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from my_dagster_project.git.remote import Remote
from tests.support.gitrepo import empty_repo, git
from tests.support.two_sides import POINTER, YAML


class TestPeopleDecide:
    def test_a_persons_commit_on_the_server_is_left_and_the_command_resolves_it(self, sides):
        git(sides.server, "switch", "-q", "red")
        mine = sides.person_commits("README", "mine\n", folder=sides.server, push=False)
        ours = sides.platform_commits(POINTER)
        theirs = sides.person_commits(YAML, "team: crimson\n")
        done = sides.sync()
        assert (done.fetched, done.integrated, done.pushed) == (theirs, "conflict", False)
        assert f"{mine[:10]} (A Person: We change README)" in done.warning
        assert sides.heads() == {ours, theirs}
        (sides.server / "untracked").write_text("kept\n")
        _run(done.warning, r"on top of the remote's: (.*)$")
        assert sides.sync().pushed
        assert (sides.read("README"), sides.read(POINTER)) == (("mine\n",) * 2, ("1\n",) * 2)
        sides.assert_whole()

    @pytest.mark.parametrize(
        ("change", "mode"), [(YAML, "write"), ("configs/teams.yaml", "write"), (POINTER, "delete")]
    )
    def test_nothing_but_pointers_counts_as_the_platforms(self, sides, change, mode):
        """Whoever takes the platform's name: a configuration is never rewritten, and neither is a removal."""
        sides.platform_commits(POINTER)
        sides.sync()
        git(sides.server, "switch", "-q", "red")
        (sides.server / change).write_text("x") if mode == "write" else (sides.server / change).unlink()
        name = ("-c", "user.name=trading platform", "-c", "user.email=platform@localhost")
        git(sides.server, "add", "-A")
        done = subprocess.run(["git", *name, "commit", "-qm", "?"], cwd=sides.server, capture_output=True)
        assert done.returncode == 0, done.stderr
        git(sides.team, "pull", "-q")
        sides.person_commits("README", "theirs\n")
        assert sides.sync().integrated == "conflict"

    def test_a_pointer_a_person_committed_on_the_server_is_theirs(self, sides):
        git(sides.server, "switch", "-q", "red")
        mine = sides.person_commits(POINTER, "mine\n", folder=sides.server, push=False)
        sides.person_commits(POINTER, "theirs\n")
        assert (sides.sync().integrated, sides.repo.head("red")) == ("conflict", mine)

    @pytest.fixture
    def rewritten(self, sides) -> str:
        """The team amends a commit that we have had, while the platform goes on."""
        old = sides.person_commits(YAML, "team: wrong\n")
        sides.platform_commits("assets/a.dvc")
        sides.sync()
        git(sides.team, "reset", "-q", "--hard", old)
        sides.platform_commits("assets/b.dvc")
        (sides.team / YAML).write_text("team: right\n")
        git(sides.team, "commit", "-q", "--amend", "-am", "Amended")
        git(sides.team, "push", "-q", "--force", "origin", "red")
        return old

    def test_a_rewritten_history_can_be_followed(self, sides, rewritten):
        before = sides.heads()
        done = sides.sync()
        assert (done.integrated, done.pushed, sides.heads()) == ("conflict", False, before)
        assert "rewritten on the remote, without commits of people it had before:" in done.warning
        assert rewritten[:10] in done.warning
        _run(done.warning, r"leave them out here too: (.*) To bring")
        assert git(sides.server, "branch", "--show-current") == "main"
        assert sides.sync().pushed
        assert sides.read(YAML) == ("team: right\n",) * 2
        assert (sides.read("assets/a.dvc"), sides.read("assets/b.dvc")) == (("1\n",) * 2,) * 2
        sides.assert_whole()

    def test_commits_of_people_cut_off_on_the_remote_are_not_pushed_again_unasked(self, sides):
        first = sides.repo.head("red")
        cut = sides.person_commits(YAML, "team: crimson\n")
        sides.sync()
        git(sides.team, "push", "-q", "--force", "origin", f"{first}:red")
        for _ in range(2):
            done = sides.sync()
            assert (done.integrated, done.pushed, sides.heads()) == ("conflict", False, {first, cut})
        _run(done.warning, r"To bring them back there: (.*)$")
        assert sides.heads() == {cut}
        assert sides.sync().warning == ""

    def test_a_newer_push_that_another_process_saw_first_is_no_rewritten_history(self, sides, monkeypatch):
        """4 in 120 concurrent syncs told people so, with a command that would have dropped their commits."""
        old = sides.repo.head("red")
        tips = Remote.tips

        def overtaken(self, branches):
            answer = tips(self, branches)
            monkeypatch.setattr(Remote, "tips", tips)
            sides.person_commits(YAML, "team: crimson\n")
            assert sides.sync().integrated == "fast-forward"
            # As the slower fetch of a third process leaves our copy.
            git(sides.server, "update-ref", "refs/remotes/origin/red", old)
            monkeypatch.setattr(Remote, "fetch", lambda *_: old)
            return answer

        monkeypatch.setattr(Remote, "tips", overtaken)
        done = sides.sync()
        assert (done.integrated, done.warning) == ("nothing", "")
        assert sides.read(YAML) == ("team: crimson\n",) * 2

    def test_versions_cut_off_on_the_remote_come_back(self, sides):
        first = sides.repo.head("red")
        sides.platform_commits(POINTER)
        sides.sync()
        git(sides.team, "push", "-q", "--force", "origin", f"{first}:red")
        assert sides.sync().pushed
        assert sides.read(POINTER) == ("1\n",) * 2

    def test_a_branch_deleted_on_the_remote_goes_on_here_and_can_be_brought_back(self, sides):
        git(sides.team, "push", "-q", "--delete", "origin", "red")
        sha = sides.platform_commits(POINTER)
        done = sides.sync()
        assert (done.fetched, done.integrated, done.pushed) == (None, "no such branch", False)
        _run(done.warning, r"To have it there again: (.*)$")
        assert (sides.heads(), sides.sync().warning) == ({sha}, "")

    def test_an_unrelated_history_is_left_alone(self, sides, tmp_path):
        other = empty_repo(tmp_path / "other")
        git(other, "commit", "-q", "--allow-empty", "-m", "elsewhere")
        git(other, "push", "-q", "--force", str(sides.remote), "main:red")
        before = sides.repo.head("red")
        assert (sides.sync().integrated, sides.repo.head("red")) == ("conflict", before)


class TestCheckedOut:
    """Somebody has the branch checked out on the server, with work under way."""

    @pytest.fixture
    def tree(self, sides) -> Path:
        sides.platform_commits("assets/a.dvc", "old\n")
        sides.sync()
        git(sides.server, "switch", "-q", "red")
        git(sides.team, "pull", "-q")
        (sides.server / "README").write_text("edited\n")
        (sides.server / "staged").write_text("staged\n")
        git(sides.server, "add", "staged")
        (sides.server / "untracked").write_text("untracked\n")
        return sides.server

    def test_edits_staged_and_untracked_files_survive_a_rebase(self, sides, tree):
        before = git(tree, "status", "--porcelain")
        sides.platform_commits("assets/b.dvc")
        (sides.team / "assets" / "a.dvc").unlink()
        git(sides.team, "add", "-A")
        sides.person_commits(YAML, "team: crimson\n")
        os.utime(tree / YAML, (1, 1))
        done = sides.sync()
        assert (done.integrated, done.pushed, done.warning) == ("rebased", True, "")
        assert git(tree, "status", "--porcelain") == before
        assert ((tree / "README").read_text(), (tree / YAML).read_text()) == ("edited\n", "team: crimson\n")
        assert (tree / "assets" / "b.dvc").exists()
        assert not (tree / "assets" / "a.dvc").exists()
        sides.assert_whole()

    def test_an_edit_of_the_very_file_is_kept_and_said_and_all_else_follows(self, sides, tree):
        sides.person_commits("README", "theirs\n", push=False)
        sides.person_commits("untracked", "theirs\n", push=False)
        sides.person_commits("staged", "theirs\n", push=False)
        sides.person_commits(YAML, "team: crimson\n")
        done = sides.sync()
        assert done.integrated == "fast-forward"
        assert "The branch changed README, staged, untracked, which" in done.warning
        assert [(tree / name).read_text() for name in ("README", "staged", "untracked", YAML)] == [
            *("edited\n", "staged\n", "untracked\n", "team: crimson\n")
        ]
        assert git(tree, "status", "--porcelain").splitlines() == [" M README", "M  staged", " M untracked"]
        assert sides.sync().warning == ""

    def test_a_work_tree_that_cannot_follow_now_follows_later(self, sides, tree, monkeypatch):
        monkeypatch.setattr("my_dagster_project.git.work_tree_edits._PAUSE", 0.0)
        lock = tree / ".git" / "index.lock"
        lock.write_text("")
        sides.person_commits(YAML, "team: crimson\n")
        done = sides.sync()
        assert (done.integrated, (tree / YAML).read_text()) == ("fast-forward", "team: red\n")
        assert f"{tree} could not follow" in done.warning
        lock.unlink()
        sides.platform_commits("assets/b.dvc")
        assert sides.sync().warning == ""
        assert (tree / YAML).read_text() == "team: crimson\n"
        assert git(tree, "status", "--porcelain").splitlines() == [" M README", "A  staged", "?? untracked"]

    def test_a_linked_work_tree_follows_too(self, sides, tmp_path):
        git(sides.server, "worktree", "add", "-q", str(tmp_path / "linked tree"), "red")
        sides.person_commits(YAML, "team: crimson\n")
        sides.sync()
        assert (tmp_path / "linked tree" / YAML).read_text() == "team: crimson\n"
        assert git(tmp_path / "linked tree", "status", "--porcelain") == ""


def _run(warning: str, pattern: str) -> None:
    """Do what a warning says, in a shell."""
    found = re.search(pattern, warning)
    assert found, warning
    name = {
        f"GIT_{who}_{what}": "p@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(["sh", "-c", found[1]], env={**os.environ, **name}, capture_output=True, text=True)
    assert done.returncode == 0, found[1] + done.stdout + done.stderr
