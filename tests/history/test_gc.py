"""What any branch, tag, stash, reflog, work tree, pending record or current asset points to is never removed."""

import subprocess
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from my_dagster_project.foundation.errors import StorageError, VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.history import gc, references
from my_dagster_project.history.gc import GRACE, Count
from my_dagster_project.storage.dvc_format import (
    dir_body,
    dir_md5,
    md5_of,
    object_key,
    parse_pointer,
)
from my_dagster_project.storage.object_store import TEMPORARY_PREFIX
from tests.history.conftest import MODEL, PREDICTIONS
from tests.support.gitrepo import git


class TestCollect:
    def test_dry_by_default_it_counts_and_removes_nothing(self, on_both):
        on_both.version(MODEL, {"m": b"12345"})
        loose = on_both.garbage()
        found = on_both.swept(delete=False)
        body = len(dir_body({"m": md5_of(b"12345")}))
        assert (found.referenced, found.garbage, found.young) == (Count(2, 5 + body), Count(1, 7), Count())
        assert not found.deleted
        assert on_both.has(loose)

    def test_what_nothing_points_to_is_deleted_and_the_rest_is_untouched(self, on_both):
        shas = [on_both.version(MODEL, {"m": str(n).encode()}) for n in range(3)]
        loose = on_both.garbage()
        assert on_both.swept().garbage == Count(1, 7)
        assert not on_both.has(loose)
        assert [on_both.version_of(sha, MODEL) for sha in shas] == [{"m": str(n).encode()} for n in range(3)]
        assert on_both.swept().garbage == Count()
        assert on_both.assets.contents.remote.list(".gc/") == []

    def test_what_was_written_in_the_last_48_hours_stays(self, on_both):
        loose = on_both.garbage()
        found = on_both.swept(after=GRACE - timedelta(minutes=1))
        assert (found.young, found.garbage) == (Count(1, 7), Count())
        assert on_both.has(loose)

    def test_only_objects_of_dvcs_layout_are_ever_touched(self, here):
        remote = here.assets.contents.remote
        keys = [
            "readme",
            "files/other",
            "files/md5/zz/short",
            f"files/md5/ab/{'c' * 31}",
            f"files/md5/AB/{'c' * 30}",
        ]
        for key in keys:
            remote.put(key, b"x")
        here.swept()
        assert all(remote.exists(key) for key in keys)

    def test_in_an_empty_store_there_is_nothing_to_do(self, on_both):
        assert on_both.swept() == gc.Collected(Count(), Count(), Count(), Count(), True)

    def test_half_a_file_of_a_writer_that_was_killed_goes_and_that_of_one_at_work_stays(self, here):
        here.version(MODEL, {"m": b"whole"})
        stores = here.assets.store, here.assets.contents.remote
        halves = [
            Path(unquote(urlsplit(store.url).path)) / "red" / f"{TEMPORARY_PREFIX}1" for store in stores
        ]
        for half in halves:
            half.parent.mkdir(parents=True, exist_ok=True)
            half.write_bytes(b"half")
        assert here.swept(after=GRACE - timedelta(minutes=1)).unfinished == Count()
        assert here.swept(delete=False).unfinished == Count(2, 8)
        assert all(half.exists() for half in halves)
        assert here.swept().unfinished == Count(2, 8)
        assert not any(half.exists() for half in halves)
        assert here.assets.read(MODEL) == {"m": b"whole"}


class TestWhatCounts:
    """One reference of each kind, everything else gone: the bytes stay, and those of a dropped one go."""

    @pytest.fixture
    def sha(self, here) -> str:
        """A version that no branch has any more."""
        sha = here.version(MODEL, {"m": b"old"})
        git(here.repo, "update-ref", "refs/keep/it", sha)
        git(here.repo, "branch", "-q", "-D", "red")
        here.version(MODEL, {"m": b"new"})
        git(here.repo, "update-ref", "-d", "refs/keep/it")
        return sha

    def kept(self, here) -> bool:
        here.swept()
        return here.has(md5_of(b"old")) and here.has(dir_md5({"m": md5_of(b"old")}))

    def test_nothing(self, here, sha):
        assert not self.kept(here)

    @pytest.mark.parametrize(
        "ref", ["refs/heads/x/y", "refs/remotes/origin/red", "refs/tags/round-1", "refs/odd/one"]
    )
    def test_any_ref(self, here, sha, ref):
        git(here.repo, "update-ref", ref, sha)
        assert self.kept(here)

    def test_an_annotated_tag(self, here, sha):
        git(here.repo, "tag", "-a", "-m", "the first round", "round-1", sha)
        assert self.kept(here)

    def test_a_detached_work_tree(self, here, sha, tmp_path):
        git(here.repo, "worktree", "add", "-q", "--detach", str(tmp_path / "tree"), sha)
        assert self.kept(here)

    def test_a_reflog(self, here, sha):
        git(here.repo, "config", "core.logAllRefUpdates", "always")
        git(here.repo, "branch", "wrong-reset", sha)
        git(here.repo, "branch", "-f", "wrong-reset", "main")
        assert self.kept(here)

    def test_an_older_stash(self, here, sha):
        pointer = git(here.repo, "show", f"{sha}:assets/red/AAPL/model.dvc")
        for text in (pointer, "something else"):
            (here.repo / "README").write_text(text)
            git(here.repo, "stash", "-q")
        assert self.kept(here)

    def test_a_staged_and_an_untracked_pointer(self, here, sha):
        pointer = git(here.repo, "show", f"{sha}:assets/red/AAPL/model.dvc")
        path = here.repo / "mine.dvc"
        path.write_text(pointer)
        assert self.kept(here)
        git(here.repo, "add", "mine.dvc")
        path.unlink()
        assert self.kept(here)

    def test_a_pointer_under_another_name_or_torn_by_a_merge(self, here, sha):
        pointer = git(here.repo, "show", f"{sha}:assets/red/AAPL/model.dvc").encode()
        torn = b"<<<<<<< ours\n" + pointer + b"\n=======\n>>>>>>> theirs\n"
        BranchRepo(here.repo).commit_files("red", {"notes.txt": torn}, "torn", {})
        assert self.kept(here)

    @pytest.mark.parametrize("place", ["committed", "in a work tree"])
    def test_a_pointer_longer_than_what_is_read_at_once(self, here, sha, monkeypatch, place):
        """Real dvc reads a pointer with 17 MB of comments; wherever it is cut, its bytes stay."""
        monkeypatch.setattr(references, "_MOST_WHOLE", 100)
        monkeypatch.setattr(references, "_PIECE", 7)
        pointer = git(here.repo, "show", f"{sha}:assets/red/AAPL/model.dvc").encode() + b"\n# padded" * 20
        if place == "committed":
            BranchRepo(here.repo).commit_files("red", {"x.dvc": pointer}, "padded", {})
        else:
            (here.repo / "x.dvc").write_bytes(pointer)
        assert self.kept(here)

    def test_a_dvc_lock(self, here, sha):
        lock = (
            f"stages:\n  a:\n    outs:\n    - path: x\n      md5: {dir_md5({'m': md5_of(b'old')})}\n".encode()
        )
        BranchRepo(here.repo).commit_files("main", {"dvc.lock": lock}, "lock", {})
        assert self.kept(here)

    def test_a_replaced_commit(self, here, sha):
        git(here.repo, "branch", "old", sha)
        git(here.repo, "replace", sha, "main")
        assert self.kept(here)

    def test_a_pending_record(self, here):
        here.write(MODEL, {"m": b"old"})
        here.write(MODEL, {"m": b"new"})
        here.swept()
        assert here.has(md5_of(b"old"))

    def test_a_current_asset_whose_branch_was_deleted(self, here):
        here.version(MODEL, {"m": b"old"})
        here.version(PREDICTIONS, {"2013-01-02.parquet": b"p", "added/x.parquet": b"q"}, replace=False)
        git(here.repo, "branch", "-q", "-D", "red")
        assert self.kept(here)
        assert here.assets.read(PREDICTIONS) == {"2013-01-02.parquet": b"p", "added/x.parquet": b"q"}
        for info in here.assets.store.list("red/"):
            here.assets.store.delete(info.key)
        assert here.assets.read(PREDICTIONS) == {"2013-01-02.parquet": b"p", "added/x.parquet": b"q"}


class TestRefusals:
    @pytest.fixture
    def loose(self, here) -> str:
        here.version(MODEL, {"m": b"1"})
        return here.garbage()

    def refused(self, here, loose) -> str:
        with pytest.raises((VersioningError, StorageError)) as error:
            here.swept()
        assert here.has(loose)
        return str(error.value)

    def test_a_shallow_clone(self, here, loose, tmp_path):
        git(tmp_path, "clone", "-q", "--depth", "1", "--no-single-branch", here.repo.as_uri(), "clone")
        here.repo = tmp_path / "clone"
        assert "shallow clone" in self.refused(here, loose)

    def test_a_partial_clone(self, here, loose, tmp_path):
        git(here.repo, "config", "uploadpack.allowFilter", "true")
        git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", here.repo.as_uri(), "clone")
        here.repo = tmp_path / "clone"
        assert "partial clone" in self.refused(here, loose)

    def test_a_missing_git_object(self, here, loose):
        blob = git(here.repo, "rev-parse", "red:assets/red/AAPL/model.dvc")
        git(here.repo, "repack", "-q", "-a", "-d")
        unpack_all(here.repo)
        (here.repo / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
        assert "not whole" in self.refused(here, loose)

    def test_a_ref_to_nowhere(self, here, loose):
        (here.repo / ".git" / "refs" / "heads" / "broken").write_text("1234567890" * 4 + "\n")
        assert "not whole" in self.refused(here, loose)

    def test_no_repository(self, here, loose, tmp_path):
        here.repo = tmp_path
        assert "not a git repository" in self.refused(here, loose)

    def test_a_missing_or_damaged_folder_list(self, here, loose):
        pointer = parse_pointer(git(here.repo, "show", "red:assets/red/AAPL/model.dvc").encode(), "x")
        here.assets.contents.remote.put(object_key(pointer.md5), b"[]")
        assert "is damaged" in self.refused(here, loose)
        here.assets.contents.remote.delete(object_key(pointer.md5))
        assert "nobody can say which files the version needs" in self.refused(here, loose)

    def test_a_damaged_manifest_or_pending_record(self, here, loose):
        here.assets.store.put(".versions/pending/red/x.json", b"torn")
        assert "x.json" in self.refused(here, loose)
        here.assets.store.delete(".versions/pending/red/x.json")
        here.assets.store.put(".manifests/red/AAPL/model/whole.json", b"torn")
        assert "manifest" in self.refused(here, loose)


class TestAtTheSameTime:
    def test_a_run_that_writes_an_old_content_again_gets_it_back(self, on_both, monkeypatch):
        """The run saw the old bytes in the remote and put nothing; its record comes after we have marked."""
        old = on_both.garbage(b"old model")
        marked = gc.mark

        def mark_and_then_a_run_writes(*arguments):
            answer = marked(*arguments)
            monkeypatch.setattr(gc, "mark", marked)
            on_both.write(MODEL, {"m": b"old model"})
            return answer

        monkeypatch.setattr(gc, "mark", mark_and_then_a_run_writes)
        assert on_both.swept().garbage == Count()
        assert on_both.has(old)
        assert on_both.version_of(on_both.commit()[0].sha, MODEL) == {"m": b"old model"}

    @pytest.mark.parametrize("where", ["copying", "marking"])
    def test_a_collection_that_fails_or_is_killed_has_lost_nothing(self, here, monkeypatch, where):
        md5s = [here.garbage(str(n).encode()) for n in range(4)]
        marked, calls = gc.mark, []

        def fails(*arguments):
            calls.append(1)
            if len(calls) > 1:
                raise StorageError("the server is gone")
            return marked(*arguments)

        monkeypatch.setattr(gc, "mark", fails)
        if where == "copying":  # killed: not even the tidying up happens
            monkeypatch.setattr(gc, "_put_all_back", lambda _remote: None)
        with pytest.raises(StorageError, match="the server is gone"):
            here.swept()
        monkeypatch.undo()
        assert all(here.has(md5) for md5 in md5s) == (where == "marking")
        assert here.swept(after=timedelta()).deleted
        assert all(here.has(md5) for md5 in md5s)

    def test_much_garbage_is_set_aside_in_parts_that_fit_on_the_disk(self, here, monkeypatch):
        monkeypatch.setattr(gc, "_MOST_ASIDE", 250)
        for n in range(10):
            here.garbage(bytes([n]) * 100)
        sizes, copy = [], gc._sweep
        monkeypatch.setattr(gc, "_sweep", lambda r, some, m: sizes.append(len(some)) or copy(r, some, m))
        assert here.swept().garbage == Count(10, 1000)
        assert sizes == [2] * 5


def unpack_all(repo) -> None:
    packs = list((repo / ".git" / "objects" / "pack").glob("*.pack"))
    for pack in packs:
        data = pack.read_bytes()
        for file in pack.parent.glob(f"{pack.stem}.*"):
            file.unlink()
        subprocess.run(["git", "unpack-objects", "-q"], cwd=repo, input=data, check=True)
