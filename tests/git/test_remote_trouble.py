"""A remote that is away, refuses or hangs, processes killed half-way, and everybody at once: no commit is lost."""

import signal
import socket
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from my_dagster_project.git import process, remote_sync, remote_talk
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.process import ENV, run_git
from my_dagster_project.git.remote import Remote
from my_dagster_project.git.remote_sync import sync_all
from my_dagster_project.git.remote_talk import without_credentials
from my_dagster_project.history.commits import commit_pending
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_store
from tests.support.draws import size
from tests.support.gitrepo import git
from tests.support.loopback import Loopback, Reply
from tests.support.two_sides import POINTER, YAML, Sides, sync_branch

DVC = str(Path(sys.executable).with_name("dvc"))
LATER = "Nothing is lost: the next synchronisation tries again."


class TestTheRemoteFails:
    def test_a_remote_that_is_away_is_asked_once_and_a_warning_for_each_branch(self, sides):
        sha = sides.platform_commits("assets/a.dvc")
        sides.remote.rename(sides.remote.with_suffix(".away"))
        first, second = sync_all(sides.repo, "origin", ["red", "blue"])
        assert first.warning.startswith("Could not ask origin from ")
        assert first.warning.endswith(LATER)
        assert (first.fetched, first.integrated, first.pushed, sides.repo.head("red")) == (
            *(None, "nothing", False),
            sha,
        )
        assert second.warning == first.warning
        sides.remote.with_suffix(".away").rename(sides.remote)
        assert sides.sync().pushed

    def test_a_remote_nobody_configured_and_a_folder_without_repository_are_warnings(self, sides, tmp_path):
        assert "Could not ask elsewhere" in sync_branch(sides.repo, "elsewhere", "red").warning
        assert "--upload-pack" in sync_branch(sides.repo, "--upload-pack=x", "red").warning
        for folder in (tmp_path, tmp_path / "nowhere"):
            [done] = sync_all(BranchRepo(folder), "origin", ["red"])
            assert (done.integrated, done.pushed) == ("nothing", False)
            assert str(folder) in done.warning

    def test_one_branch_that_fails_does_not_stop_the_others(self, sides):
        git(sides.team, "push", "-q", "origin", "red:blue")
        lock = sides.server / ".git" / "refs" / "heads" / "red.lock"
        lock.write_text("")
        sides.person_commits(YAML, "team: crimson\n")
        red, blue = sync_all(sides.repo, "origin", ["red", "blue"])
        assert "'red' could not be moved" in red.warning
        assert "red.lock" in red.warning
        assert (blue.integrated, blue.warning) == ("fast-forward", "")

    def test_a_wrong_password_is_said_without_the_password(self, sides):
        refuse = Reply(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})
        with Loopback((refuse,)) as server:
            url = server.url.replace("://", "://user:pass%40word-secret@") + "/x.git"
            for remote in (url, "named"):
                git(sides.server, "config", "remote.named.url", url)
                done = sync_branch(sides.repo, remote, "red")
                assert "Could not ask " in done.warning
                assert "Authentication failed" in done.warning
                assert "secret" not in str(done)
        assert "secret" not in git(sides.server, "for-each-ref")

    def test_a_remote_that_keeps_silent_is_asked_once_and_leaves_no_process(self, sides, monkeypatch):
        monkeypatch.setattr("my_dagster_project.git.remote._SECONDS", 1.0)
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://user:secret@127.0.0.1:{server.getsockname()[1]}/x.git"
            started = time.monotonic()
            done = sync_all(sides.repo, url, ["red", "blue", "green"])
            assert time.monotonic() - started < 5
        port = url.split(":")[-1]
        assert {each.warning for each in done} == {
            f"http://127.0.0.1:{port} did not answer within 1 s. {LATER}"
        }
        assert port not in subprocess.run(["ps", "ax", "-o", "args"], capture_output=True, text=True).stdout

    def test_a_branch_that_takes_too_long_keeps_no_other_waiting(self, sides, monkeypatch):
        """The remote answers, so it is not silent: one team's gigabytes of zeros stood before every team after it."""
        git(sides.team, "push", "-q", "origin", "red:blue")
        sides.person_commits(YAML, "team: crimson\n")
        asked = sides.server / "asked"
        slow = sides.server / "slow"
        # Of the questions what is there, red, what is there, blue.
        slow.write_text(
            f'#!/bin/sh\necho >>{asked}\n[ $(wc -l <{asked}) = 2 ] && sleep 30\nexec git-upload-pack "$@"\n'
        )
        slow.chmod(0o755)
        git(sides.server, "config", "remote.origin.uploadpack", str(slow))
        monkeypatch.setattr("my_dagster_project.git.remote._SECONDS", 1.5)
        red, blue = sync_all(sides.repo, "origin", ["red", "blue"])
        assert "did not answer within 2 s" in red.warning
        assert (blue.integrated, blue.warning) == ("fast-forward", "")

    def test_what_is_large_is_never_held_and_what_must_be_held_costs_its_branch_alone(
        self, sides, monkeypatch
    ):
        """400 MB of zeros took as much memory in the fetch, and again where two sides had changed one file."""
        for side in (sides.remote, sides.team):
            git(side, "config", "core.bigFileThreshold", "1m")
        git(sides.team, "push", "-q", "origin", "red:blue", "red:green")
        sides.platform_commits(POINTER)
        sides.person_commits(POINTER, "\0" * 20_000_000)
        long = run_git(sides.team, "commit-tree", "red^{tree}", "-p", "red", stdin=b"x" * 20_000_000).text
        git(sides.team, "push", "-q", "origin", f"{long}:blue")
        narrow = tuple(word.replace("=256m", "=8m") for word in ENV)
        for module in (process, remote_talk):
            monkeypatch.setattr(module, "ENV", narrow)
        red, blue, green = sync_all(sides.repo, "origin", ["red", "blue", "green"])
        # Its push is another matter: the other side is in this process' charge here, and holds blue's message.
        assert red.integrated == "rebased"
        assert sides.repo.read_file("red", POINTER) == b"1\n"
        assert "attempting to allocate" in blue.warning
        assert (green.integrated, green.warning) == ("fast-forward", "")

    def test_a_branch_of_a_thousand_million_files_is_left_where_it_is_and_the_others_go_on(
        self, sides, monkeypatch
    ):
        monkeypatch.setattr(remote_sync, "_MOST_NAMES", 100_000)
        here = sides.repo.head("red")
        tree = git(sides.remote, "rev-parse", "red^{tree}")
        for _ in range(30):
            listing = "".join(f"040000 tree {tree}\t{name}\n" for name in "ab")
            tree = run_git(sides.remote, "mktree", stdin=listing.encode()).text
        git(sides.remote, "update-ref", "refs/heads/blue", "red")
        bomb = git(sides.remote, "commit-tree", "-p", "red", "-m", "odd", tree)
        git(sides.remote, "update-ref", "refs/heads/red", bomb)
        sides.platform_commits("assets/a.dvc")
        red, blue = sync_all(sides.repo, "origin", ["red", "blue"])
        assert "there are more files than anybody can mean" in red.warning
        assert (red.integrated, blue.integrated, blue.warning) == ("nothing", "fast-forward", "")
        assert git(sides.server, "merge-base", "red", here) == here

    def test_a_commit_without_a_message_that_is_taken_back_is_named_by_its_sha(self, sides):
        git(sides.team, "commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "")
        sha = git(sides.team, "rev-parse", "HEAD")
        git(sides.team, "push", "-q", "origin", "red")
        assert sides.sync().warning == ""
        git(sides.team, "push", "-q", "--force", "origin", "red^:red")
        assert f"{sha[:10]} (A Person: )" in sides.sync().warning

    def test_a_push_the_remote_refuses_is_a_warning_with_its_words(self, sides):
        hook = sides.remote / "hooks" / "pre-receive"
        hook.write_text("#!/bin/sh\necho protected branch >&2\nexit 1\n")
        hook.chmod(0o755)
        theirs = sides.repo.head("red")
        sha = sides.platform_commits("assets/a.dvc")
        done = sides.sync()
        assert (done.fetched, done.pushed, sides.heads()) == (theirs, False, {theirs, sha})
        assert "Could not push 'red' to origin: [remote rejected] (pre-receive hook declined)" in done.warning
        assert "protected branch" in done.warning
        hook.unlink()
        assert sides.sync().pushed

    @pytest.mark.parametrize(
        "text",
        ["at https://u:p@h/x", "https://u:p@ss@h/x", "https://token@h/x", "'ssh://u:p@h:22/x': https://u@h"],
    )
    def test_addresses_lose_their_credentials(self, text):
        cut = without_credentials(text)
        assert "@" not in cut
        assert "://h" in cut


KILLED_AT = {
    "after the fetch": "remote_plan.plan",
    "before the branch moves": "remote_refs.BranchRefs.move",
    "before the work tree follows": "following.follow_around_edits",
    "after the work tree followed": "following.forget",
    "before the push": "remote.Remote.push",
    "after the push": "remote_refs.BranchRefs.agree",
}


@pytest.mark.parametrize("point", KILLED_AT)
def test_kill_9_between_any_two_steps_is_completed_by_the_next(sides, point):
    git(sides.server, "switch", "-q", "red")
    (sides.server / "README").write_text("edited\n")
    sides.platform_commits("assets/a.dvc")
    sides.person_commits(YAML, "team: crimson\n")
    module, *names = KILLED_AT[point].split(".")
    script = textwrap.dedent(f"""
        import os, signal
        from my_dagster_project.git import branch as git_branch, remote_sync
        from my_dagster_project.git import {module}
        if {module!r} == "remote_plan":
            remote_plan = remote_sync
        {module}.{".".join(names)} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        remote_sync.sync_all(git_branch.BranchRepo(git_branch.Path({str(sides.server)!r})), "origin", ["red"])
    """)
    assert subprocess.run([sys.executable, "-c", script]).returncode == -signal.SIGKILL
    git(sides.team, "pull", "-q", "--rebase")
    sides.person_commits(YAML, "team: scarlet\n")
    assert sides.sync().warning == ""
    assert (sides.read(YAML), sides.read("assets/a.dvc")) == (("team: scarlet\n",) * 2, ("1\n",) * 2)
    assert git(sides.server, "status", "--porcelain") == " M README"
    sides.assert_whole()


@pytest.mark.slow
@pytest.mark.parametrize("commits", [size(5, 25)])
def test_processes_commit_and_sync_while_a_person_pushes_and_nothing_is_lost(sides, commits):
    """4 x 25 pointers against 10 configurations, with the branch checked out and dirty on the server."""
    configurations = commits * 2 // 5
    git(sides.server, "switch", "-q", "red")
    (sides.server / "README").write_text("edited\n")
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        platform = processes.map(_commit_often, [sides] * 4, range(4), [commits] * 4)
        _push_configurations(sides, configurations)
        unexpected = [text for texts in platform for text in texts if "before we could" not in text]
    assert unexpected == []
    assert sides.sync().warning == ""
    assert git(sides.server, "status", "--porcelain") == " M README"
    subjects = git(sides.remote, "log", "--format=%s", "red").splitlines()
    assert sorted(subjects) == sorted(
        [
            *("first", *(f"We change configs/{n}" for n in range(configurations))),
            *(f"Materialize {who} {n}" for who in range(4) for n in range(commits)),
        ]
    )
    files = git(sides.remote, "ls-tree", "-r", "--name-only", "red").splitlines()
    assert (len([f for f in files if f.endswith(".dvc")]), len([f for f in files if "configs/" in f])) == (
        4 * commits,
        configurations + 1,
    )
    sides.assert_whole()


def _commit_often(sides: Sides, who: int, commits: int) -> list[str]:
    """Two of the four processes sync as well, one after each commit, one now and then."""
    warnings = []
    for number in range(commits):
        sides.platform_commits(f"assets/{who}-{number}.dvc", message=f"Materialize {who} {number}")
        if who == 0 or (who == 1 and number % 5 == 0):
            warnings.append(sides.sync().warning)
    return [warning for warning in warnings if warning]


def _push_configurations(sides: Sides, count: int) -> None:
    for number in range(count):
        sides.person_commits(f"configs/{number}", str(number), push=False)
        while not _pushed(sides):
            git(sides.team, "pull", "-q", "--rebase", "origin", "red")


def _pushed(sides: Sides) -> bool:
    done = subprocess.run(["git", "push", "-q", "origin", "red"], cwd=sides.team, capture_output=True)
    return done.returncode == 0


@pytest.mark.slow
def test_versions_synced_are_pulled_by_dvc_in_a_fresh_clone_of_the_remote(sides, tmp_path):
    assets = AssetStore(*(open_store((tmp_path / name).as_uri()) for name in ("store", "dvc")))
    for text in (b"first", b"second"):
        assets.write(("red", "AAPL", "model"), {"model.onnx": text}, replace=True, record={"run_id": "r1"})
        commit_pending(assets, sides.server, lambda owner: owner, lambda _: assets.contents.remote.url)
        git(sides.team, "pull", "-q", "--rebase")
        sides.person_commits(YAML, f"team: {text.decode()}\n")
        assert sides.sync().integrated == "rebased"
    git(tmp_path, "clone", "-q", "-b", "red", str(sides.remote), "fresh")
    done = subprocess.run([DVC, "pull"], cwd=tmp_path / "fresh", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "fresh/assets/red/AAPL/model/model.onnx").read_bytes() == b"second"
    assert (tmp_path / "fresh" / YAML).read_text() == "team: second\n"
    assert git(tmp_path / "fresh", "status", "--porcelain") == ""


def test_two_processes_that_fetch_the_same_branch_wait_for_each_other(sides):
    for number in range(3):
        sides.person_commits(YAML, f"team: r{number}\n")
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
            shas = set(processes.map(_fetch, [sides.server] * 2))
        assert shas == {git(sides.remote, "rev-parse", "red")}


def _fetch(folder: Path) -> str | None:
    return Remote(folder, "origin").fetch("red")
