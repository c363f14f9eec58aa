"""Versions on branches, proven with the real dvc program on a folder and on MinIO."""

import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.history import commits as versions
from my_dagster_project.history.commits import (
    Committed,
    NotAllCommittedError,
    commit_pending,
    pointer_path,
)
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.dvc_format import object_key, parse_pointer
from tests.support.draws import size
from tests.support.folders import files_below
from tests.support.gitrepo import git, repo_with_a_commit
from tests.support.versions import read_version

DVC = str(Path(sys.executable).with_name("dvc"))
MODEL = ("red", "AAPL", "model")
PREDICTIONS = ("red", "AAPL", "predictions")
BARS = ("market", "AAPL", "bars")
# What a team does from a folder tests/e2e/test_dvc.py shows too.
of_a_bucket = pytest.mark.parametrize(
    "place", [pytest.param("file", marks=pytest.mark.full), "s3"], indirect=True
)
FILES = {"model.onnx": os.urandom(100_000), "meta/config ü.json": b"{}\r\n", "empty": b""}


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repo_with_a_commit(tmp_path / "repo")


@pytest.fixture
def commit(repo, assets):
    return lambda: commit_all(assets, repo)


def commit_all(assets: AssetStore, repo: Path) -> list[Committed]:
    return commit_pending(assets, repo, branch_of, lambda _owner: assets.contents.remote.url)


def branch_of(owner: str) -> str:
    return "platform" if owner in ("market", "competition") else owner


def write(assets, asset, files, *, replace=True, **record):
    assets.write(asset, files, replace=replace, record={"run_id": "r1", **record})


class TestCommitPending:
    def test_each_branch_gets_one_commit_of_what_its_owners_wrote(self, assets, repo, commit):
        write(assets, MODEL, FILES)
        write(assets, PREDICTIONS, {"2013-01-02": b"a"}, replace=False)
        write(assets, BARS, {"bars.parquet": b"b"})
        write(assets, ("competition", "leaderboard"), {"leaderboard.parquet": b"c"})
        platform, red = sorted(commit(), key=lambda done: done.branch)
        assert (platform.branch, platform.branch_created) == ("platform", True)
        assert platform.assets == (("competition", "leaderboard"), BARS)
        assert (red.branch, red.assets, red.sha) == (
            "red",
            (MODEL, PREDICTIONS),
            BranchRepo(repo).head("red"),
        )
        assert git(repo, "rev-list", "--count", "main..red") == "1"
        assert assets.pending.owners() == []

    def test_the_commit_says_run_configuration_and_metrics(self, assets, repo, commit):
        write(assets, MODEL, FILES, config_sha="abc", mae="0.011", mase="0.99")
        write(assets, PREDICTIONS, {"a": b"1"}, config_sha="abc")
        commit()
        assert git(repo, "log", "-1", "--format=%s%n%(trailers:only)", "red").splitlines() == [
            "Materialize red/AAPL/model and 1 more",
            "Dagster-Run: r1",
            "Config-Sha: abc",
            "Metrics: red/AAPL/model mae=0.011 mase=0.99",
        ]

    def test_nothing_pending_touches_nothing(self, repo, commit):
        assert commit() == []
        assert git(repo, "branch", "--list") == "* main"

    def test_unchanged_content_makes_no_commit(self, assets, commit):
        write(assets, MODEL, FILES)
        write(assets, PREDICTIONS, {"a": b"1"}, replace=False)
        assert len(commit()) == 1
        write(assets, MODEL, FILES)
        write(assets, PREDICTIONS, {"a": b"1"}, replace=False)
        assert commit() == []
        assert assets.pending.owners() == []

    def test_the_pointer_holds_the_assets_fingerprint_size_and_count(self, assets, repo, commit):
        write(assets, MODEL, FILES)
        write(assets, PREDICTIONS, {"a": b"1", "b": b"22"}, replace=False)
        commit()
        write(assets, PREDICTIONS, {"b": b"333", "c": b"4444"}, replace=False)
        commit()
        for asset, length in ((MODEL, 100_004), (PREDICTIONS, 8)):
            pointer = parse_pointer(BranchRepo(repo).read_file("red", pointer_path(asset)), "x")
            assert (pointer.md5, pointer.size, pointer.nfiles) == (assets.fingerprint(asset), length, 3)

    def test_sessions_add_up_over_commits(self, assets, repo, commit):
        write(assets, PREDICTIONS, {"1": b"a", "2": b"b"}, replace=False)
        commit()
        write(assets, PREDICTIONS, {"2": b"B"}, replace=False)
        write(assets, PREDICTIONS, {"3": b"c"}, replace=False)
        commit()
        assert read_version(assets, repo, "red", PREDICTIONS) == {"1": b"a", "2": b"B", "3": b"c"}

    def test_the_last_of_several_pending_wholes_wins(self, assets, repo, commit):
        write(assets, MODEL, {"a": b"1"})
        write(assets, MODEL, {"b": b"2"}, replace=False)
        write(assets, MODEL, {"c": b"3"})
        write(assets, MODEL, {"d": b"4"}, replace=False)
        commit()
        assert read_version(assets, repo, "red", MODEL) == {"c": b"3", "d": b"4"}

    @pytest.mark.parametrize("between", [True, False])
    def test_what_was_cleared_stays_in_the_versions_and_does_not_come_back(
        self, assets, repo, commit, between
    ):
        write(assets, PREDICTIONS, {"1": b"a", "2": b"b"}, replace=False)
        [before] = commit()
        assets.clear(PREDICTIONS, {"reset": "now"})
        if between:
            assert len(commit()) == 1
            assert read_version(assets, repo, "red", PREDICTIONS) == {}
        write(assets, PREDICTIONS, {"2": b"B"}, replace=False)
        commit()
        assert read_version(assets, repo, "red", PREDICTIONS) == {"2": b"B"}
        assert read_version(assets, repo, before.sha, PREDICTIONS) == {"1": b"a", "2": b"b"}

    @pytest.mark.parametrize(
        "pointer", [None, b"<<<<<<< HEAD\n", b"outs:\n- {md5: 00.dir, path: predictions}\n"]
    )
    def test_a_lost_or_damaged_pointer_loses_no_session(self, assets, repo, commit, pointer):
        write(assets, PREDICTIONS, {"1": b"a"}, replace=False)
        commit()
        if pointer is None:
            git(repo, "branch", "-q", "-D", "red")
        else:
            BranchRepo(repo).commit_files("red", {pointer_path(PREDICTIONS): pointer}, "torn merge", {})
        write(assets, PREDICTIONS, {"2": b"b"}, replace=False)
        commit()
        assert read_version(assets, repo, "red", PREDICTIONS) == {"1": b"a", "2": b"b"}

    @pytest.mark.parametrize(
        ("pointer", "said"),
        [
            (b"outs:\n- {md5: 2001-99-99, path: predictions}\n", "its md5 is not 32 hex digits"),
            (b"[" * 2000, "nested more than 8 levels"),
            (b"\0" * 100_000, "is 100,000 bytes, too large"),
        ],
    )
    def test_a_pointer_bomb_on_one_branch_is_told_and_replaced_and_the_others_are_committed(
        self, assets, repo, commit, pointer, said
    ):
        theirs = ("blue", "AAPL", "predictions")
        write(assets, theirs, {"1": b"a"}, replace=False)
        commit()
        BranchRepo(repo).commit_files("blue", {pointer_path(theirs): pointer}, "a bomb", {})
        write(assets, theirs, {"2": b"b"}, replace=False)
        write(assets, MODEL, FILES)
        blue, red = sorted(commit(), key=lambda done: done.branch)
        assert (red.assets, red.warnings) == ((MODEL,), ())
        assert blue.warnings[0].startswith(
            "The version of blue/AAPL/predictions on branch blue starts anew: "
        )
        assert said in blue.warnings[0]
        assert read_version(assets, repo, "blue", theirs) == {"1": b"a", "2": b"b"}

    def test_what_nobody_has_thought_of_costs_one_branch_its_versions(self, assets, commit, monkeypatch):
        write(assets, MODEL, FILES)
        write(assets, ("blue", "AAPL", "model"), {"a": b"1"})
        dvc_files = versions._BranchVersions._dvc_files

        def fails_for_blue(self):
            return dvc_files(self) if self.branch == "red" else {}["blue"]

        monkeypatch.setattr(versions._BranchVersions, "_dvc_files", fails_for_blue)
        with pytest.raises(NotAllCommittedError, match="blue: KeyError") as error:
            commit()
        assert [done.branch for done in error.value.committed] == ["red"]
        assert assets.pending.owners() == ["blue"]

    def test_a_branch_that_fails_keeps_its_records_and_does_not_stop_the_others(
        self, assets, repo, commit, monkeypatch
    ):
        monkeypatch.setattr("my_dagster_project.git.branch._ATTEMPTS", 1)
        write(assets, MODEL, FILES)
        write(assets, ("blue", "AAPL", "model"), {"a": b"1"})
        BranchRepo(repo).ensure_branch("blue")
        lock = repo / ".git" / "refs" / "heads" / "blue.lock"
        lock.write_text("")
        with pytest.raises(
            VersioningError, match=r"the next run tries again\.\nblue: Could not commit on 'blue'"
        ):
            commit()
        assert (assets.pending.owners(), BranchRepo(repo).read_file("red", pointer_path(MODEL)) is None) == (
            ["blue"],
            False,
        )
        lock.unlink()
        assert [done.branch for done in commit()] == ["blue"]

    def test_without_a_repository_everything_stays_pending(self, assets, tmp_path):
        write(assets, MODEL, FILES)
        with pytest.raises(VersioningError, match=r"red: .* is not a git repository"):
            commit_all(assets, tmp_path)
        assert assets.pending.owners() == ["red"]

    def test_a_record_another_process_settled_is_not_applied_again(self, assets, repo, commit):
        """The slow process: it lists v1, then another one commits v1 and v2 before it gets to commit."""
        write(assets, MODEL, {"a": b"v1"})
        listing = assets.pending._keys

        def slow(owner):
            keys = listing(owner)
            if keys:
                assets.pending._keys = listing
                write(assets, MODEL, {"a": b"v2"})
                BranchRepo(repo).ensure_branch("red")
                with pytest.MonkeyPatch.context() as patch:
                    # The slow process holds the commit lock of this host; the other one is on another host.
                    patch.setattr("my_dagster_project.git.branch._LOCK_WAIT", -1.0)
                    commit()
            return keys

        assets.pending._keys = slow
        assert commit() == []
        assert read_version(assets, repo, "red", MODEL) == {"a": b"v2"}

    def test_a_record_that_vanishes_while_it_is_read_is_not_given(self, assets):
        """A listing may have missed a newer record settled after it; then the older one is gone a moment later."""
        write(assets, MODEL, {"a": b"v1"})
        read = assets.pending._read

        def settled_meanwhile(key):
            record = read(key)
            assets.pending.settle([record])
            return record

        assets.pending._read = settled_meanwhile
        assert assets.pending.of("red") == []


class TestHistory:
    def test_every_version_can_be_read_back(self, assets, repo, commit):
        shas = []
        for number in range(3):
            write(assets, MODEL, {"a": str(number).encode()})
            shas += [done.sha for done in commit()]
        assert [read_version(assets, repo, sha, MODEL) for sha in shas] == [
            {"a": b"0"},
            {"a": b"1"},
            {"a": b"2"},
        ]

    def test_an_asset_the_revision_does_not_have_is_said(self, assets, repo):
        with pytest.raises(
            VersioningError, match=r"main has no version of red/AAPL/model: no assets/red/AAPL/model\.dvc"
        ):
            read_version(assets, repo, "main", MODEL)

    def test_a_kill_between_bytes_and_commit_loses_nothing(self, tmp_path, repo):
        """kill -9 in a real process, after the write and at the start of the commit."""
        from my_dagster_project.storage.opening import open_store

        script = textwrap.dedent(f"""
            import os, signal
            from pathlib import Path
            from my_dagster_project.git import branch as git_branch
            from tests.storage import test_versions as t
            from my_dagster_project.storage.opening import open_store
            assets = t.AssetStore(*(open_store(Path({str(tmp_path)!r}, n).as_uri()) for n in ("store", "dvc")))
            t.write(assets, t.MODEL, {{"a": b"precious"}})
            git_branch.fast_import = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
            t.commit_all(assets, Path({str(repo)!r}))
        """)
        assert subprocess.run([sys.executable, "-c", script]).returncode == -signal.SIGKILL
        assets = AssetStore(*(open_store((tmp_path / name).as_uri()) for name in ("store", "dvc")))
        assert assets.read(MODEL) == {"a": b"precious"}
        assert [done.assets for done in commit_all(assets, repo)] == [(MODEL,)]
        assert read_version(assets, repo, "red", MODEL) == {"a": b"precious"}


COMMITS = size(4, 8)  # Of each of four processes.


@pytest.mark.slow
def test_processes_that_write_and_commit_at_once_lose_no_session(place, repo):
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        list(processes.map(_write_and_commit, [place] * 4, [repo] * 4, range(4)))
    assets = place.assets()
    commit_all(assets, repo)
    assert sorted(read_version(assets, repo, "red", PREDICTIONS)) == sorted(
        f"{w}-{n}" for w in range(4) for n in range(COMMITS)
    )
    assert assets.pending.owners() == []


def _write_and_commit(place, repo, who):
    assets = place.assets()
    for number in range(COMMITS):
        write(assets, PREDICTIONS, {f"{who}-{number}": os.urandom(8)}, replace=False)
        commit_all(assets, repo)


@pytest.mark.slow
class TestRealDvc:
    """A team's own machine: git clone, git switch, dvc."""

    @pytest.fixture
    def dvc(self, place, tmp_path):
        environment = {
            **os.environ,
            **place.environment,
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(tmp_path / "site"),
        }

        def run(folder: Path, *arguments: str) -> str:
            done = subprocess.run(
                [DVC, *arguments], cwd=folder, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        return run

    @of_a_bucket
    def test_a_fresh_clone_pulls_byte_identical_assets(self, assets, repo, commit, dvc, tmp_path):
        write(assets, MODEL, FILES)
        write(assets, PREDICTIONS, {"2013-01-02.parquet": b"a"}, replace=False)
        [first] = commit()
        write(assets, MODEL, {"model.onnx": b"second"})
        write(assets, PREDICTIONS, {"2013-01-03.parquet": b"b"}, replace=False)
        commit()
        clone = _clone(repo, tmp_path / "clone")

        dvc(clone, "pull")

        assert files_below(clone / "assets/red/AAPL/model") == {"model.onnx": b"second"}
        assert files_below(clone / "assets/red/AAPL/predictions") == {
            "2013-01-02.parquet": b"a",
            "2013-01-03.parquet": b"b",
        }
        assert git(clone, "status", "--porcelain") == ""
        assert "in sync" in dvc(clone, "status", "-c")
        assert "up to date" in dvc(clone, "status")
        assert "Everything is up to date" in dvc(clone, "push")

        dvc(tmp_path, "get", str(clone), "assets/red/AAPL/model", "--rev", first.sha, "-o", "old")
        assert files_below(tmp_path / "old") == FILES

        git(clone, "checkout", "-q", first.sha)
        dvc(clone, "pull")
        assert files_below(clone / "assets/red/AAPL/model") == FILES

    @of_a_bucket
    def test_somebody_working_on_the_branch_keeps_their_work_and_pulls_on(self, assets, repo, commit, dvc):
        write(assets, MODEL, FILES)
        commit()
        git(repo, "switch", "-q", "red")
        dvc(repo, "pull")
        (repo / "configs" / "red.yaml").write_text("team: red # edited\n")
        write(assets, MODEL, {"model.onnx": b"second"})
        commit()
        assert git(repo, "status", "--porcelain") == " M configs/red.yaml"
        dvc(repo, "pull")
        assert files_below(repo / "assets/red/AAPL/model") == {"model.onnx": b"second"}
        assert git(repo, "status", "--porcelain") == " M configs/red.yaml"

    def test_no_key_is_in_the_repository(self, assets, repo, commit, place):
        write(assets, MODEL, FILES)
        commit()
        config = BranchRepo(repo).read_file("red", ".dvc/config").decode()
        assert "analytics = false" in config
        assert all(secret not in config for secret in place.environment.values() if len(secret) > 12)

    @of_a_bucket
    def test_dvc_gc_keeps_what_the_branch_needs(self, assets, repo, commit, dvc, tmp_path):
        write(assets, MODEL, FILES)
        commit()
        assets.contents.put("0" * 32, b"garbage")
        clone = _clone(repo, tmp_path / "clone")
        dvc(clone, "gc", "-f", "-c", "--all-commits")
        assert not assets.contents.remote.exists(object_key("0" * 32))
        assert read_version(assets, repo, "red", MODEL) == FILES


def _clone(repo: Path, target: Path) -> Path:
    git(repo.parent, "clone", "-q", str(repo), str(target))
    git(target, "switch", "-q", "red")
    return target
