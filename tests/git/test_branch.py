"""Commits on a branch behind people's backs: none lost, nobody's work disturbed."""

import os
import time
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from my_dagster_project.foundation.errors import VersioningError
from my_dagster_project.git import branch as git_branch
from my_dagster_project.git.blobs import Blob
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.git.fast_import import Change, fast_import
from my_dagster_project.git.process import bounded_git, run_git, try_git
from tests.support.draws import size
from tests.support.gitrepo import empty_repo, git, repo_with_a_commit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return repo_with_a_commit(tmp_path / "repo")


@pytest.fixture
def repo(folder: Path) -> BranchRepo:
    found = BranchRepo(folder)
    found.ensure_branch("red")
    return found


def commit(repo: BranchRepo, files: dict[str, bytes], branch: str = "red") -> str | None:
    return repo.commit_files(branch, files, "A message", {})


def _tree(folder: Path, listing: str) -> str:
    return run_git(folder, "mktree", stdin=listing.encode()).text


class TestReading:
    def test_a_file_is_read_at_a_branch_and_at_a_commit(self, repo):
        first = repo.head("red")
        commit(repo, {"configs/red.yaml": b"team: crimson\n"})
        assert repo.read_file("red", "configs/red.yaml") == b"team: crimson\n"
        assert repo.read_file(first, "configs/red.yaml") == b"team: red\n"
        assert repo.read_file(first[:10], "configs/red.yaml") == b"team: red\n"

    def test_a_file_or_folder_that_is_no_file_there_is_none(self, repo):
        assert repo.read_file("red", "no/such file") is None
        assert repo.read_file("red", "configs") is None

    def test_many_files_come_in_one_go_bytes_untouched(self, repo):
        files = {"a": b"", "b/c d": b"\x00\nmissing\n", "ü": b"no newline", "x": b"\r\n"}
        commit(repo, files)
        assert repo.read_files("red", [*files, "nothing"]) == files

    def test_a_file_larger_than_asked_for_stays_unread_and_is_named(self, repo):
        commit(repo, {"bomb": b"\0" * 32_000_000, "small": b"1"})
        tracemalloc.start()
        try:
            assert repo.read_file("red", "small") == b"1"
            with pytest.raises(VersioningError, match="red:bomb is 32,000,000 bytes, too large"):
                repo.read_file("red", "bomb")
            assert repo.blobs("red", ["bomb", "none"]) == {"bomb": Blob(32_000_000, None)}
            assert tracemalloc.get_traced_memory()[1] < 4_000_000
        finally:
            tracemalloc.stop()

    def test_a_listing_without_end_is_cut_and_said(self, repo):
        """Forty folders in one another, each with the next one twice, are a million million paths."""
        tree = _tree(repo.path, f"100644 blob {git(repo.path, 'rev-parse', 'red:README')}\tx\n")
        for _ in range(40):
            tree = _tree(repo.path, f"040000 tree {tree}\ta\n040000 tree {tree}\tb\n")
        start = time.perf_counter()
        with pytest.raises(VersioningError, match="more files than anybody can mean"):
            bounded_git(repo.path, 100_000, "ls-tree", "-r", "--name-only", tree)
        assert time.perf_counter() - start < 60

    def test_git_that_fails_while_it_is_listened_to_is_said(self, repo):
        with pytest.raises(
            VersioningError, match=r"git ls-tree failed in .*: fatal: Not a valid object name"
        ):
            bounded_git(repo.path, 1000, "ls-tree", "nothing")

    def test_a_branch_wins_over_a_tag_of_the_same_name(self, repo, folder):
        git(folder, "tag", "red")
        sha = commit(repo, {"a": b"1"})
        assert repo.resolve("red") == sha

    @pytest.mark.parametrize("revision", ["green", "--all", "", "deadbeef" * 5])
    def test_what_is_no_revision_is_said(self, repo, revision):
        with pytest.raises(VersioningError, match="neither a branch nor a commit"):
            repo.read_file(revision, "a")
        with pytest.raises(VersioningError, match="There is no branch"):
            repo.head(revision)


class TestCommitting:
    def test_a_commit_has_message_trailers_and_our_identity(self, repo, folder):
        sha = repo.commit_files(
            "red",
            {"assets/a.dvc": b"1"},
            "Materialize a",
            {"Dagster-Run": ["r1", "r2"], "Metrics": ["a mae=1\nx: y"]},
        )
        assert sha == repo.head("red")
        assert git(folder, "log", "-1", "--format=%an <%ae>|%cn|%s", "red") == (
            "trading platform <platform@localhost>|trading platform|Materialize a"
        )
        trailers = git(folder, "log", "-1", "--format=%(trailers:only)", "red").splitlines()
        assert trailers == ["Dagster-Run: r1", "Dagster-Run: r2", "Metrics: a mae=1 x: y"]

    def test_other_files_of_the_branch_stay(self, repo, folder):
        commit(repo, {"assets/a b/ü.dvc": b"1"})
        assert repo.read_file("red", "README") == b"hello\n"
        assert git(
            folder, "-c", "core.quotepath=off", "ls-tree", "-r", "--name-only", "red"
        ).splitlines() == [
            "README",
            "assets/a b/ü.dvc",
            "configs/red.yaml",
        ]

    def test_content_that_is_there_already_makes_no_commit(self, repo):
        first = commit(repo, {"a": b"1"})
        assert commit(repo, {"a": b"1"}) is None
        assert repo.head("red") == first

    def test_another_branch_checked_out_dirty_and_staged_is_not_touched(self, repo, folder):
        (folder / "README").write_text("edited\n")
        (folder / "staged").write_text("new\n")
        git(folder, "add", "staged")
        before = (git(folder, "status", "--porcelain"), (folder / ".git" / "index").read_bytes())
        commit(repo, {"a": b"1"})
        assert (git(folder, "status", "--porcelain"), (folder / ".git" / "index").read_bytes()) == before

    def test_a_commit_in_between_makes_it_build_anew(self, repo):
        bases = []

        def build(base: str) -> Change:
            bases.append(base)
            if len(bases) == 1:
                # A person (no lock of ours) commits between our reading and our writing.
                git(repo.path, "update-ref", "refs/heads/red", _person_commits(repo.path, base))
            return Change({"ours": b"1"}, "ours")

        sha = repo.commit("red", build)
        assert (len(bases), repo.head("red")) == (2, sha)
        assert repo.read_files("red", ["ours", "theirs"]) == {"ours": b"1", "theirs": b"2"}

    def test_a_stream_cut_short_by_our_death_is_no_commit(self, repo, monkeypatch):
        def cut(folder, *arguments, stdin):
            return try_git(folder, *arguments, stdin=stdin[: stdin.index(b'M 100644 inline "b"')])

        monkeypatch.setattr("my_dagster_project.git.fast_import.try_git", cut)
        before = repo.head("red")
        assert not fast_import(repo.path, "red", before, Change({"a": b"1", "b": b"2"}, "half")).ok
        assert repo.head("red") == before

    def test_the_environment_of_a_git_hook_does_not_lead_astray(self, repo, tmp_path, monkeypatch):
        other = repo_with_a_commit(tmp_path / "other")
        monkeypatch.setenv("GIT_DIR", str(other / ".git"))
        monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
        sha = commit(repo, {"a": b"1"})
        monkeypatch.undo()
        assert git(repo.path, "rev-parse", "red") == sha
        assert git(other, "branch", "--list", "red") == ""

    def test_hooks_of_the_repository_do_not_run(self, repo, folder):
        hook = folder / ".git" / "hooks" / "reference-transaction"
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
        assert commit(repo, {"a": b"1"})

    def test_a_lock_somebody_keeps_delays_but_does_not_stop_it(self, repo, monkeypatch):
        monkeypatch.setattr("my_dagster_project.git.branch._LOCK_WAIT", 0.2)
        with repo.turn():
            assert commit(repo, {"a": b"1"})

    def test_a_branch_that_cannot_be_written_is_said_with_gits_reason(self, repo, monkeypatch):
        monkeypatch.setattr("my_dagster_project.git.branch._ATTEMPTS", 2)
        (repo.path / ".git" / "refs" / "heads" / "red.lock").write_text("")
        with pytest.raises(
            VersioningError, match=r"Could not commit on 'red' .* after 2 attempts: .*red\.lock"
        ):
            commit(repo, {"a": b"1"})


class TestBranches:
    def test_a_missing_branch_starts_from_head_and_says_so(self, folder):
        repo = BranchRepo(folder)
        assert repo.ensure_branch("red") is True
        assert repo.ensure_branch("red") is False
        assert repo.head("red") == repo.head("main")

    def test_a_missing_branch_starts_from_origins_if_there_is_one(self, repo, tmp_path):
        sha = commit(repo, {"a": b"1"})
        git(tmp_path, "clone", "-q", str(repo.path), "clone")
        clone = BranchRepo(tmp_path / "clone")
        assert clone.ensure_branch("red") is True
        assert clone.head("red") == sha
        assert clone.head("main") != sha

    def test_a_detached_head_is_a_start_like_any_other(self, folder):
        git(folder, "checkout", "-q", "--detach")
        repo = BranchRepo(folder)
        assert repo.ensure_branch("red")
        assert commit(repo, {"a": b"1"})
        assert git(folder, "status", "--porcelain") == ""

    def test_a_bare_repository_works(self, folder, tmp_path):
        git(tmp_path, "clone", "-q", "--bare", str(folder), "bare.git")
        repo = BranchRepo(tmp_path / "bare.git")
        repo.ensure_branch("red")
        assert commit(repo, {"a": b"1"}) == repo.head("red")

    def test_a_repository_without_a_commit_is_said(self, tmp_path):
        with pytest.raises(VersioningError, match="has no commit yet, so 'red' cannot start anywhere"):
            BranchRepo(empty_repo(tmp_path / "empty")).ensure_branch("red")

    def test_no_repository_is_said(self, tmp_path):
        with pytest.raises(VersioningError, match="is not a git repository"):
            BranchRepo(tmp_path).ensure_branch("red")
        with pytest.raises(VersioningError, match="is not there"):
            BranchRepo(tmp_path / "nowhere").head("red")


class TestCheckedOut:
    """Somebody has the branch itself checked out, with work of their own under way."""

    def test_status_stays_clean_and_the_files_follow(self, repo, folder):
        git(folder, "switch", "-q", "red")
        commit(repo, {"assets/a.dvc": b"1\n"})
        commit(repo, {"assets/a.dvc": b"2\n", "assets/b.dvc": b"1\n"})
        assert git(folder, "status", "--porcelain") == ""
        assert (folder / "assets" / "a.dvc").read_text() == "2\n"

    def test_edits_staged_files_and_untracked_files_survive(self, repo, folder):
        git(folder, "switch", "-q", "red")
        commit(repo, {"assets/a.dvc": b"1\n"})
        (folder / "README").write_text("edited\n")
        (folder / "staged").write_text("staged\n")
        git(folder, "add", "staged")
        (folder / "untracked").write_text("untracked\n")
        before = git(folder, "status", "--porcelain")
        # Merely touched, and no `git status` since that would have noticed.
        os.utime(folder / "assets" / "a.dvc", (time.time() + 5,) * 2)
        commit(repo, {"assets/a.dvc": b"2\n"})
        assert git(folder, "status", "--porcelain") == before
        assert (folder / "README").read_text() == "edited\n"
        assert (folder / "assets" / "a.dvc").read_text() == "2\n"

    def test_a_linked_work_tree_follows_too(self, repo, folder, tmp_path):
        git(folder, "worktree", "add", "-q", str(tmp_path / "linked tree"), "red")
        commit(repo, {"assets/a.dvc": b"1\n"})
        assert git(tmp_path / "linked tree", "status", "--porcelain") == ""
        assert (tmp_path / "linked tree" / "assets" / "a.dvc").exists()

    def test_a_pointer_the_person_edited_is_kept_and_said_and_all_else_follows(self, repo, folder, caplog):
        git(folder, "switch", "-q", "red")
        commit(repo, {"assets/a.dvc": b"1\n"})
        (folder / "assets" / "a.dvc").write_text("mine\n")
        sha = commit(repo, {"assets/a.dvc": b"2\n", "assets/b.dvc": b"1\n"})
        assert (repo.head("red"), (folder / "assets" / "a.dvc").read_text()) == (sha, "mine\n")
        assert "changed assets/a.dvc, which" in caplog.text
        assert git(folder, "status", "--porcelain") == " M assets/a.dvc"
        git(folder, "restore", "--source=HEAD", "--staged", "--worktree", "assets")
        assert git(folder, "status", "--porcelain") == ""

    def test_kill_9_before_the_work_tree_follows_is_made_good_by_the_next_look(
        self, repo, folder, monkeypatch
    ):
        """Staged old pointers stayed for good: the next `git commit -a` of a person took 213 files back to 208."""
        git(folder, "switch", "-q", "red")
        commit(repo, {"assets/a.dvc": b"1\n"})
        with monkeypatch.context() as patch:
            patch.setattr("my_dagster_project.git.branch.fast_import", _then_die)
            with pytest.raises(_Killed):
                commit(repo, {"assets/a.dvc": b"2\n"})
        assert git(folder, "status", "--porcelain") == "M  assets/a.dvc"
        BranchRepo(folder).catch_up("red")
        assert git(folder, "status", "--porcelain") == ""
        assert git(folder, "for-each-ref", "refs/trading") == ""
        assert (folder / "assets" / "a.dvc").read_text() == "2\n"

    def test_what_a_killed_process_committed_is_followed_by_the_next_commit_too(
        self, repo, folder, monkeypatch
    ):
        git(folder, "switch", "-q", "red")
        with monkeypatch.context() as patch:
            patch.setattr("my_dagster_project.git.branch.fast_import", _then_die)
            with pytest.raises(_Killed):
                commit(repo, {"assets/a.dvc": b"2\n"})
        commit(repo, {"assets/b.dvc": b"1\n"})
        assert git(folder, "status", "--porcelain") == ""


class _Killed(BaseException):
    pass


def _then_die(*arguments):
    assert fast_import(*arguments).ok
    raise _Killed


@pytest.mark.slow
@pytest.mark.parametrize("commits", [size(5, 25)])
@pytest.mark.parametrize(("lock_wait", "looked_at"), [(10.0, "red"), (-1.0, "main")])
def test_four_processes_that_commit_often_lose_none(repo, folder, lock_wait, looked_at, commits):
    """Some container mounts have no locks: then only the compare-and-swap of the branch stands guard."""
    git(folder, "switch", "-q", looked_at)
    (folder / "README").write_text("edited\n")
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        list(processes.map(_commit_often, [folder] * 4, range(4), [commits] * 4, [lock_wait] * 4))
    assert int(git(folder, "rev-list", "--count", "red")) == 1 + 4 * commits
    assert len(git(folder, "ls-tree", "-r", "--name-only", "red", "assets/").splitlines()) == 4 * commits
    assert git(folder, "status", "--porcelain") == " M README"
    git(folder, "fsck", "--strict")


def _commit_often(folder: Path, who: int, commits: int, lock_wait: float) -> None:
    git_branch._LOCK_WAIT = lock_wait
    for number in range(commits):
        commit(BranchRepo(folder), {f"assets/{who}-{number}.dvc": f"{who} {number}\n".encode()})


def _person_commits(folder: Path, base: str) -> str:
    blob = run_git(folder, "hash-object", "-w", "--stdin", stdin=b"2").text
    tree = _tree(folder, f"{git(folder, 'ls-tree', base)}\n100644 blob {blob}\ttheirs\n")
    return git(folder, "commit-tree", "-p", base, "-m", "theirs", tree)
