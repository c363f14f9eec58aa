"""Logging in at a git host that asks for an account: nothing of it in arguments, files or messages."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from my_dagster_project.foundation.errors import PassingError, VersioningError
from my_dagster_project.foundation.git_login import GitLogin, split_address
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.remote import Remote
from my_dagster_project.git.remote_clone import clone_project
from my_dagster_project.git.remote_sync import sync_all
from my_dagster_project.git.remote_talk import RemoteError
from tests.support.git_host import PASSWORDS, GitHost, git_host
from tests.support.gitrepo import empty_repo, git
from tests.support.loopback import Loopback, Reply

LOGIN = GitLogin("platform", PASSWORDS["platform"])


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    source = empty_repo(tmp_path / "source")
    (source / "configs").mkdir()
    (source / "configs" / "teams.yaml").write_text("teams: {red: {branch: red}}\n")
    git(source, "add", ".")
    git(source, "commit", "-q", "-m", "first")
    git(source, "branch", "red")
    with git_host(tmp_path / "host", source / ".git") as served:
        yield served


class TestTheClone:
    def test_is_made_with_main_checked_out_and_then_left_alone(self, host, tmp_path):
        folder = tmp_path / "state" / "repo"
        assert clone_project(host.url, folder, LOGIN) == f"{folder} was cloned from {host.url}."
        assert (folder / "configs" / "teams.yaml").is_file()
        git(folder, "commit", "-q", "--allow-empty", "-m", "here")
        here = git(folder, "rev-parse", "HEAD")
        assert "is there already" in clone_project(host.url, folder, LOGIN)
        assert git(folder, "rev-parse", "HEAD") == here

    def test_knows_no_account_also_when_the_address_has_one(self, host, tmp_path):
        folder = tmp_path / "repo"
        for _ in range(2):  # made, and found
            clone_project(host.as_user("platform"), folder, None)
            assert git(folder, "config", "remote.origin.url") == host.url
        texts = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
        assert not [text for text in texts if PASSWORDS["platform"].encode() in text]

    @pytest.mark.parametrize("login", [None, GitLogin("platform", "not-the-word")])
    def test_with_the_wrong_account_says_so_and_leaves_nothing(self, host, tmp_path, login):
        folder = tmp_path / "state" / "repo"
        with pytest.raises(
            RemoteError, match="did not accept the platform's account; check GIT_USER"
        ) as caught:
            clone_project(host.url, folder, login)
        assert not isinstance(caught.value, PassingError)
        assert "not-the-word" not in str(caught.value)
        assert list(folder.parent.iterdir()) == []

    def test_of_a_repository_without_main_says_what_to_push(self, host, tmp_path):
        git(host.repo, "update-ref", "-d", "refs/heads/main")
        with pytest.raises(VersioningError, match="has no branch 'main' yet: push this project's there"):
            clone_project(host.url, tmp_path / "repo", LOGIN)

    def test_of_a_host_that_is_not_up_yet_is_worth_another_try(self, host, tmp_path):
        host.stop()
        with pytest.raises(PassingError, match="could not be cloned"):
            clone_project(host.url, tmp_path / "repo", LOGIN)

    def test_goes_into_an_empty_folder_and_never_over_files(self, host, tmp_path):
        folder = tmp_path / "repo"
        folder.mkdir()
        (tmp_path / "repo.cloning").mkdir()  # of a clone that was killed
        clone_project(host.url, folder, LOGIN)
        other = tmp_path / "other"
        other.mkdir()
        (other / "mine").write_text("x")
        with pytest.raises(VersioningError, match="neither empty nor a clone"):
            clone_project(host.url, other, LOGIN)


class TestSyncing:
    @pytest.fixture
    def clone(self, host, tmp_path) -> BranchRepo:
        clone_project(host.url, tmp_path / "repo", LOGIN)
        return BranchRepo(tmp_path / "repo")

    def test_fetches_and_pushes_with_the_account_by_address_or_name(self, host, clone):
        for number, remote in enumerate((host.url, "origin")):
            clone.ensure_branch("red")
            sha = clone.commit_files("red", {f"assets/{number}.dvc": b"1\n"}, "Materialize", {})
            main, red = sync_all(clone, remote, ["red"], login=LOGIN, follow="main")
            assert (main.warning, red.warning, red.pushed) == ("", "", True)
            assert git(host.repo, "rev-parse", "red") == sha

    def test_what_the_hook_refuses_is_a_warning_with_its_words(self, host, clone):
        clone.ensure_branch("secret-plan")
        [done] = sync_all(clone, host.url, ["secret-plan"], login=LOGIN)
        assert "secret-plan is no branch of the competition; the platform pushes" in done.warning

    def test_without_or_with_the_wrong_account_is_one_warning_without_it(self, host, clone):
        for login in (None, replace(LOGIN, password="not-the-word")):
            done = sync_all(clone, host.url, ["red", "blue"], login=login, follow="main")
            assert len({one.warning for one in done}) == 1
            assert f"Could not ask {host.url} from " in done[0].warning
            assert "not-the-word" not in str(done)

    def test_asks_the_host_once_when_nothing_moved(self, host, clone):
        sync_all(clone, host.url, ["red"], login=LOGIN, follow="main")
        with git_host(host.folder / "again", host.folder, GIT_ROOT=str(host.folder / "srv")) as other:
            sync_all(clone, other.url, ["red"], login=LOGIN, follow="main")
            sync_all(clone, other.url, ["red"], login=LOGIN, follow="main")
            other.stop()  # so that its log is written to the end
            lines = other.log.splitlines()
        posts = [line for line in lines if '"POST' in line]
        # The first look at a new address asks and fetches the two branches; the second only asks.
        assert len(posts) == (1 + 2) + 1, posts


class TestTheAccount:
    def test_is_in_no_argument_of_any_process(self, tmp_path, monkeypatch):
        """A git that writes down how it was called, in front of the real one."""
        git_program = tmp_path / "bin" / "git"
        git_program.parent.mkdir()
        real = subprocess.run(["which", "git"], capture_output=True, text=True).stdout.strip()
        calls = tmp_path / "calls"
        git_program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {calls}\nexec {real} "$@"\n')
        git_program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{git_program.parent}:{os.environ['PATH']}")
        repo = empty_repo(tmp_path / "repo")
        refuse = Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        with Loopback((refuse,)) as server, pytest.raises(RemoteError):
            Remote(repo, f"{server.url}/x.git", GitLogin("bot", "pass-word-secret")).tips(["main"])
        assert any("authorization" in seen.headers for seen in server.seen)
        assert "ls-remote" in calls.read_text()
        assert "secret" not in calls.read_text()

    def test_is_told_to_its_host_only(self, tmp_path):
        repo = empty_repo(tmp_path / "repo")
        refuse = Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        with Loopback((refuse,)) as stranger:
            moved = Reply(
                status=302, headers={"Location": f"{stranger.url}/x.git/info/refs?service=git-upload-pack"}
            )
            with Loopback((moved,)) as ours, pytest.raises(RemoteError):
                Remote(repo, f"{ours.url}/x.git", GitLogin("bot", "pass-word-secret")).tips(["main"])
            assert stranger.seen
            assert not [seen for seen in stranger.seen if "authorization" in seen.headers]

    def test_is_shown_by_nothing(self):
        assert "secret" not in repr(GitLogin("bot", "pass-word-secret"))

    @pytest.mark.parametrize(
        ("address", "bare", "account"),
        [
            ("https://bot:to%40ken@h.org/x.git", "https://h.org/x.git", ("bot", "to@ken")),
            ("https://h.org:8443/x.git", "https://h.org:8443/x.git", None),
            ("https://bot@h.org/x.git", "https://h.org/x.git", None),
            ("ssh://git@h.org/x.git", "ssh://git@h.org/x.git", None),
            ("git@h.org:x.git", "git@h.org:x.git", None),
            ("origin", "origin", None),
            ("", "", None),
        ],
    )
    def test_is_taken_out_of_an_address(self, address, bare, account):
        found, login = split_address(address)
        assert found == bare
        assert (login and (login.user, login.password)) == account

    def test_settings_the_machine_gives_git_in_the_environment_stay(self):
        given = LOGIN.environment("https://h.org/x", {"GIT_CONFIG_COUNT": "2"})
        assert given["GIT_CONFIG_COUNT"] == "4"
        assert {"GIT_CONFIG_KEY_2", "GIT_CONFIG_KEY_3"} <= set(given)
        assert LOGIN.environment("git@h.org:x", {}) == {}
