"""What any branch, tag, stash, reflog, work tree, pending record or current asset points to is never removed."""

import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation.errors import StorageError, VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.history import gc, references
from my_dagster_project.history.ages import aged_objects
from my_dagster_project.history.gc import CONTENTS, GRACE, Count, collect
from my_dagster_project.storage.dvc_format import (
    Pointer,
    dir_body,
    dir_md5,
    md5_of,
    object_key,
    parse_dir,
    parse_pointer,
    pointer_text,
)
from tests.history.conftest import MODEL, PREDICTIONS, Deployment
from tests.support.draws import one_folder
from tests.support.gitrepo import git, repo_with_a_commit

LATER = timedelta(hours=49)


def swept(deployment, *, delete=True, after=LATER):
    def listing():
        return aged_objects(deployment.assets.contents.remote.url, deployment.place.settings, CONTENTS)

    return collect(deployment.assets, deployment.repo, listing, delete=delete, now=datetime.now(UTC) + after)


def garbage(deployment, data: bytes = b"garbage") -> str:
    deployment.assets.contents.put(md5_of(data), data)
    return md5_of(data)


def there(deployment, md5: str) -> bool:
    return deployment.assets.contents.remote.exists(object_key(md5))


class TestCollect:
    def test_dry_by_default_it_counts_and_removes_nothing(self, on_both):
        on_both.version(MODEL, {"m": b"12345"})
        loose = garbage(on_both)
        found = swept(on_both, delete=False)
        body = len(dir_body({"m": md5_of(b"12345")}))
        assert (found.referenced, found.garbage, found.young) == (Count(2, 5 + body), Count(1, 7), Count())
        assert not found.deleted
        assert there(on_both, loose)

    def test_what_nothing_points_to_is_deleted_and_the_rest_is_untouched(self, on_both):
        shas = [on_both.version(MODEL, {"m": str(n).encode()}) for n in range(3)]
        loose = garbage(on_both)
        assert swept(on_both).garbage == Count(1, 7)
        assert not there(on_both, loose)
        assert [read(on_both, sha, MODEL) for sha in shas] == [{"m": str(n).encode()} for n in range(3)]
        assert swept(on_both).garbage == Count()
        assert on_both.assets.contents.remote.list(".gc/") == []

    def test_what_was_written_in_the_last_48_hours_stays(self, on_both):
        loose = garbage(on_both)
        found = swept(on_both, after=GRACE - timedelta(minutes=1))
        assert (found.young, found.garbage) == (Count(1, 7), Count())
        assert there(on_both, loose)

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
        swept(here)
        assert all(remote.exists(key) for key in keys)

    def test_in_an_empty_store_there_is_nothing_to_do(self, on_both):
        assert swept(on_both) == gc.Collected(Count(), Count(), Count(), True)


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
        swept(here)
        return there(here, md5_of(b"old")) and there(here, dir_md5({"m": md5_of(b"old")}))

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
        swept(here)
        assert there(here, md5_of(b"old"))

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
        return garbage(here)

    def refused(self, here, loose) -> str:
        with pytest.raises((VersioningError, StorageError)) as error:
            swept(here)
        assert there(here, loose)
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
        old = garbage(on_both, b"old model")
        marked = gc.mark

        def mark_and_then_a_run_writes(*arguments):
            answer = marked(*arguments)
            monkeypatch.setattr(gc, "mark", marked)
            on_both.write(MODEL, {"m": b"old model"})
            return answer

        monkeypatch.setattr(gc, "mark", mark_and_then_a_run_writes)
        assert swept(on_both).garbage == Count()
        assert there(on_both, old)
        assert read(on_both, on_both.commit()[0].sha, MODEL) == {"m": b"old model"}

    @pytest.mark.parametrize("where", ["copying", "marking"])
    def test_a_collection_that_fails_or_is_killed_has_lost_nothing(self, here, monkeypatch, where):
        md5s = [garbage(here, str(n).encode()) for n in range(4)]
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
            swept(here)
        monkeypatch.undo()
        assert all(there(here, md5) for md5 in md5s) == (where == "marking")
        assert swept(here, after=timedelta()).deleted
        assert all(there(here, md5) for md5 in md5s)

    def test_much_garbage_is_set_aside_in_parts_that_fit_on_the_disk(self, here, monkeypatch):
        monkeypatch.setattr(gc, "_MOST_ASIDE", 250)
        for n in range(10):
            garbage(here, bytes([n]) * 100)
        sizes, copy = [], gc._sweep
        monkeypatch.setattr(gc, "_sweep", lambda r, some, m: sizes.append(len(some)) or copy(r, some, m))
        assert swept(here).garbage == Count(10, 1000)
        assert sizes == [2] * 5


def read(deployment, revision, asset):
    from tests.support.versions import read_version

    return read_version(deployment.assets, deployment.repo, revision, asset)


def unpack_all(repo) -> None:
    packs = list((repo / ".git" / "objects" / "pack").glob("*.pack"))
    for pack in packs:
        data = pack.read_bytes()
        for file in pack.parent.glob(f"{pack.stem}.*"):
            file.unlink()
        subprocess.run(["git", "unpack-objects", "-q"], cwd=repo, input=data, check=True)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["write", "add", "commit", "tag", "branch", "delete branch", "rewind", "stash", "garbage", "pack"]
        ),
        st.sampled_from(["red", "blue"]),
        st.integers(0, 5),
    ),
    min_size=3,
    max_size=25,
)


@one_folder(6)
@given(steps=STEPS)
def test_after_any_history_every_version_anything_points_to_can_be_read(on_both, tmp_path_factory, steps):
    """On a folder and on MinIO: the oracle asks git for every ref, reflog entry and stash, one by one."""
    on_both.repo = repo_with_a_commit(tmp_path_factory.mktemp("history") / "repo")
    git(on_both.repo, "config", "core.logAllRefUpdates", "always")
    on_both.assets = fresh_assets(on_both)
    for number, (action, team, value) in enumerate(steps):
        step(on_both, action, team, value, number)
    before = everything(on_both)
    current = {asset: on_both.assets.read(asset) for asset in assets_of(on_both)}
    swept(on_both)
    assert everything(on_both) == before
    assert {asset: on_both.assets.read(asset) for asset in current} == current
    on_both.commit()
    assert (
        before.items() <= everything(on_both).items()
    )  # and what was pending points to nothing that is gone


@one_folder(6)
@given(steps=STEPS)
def test_after_any_history_exactly_what_nothing_points_to_is_gone(here, tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("history")
    here.repo = repo_with_a_commit(folder / "repo")
    here.assets = fresh_assets(here)
    for number, (action, team, value) in enumerate(steps):
        step(here, action, team, value, number)
    here.commit()
    swept(here)
    needed = gc.mark(here.assets, here.repo)
    left = [
        info.key.removeprefix(CONTENTS).replace("/", "")
        for info in here.assets.contents.remote.list(CONTENTS)
    ]
    assert set(left) <= needed
    assert {md5_of(data) for files in everything(here).values() for data in files.values()} <= set(left)


def fresh_assets(deployment: Deployment):
    from dataclasses import replace

    deployment.place = replace(deployment.place, url=f"{deployment.place.url}/{os.urandom(4).hex()}")
    return deployment.place.assets()


def step(deployment: Deployment, action: str, team: str, value: int, number: int) -> None:
    repo, exists = deployment.repo, git(deployment.repo, "branch", "--list", team)
    if action == "write":
        deployment.write((team, "AAPL", "model"), {"m": f"{team} {value}".encode(), "same": b"same"})
    elif action == "add":
        deployment.write(
            (team, "AAPL", "predictions"),
            {f"2013-01-{value + 10}.parquet": str(number).encode()},
            replace=False,
        )
    elif action == "commit":
        deployment.commit()
    elif action == "garbage":
        garbage(deployment, f"red {value}".encode())
        body = dir_body({"x": md5_of(f"red {value}".encode())})
        deployment.assets.contents.put(md5_of(body) + ".dir", body)
    elif action == "stash":
        files = {"m": md5_of(f"red {value}".encode())}
        deployment.assets.contents.put(files["m"], f"red {value}".encode())
        deployment.assets.contents.put(dir_md5(files), dir_body(files))
        (repo / "README").write_bytes(
            pointer_text(Pointer(dir_md5(files), "x", 1, 1)) + f"# {number}\n".encode()
        )
        git(repo, "stash", "-q")
    elif action == "pack":
        git(repo, "gc", "-q", "--prune=now")
    elif exists and action == "delete branch":
        git(repo, "branch", "-q", "-D", team)
    elif exists and action == "rewind":
        git(repo, "branch", "-q", "-f", team, f"{team}~1", check=False)
    elif exists and action in ("tag", "branch"):
        git(repo, action, "-f", f"{action}-{value}", team)


def everything(deployment: Deployment) -> dict[str, dict[str, bytes]]:
    """The files behind every pointer of every commit that any ref, reflog or stash names, and of its ancestors."""
    refs = git(deployment.repo, "for-each-ref", "--format=%(objectname)").split()
    logged = git(deployment.repo, "log", "--walk-reflogs", "--all", "--format=%H", check=False).split()
    found = {}
    for sha in git(deployment.repo, "rev-list", *refs, *logged).split():
        for line in git(deployment.repo, "ls-tree", "-r", sha).splitlines():
            blob, path = line.split()[2], line.split("\t")[1]
            if path.endswith(".dvc") or path == "README":
                text = git(deployment.repo, "cat-file", "blob", blob).encode()
                if b"md5" in text:
                    found[blob] = files_of(deployment, parse_pointer(text, path))
    return found


def files_of(deployment: Deployment, pointer: Pointer) -> dict[str, bytes]:
    contents = deployment.assets.contents
    return {name: contents.get(md5) for name, md5 in parse_dir(contents.get(pointer.md5)).items()}


def assets_of(deployment: Deployment) -> list[tuple[str, ...]]:
    found = [(team, "AAPL", noun) for team in ("red", "blue") for noun in ("model", "predictions")]
    return [asset for asset in found if deployment.assets.names(asset)]
