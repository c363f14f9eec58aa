"""Assets stay whole whatever happens: crashes between any two steps, failing stores, other processes."""

import itertools
import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import pytest

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError
from my_dagster_project.storage import kept as kept_files
from my_dagster_project.storage.assets import AssetStore, Written
from my_dagster_project.storage.dvc_format import dir_md5, md5_of, object_key
from my_dagster_project.storage.kept import Kept
from my_dagster_project.storage.object_store import ObjectStore
from my_dagster_project.storage.opening import open_store
from my_dagster_project.storage.s3_store import S3Store

MODEL = ("red", "AAPL", "model")
PREDICTIONS = ("red", "AAPL", "predictions")
OLD = {"model.onnx": b"old weights", "meta/config.json": b"{}", "only-old": b"1"}
NEW = {"model.onnx": b"new weights", "meta/config.json": b"{}", "only-new": b"2"}


def write(assets: AssetStore, asset, files, *, replace=True) -> Written:
    return assets.write(asset, files, replace=replace, record={"run_id": "r1"})


class TestWriting:
    def test_gives_back_what_was_written(self, assets):
        written = write(assets, MODEL, OLD)
        assert written == Written(dir_md5({name: md5_of(data) for name, data in OLD.items()}), 14, 3)
        assert assets.read(MODEL) == OLD
        assert assets.read_file(MODEL, "meta/config.json") == b"{}"
        assert assets.names(MODEL) == sorted(OLD)
        assert assets.fingerprint(MODEL) == written.md5

    def test_the_current_objects_have_readable_names(self, assets):
        write(assets, MODEL, OLD)
        assert assets.store.get("red/AAPL/model/meta/config.json") == b"{}"

    def test_the_bytes_lie_in_the_dvc_remote_under_their_md5(self, assets):
        write(assets, MODEL, OLD)
        assert assets.contents.remote.get(object_key(md5_of(b"old weights"))) == b"old weights"

    def test_replacing_leaves_exactly_the_new_files(self, assets):
        write(assets, MODEL, OLD)
        write(assets, MODEL, NEW)
        assert assets.read(MODEL) == NEW
        assert [info.key for info in assets.store.list("red/")] == sorted(
            f"red/AAPL/model/{name}" for name in NEW
        )

    def test_adding_keeps_the_other_files(self, assets):
        write(assets, PREDICTIONS, {"2013-01-02": b"a", "2013-01-03": b"b"}, replace=False)
        write(assets, PREDICTIONS, {"2013-01-03": b"B", "2013-01-04": b"c"}, replace=False)
        assert assets.read(PREDICTIONS) == {"2013-01-02": b"a", "2013-01-03": b"B", "2013-01-04": b"c"}
        assert assets.names(PREDICTIONS) == ["2013-01-02", "2013-01-03", "2013-01-04"]

    def test_adding_to_and_replacing_the_same_asset_mix(self, assets):
        write(assets, MODEL, OLD)
        write(assets, MODEL, {"model.onnx": b"patched", "extra": b"3"}, replace=False)
        assert assets.read(MODEL) == {**OLD, "model.onnx": b"patched", "extra": b"3"}
        assert assets.read_file(MODEL, "model.onnx") == b"patched"
        write(assets, MODEL, NEW)
        assert assets.read(MODEL) == NEW
        assert assets.names(MODEL) == sorted(NEW)

    def test_what_is_cleared_is_as_if_it_had_never_been_written_and_can_be_written_again(self, assets):
        assets.clear(PREDICTIONS, {})
        assert assets.pending.owners() == []
        write(assets, PREDICTIONS, {"2013-01-02": b"a", "2013-01-03": b"b"}, replace=False)
        assets.clear(PREDICTIONS, {})
        assert (assets.names(PREDICTIONS), assets.fingerprint(PREDICTIONS)) == ([], None)
        assert [info.key for info in assets.store.list("red/")] == []
        with pytest.raises(ObjectMissingError):
            assets.read(PREDICTIONS)
        write(assets, PREDICTIONS, {"2013-01-03": b"B"}, replace=False)
        assert assets.read(PREDICTIONS) == {"2013-01-03": b"B"}

    def test_writing_the_same_again_keeps_the_fingerprint(self, assets):
        write(assets, MODEL, OLD)
        before = assets.fingerprint(MODEL)
        write(assets, MODEL, OLD)
        assert assets.fingerprint(MODEL) == before
        write(assets, MODEL, NEW)
        assert assets.fingerprint(MODEL) != before

    def test_the_fingerprint_does_not_depend_on_how_the_files_came(self, assets):
        write(assets, MODEL, {"a": b"1", "b": b"2"})
        write(assets, PREDICTIONS, {"b": b"2"}, replace=False)
        write(assets, PREDICTIONS, {"a": b"1"}, replace=False)
        assert assets.fingerprint(MODEL) == assets.fingerprint(PREDICTIONS)

    def test_what_was_never_written_is_missing_by_name(self, assets):
        assert (assets.names(MODEL), assets.fingerprint(MODEL)) == ([], None)
        with pytest.raises(ObjectMissingError, match="no red/AAPL/model in"):
            assets.read(MODEL)
        with pytest.raises(ObjectMissingError, match="red/AAPL/model has no file 'x'"):
            assets.read_file(MODEL, "x")

    @pytest.mark.parametrize(
        ("asset", "files"),
        [
            (("red",), {"a": b""}),
            ((".versions", "x"), {"a": b""}),
            (("red", "a/b"), {"a": b""}),
            (("red", "x"), {}),
            (("red", "x"), {"../a": b""}),
            (("red", ".."), {"a": b""}),
        ],
    )
    def test_what_is_no_asset_is_refused_before_anything_is_written(self, assets, asset, files):
        with pytest.raises(StorageError):
            write(assets, asset, files)
        assert assets.store.list("") == assets.contents.remote.list("") == []

    def test_a_pending_record_says_what_the_commit_needs(self, assets):
        assets.write(MODEL, {"a": b"12"}, replace=True, record={"run_id": "r1", "mae": "0.01"})
        [record] = assets.pending.of("red")
        assert (record.asset, record.replace, record.record) == (MODEL, True, {"run_id": "r1", "mae": "0.01"})
        assert record.files["a"].size == 2
        assert record.created_at.tzname() == "UTC"
        assert assets.pending.owners() == ["red"]


class TestReading:
    def test_a_damaged_readable_copy_is_read_from_the_remote(self, assets):
        write(assets, MODEL, OLD)
        assets.store.put("red/AAPL/model/model.onnx", b"old weighTs")
        assets.store.delete("red/AAPL/model/only-old")
        assert assets.read(MODEL) == OLD
        assert assets.read_file(MODEL, "model.onnx") == b"old weights"

    def test_bytes_damaged_in_both_places_are_never_handed_out(self, assets):
        write(assets, MODEL, OLD)
        assets.store.put("red/AAPL/model/model.onnx", b"bad")
        assets.contents.remote.put(object_key(md5_of(b"old weights")), b"bad")
        with pytest.raises(StorageError, match="damaged"):
            assets.read_file(MODEL, "model.onnx")

    def test_writing_again_cures_damaged_bytes_and_a_damaged_manifest(self, assets):
        write(assets, MODEL, OLD)
        assets.contents.remote.put(object_key(md5_of(b"old weights")), b"")
        assets.store.put(".manifests/red/AAPL/model/whole.json", b"{}")
        with pytest.raises(StorageError, match=r"whole\.json is damaged; materialize"):
            assets.read(MODEL)
        write(assets, MODEL, OLD)
        assert assets.read(MODEL) == OLD

    def test_some_sessions_are_read_without_the_others(self, assets):
        write(assets, PREDICTIONS, {"1": b"a", "2": b"b", "3": b"c"}, replace=False)
        assert assets.read_files(PREDICTIONS, ["3", "1"]) == {"3": b"c", "1": b"a"}
        with pytest.raises(ObjectMissingError, match="no file '4'"):
            assets.read_files(PREDICTIONS, ["1", "4"])

    def test_one_asset_does_not_see_its_neighbours(self, assets):
        write(assets, MODEL, OLD)
        write(assets, ("red", "AAPL", "model2"), NEW)
        write(assets, ("red", "AAP", "model"), NEW)
        assert assets.read(MODEL) == OLD

    def test_names_costs_one_listing(self, assets):
        write(assets, PREDICTIONS, {f"2013-01-{day:02}": b"x" for day in range(1, 29)}, replace=False)
        counting = Counting(assets.store)
        assert len(AssetStore(counting, assets.contents.remote).names(PREDICTIONS)) == 28
        assert counting.calls == ["list"]

    def test_what_was_read_here_before_a_server_does_not_send_again(self, assets, tmp_path):
        sessions = {f"2013-01-{day:02}": str(day).encode() for day in range(1, 29)}
        write(assets, PREDICTIONS, sessions, replace=False)
        counting, kept = Counting(assets.store), Kept(tmp_path / "kept")
        reader = AssetStore(counting, assets.contents.remote, kept)
        assert reader.read_files(PREDICTIONS, sessions) == sessions
        counting.calls.clear()
        write(assets, PREDICTIONS, {"2013-01-02": b"made anew"}, replace=False)
        assert reader.read_files(PREDICTIONS, sessions) == sessions | {"2013-01-02": b"made anew"}
        assert counting.calls[0] == "list"
        # A folder has no ETags: its small manifests are read again, the files themselves are not.
        assert counting.calls.count("get") == (2 if isinstance(assets.store, S3Store) else 29)

    def test_of_what_is_kept_only_the_right_bytes_are_taken(self, assets, tmp_path):
        write(assets, MODEL, OLD)
        reader = AssetStore(assets.store, assets.contents.remote, Kept(tmp_path))
        assert reader.read(MODEL) == OLD
        for file in tmp_path.glob("*/*"):
            if file.is_file():
                file.write_bytes(b"torn")
        assert reader.read(MODEL) == OLD

    def test_the_oldest_is_forgotten(self, tmp_path, monkeypatch):
        monkeypatch.setattr(kept_files, "_MOST_IN_ALL", 25)
        monkeypatch.setattr(kept_files, "_LOOKED_AFTER", 1)
        kept = Kept(tmp_path)
        for text in (b"ten bytes.", b"and eleven.", b"the newest"):
            kept.put(text)
            for file in tmp_path.glob("*/*"):
                os.utime(file, (file.stat().st_mtime - 10, file.stat().st_mtime - 10))
        assert [kept.get(md5_of(text)) for text in (b"ten bytes.", b"the newest")] == [None, b"the newest"]


class TestCrashes:
    """At every single call to either store: an error there leaves readers on one whole version, and a retry works."""

    @pytest.mark.parametrize("which", ["store", "remote"])
    def test_a_store_that_fails_at_any_call_never_tears_a_whole_asset(self, place, which):
        for number in itertools.count():
            assets = place.assets()
            write(assets, MODEL, OLD)
            failing = Counting(assets.store if which == "store" else assets.contents.remote, fail_at=number)
            parts = (failing, assets.contents.remote) if which == "store" else (assets.store, failing)
            try:
                write(AssetStore(*parts), MODEL, NEW)
            except StorageError:
                assert assets.read(MODEL) == OLD
            else:
                assert assets.read(MODEL) == NEW
            write(assets, MODEL, NEW)
            assert assets.read(MODEL) == NEW
            if number >= len(failing.calls):
                break
        assert number > 3

    def test_a_store_that_fails_at_any_call_never_tears_a_session(self, place):
        for number in itertools.count():
            assets = place.assets()
            write(assets, PREDICTIONS, {"a": b"old", "b": b"old"})
            failing = Counting(assets.store, fail_at=number)
            try:
                write(
                    AssetStore(failing, assets.contents.remote),
                    PREDICTIONS,
                    {"b": b"new", "c": b"new"},
                    replace=False,
                )
            except StorageError:
                pass
            else:
                assert assets.read(PREDICTIONS) == {"a": b"old", "b": b"new", "c": b"new"}
                if number >= len(failing.calls):
                    break
            seen = assets.read(PREDICTIONS)
            assert (seen["a"], seen["b"] in (b"old", b"new"), seen.get("c", b"new")) == (b"old", True, b"new")

    def test_a_process_killed_before_any_step_leaves_a_whole_version(self, tmp_path):
        """kill -9 before each call to the store, in a real process."""
        for number in itertools.count():
            assets = AssetStore(*(open_store((tmp_path / name).as_uri()) for name in ("store", "dvc")))
            write(assets, MODEL, OLD)
            code = _killed_writer(tmp_path, number)
            assert code in (0, -signal.SIGKILL)
            assert assets.read(MODEL) in (OLD, NEW)
            if code == 0:
                break
            write(assets, MODEL, NEW)
            assert assets.read(MODEL) == NEW
        assert number > 5

    def test_a_reader_overtaken_by_a_writer_at_any_call_sees_one_whole_version(self, place):
        for number in itertools.count():
            assets = place.assets()
            write(assets, MODEL, OLD)
            write(assets, MODEL, {"extra": b"3", "model.onnx": b"patched"}, replace=False)
            before = assets.read(MODEL)
            overtake = iter([lambda assets=assets: write(assets, MODEL, NEW)])
            reader = Counting(assets.store, number, lambda turn=overtake: next(turn, lambda: None)())
            assert AssetStore(reader, assets.contents.remote).read(MODEL) in (before, NEW)
            if number >= len(reader.calls):
                break
        assert number > 4


@pytest.mark.slow
class TestConcurrency:
    def test_processes_adding_different_sessions_lose_none(self, place):
        with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
            list(processes.map(_add_sessions, [place] * 4, range(4)))
        assert place.assets().names(PREDICTIONS) == sorted(
            f"{who}-{n:02}" for who in range(4) for n in range(25)
        )
        assert len(place.assets().pending.of("red")) == 100

    def test_a_reader_sees_whole_versions_while_another_process_replaces(self, place):
        assets = place.assets()
        write(assets, MODEL, _version(0))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
            writing = processes.submit(_replace_often, place)
            while not writing.done():
                seen = assets.read(MODEL)
                assert len(set(seen.values())) == 1
                assert seen == _version(int(seen["f0"]))
            writing.result()
        assert assets.read(MODEL) == _version(40)


def _version(number: int) -> dict[str, bytes]:
    return {f"f{index}": str(number).encode() for index in range(2 + number % 3)}


def _replace_often(place) -> None:
    for number in range(1, 41):
        write(place.assets(), MODEL, _version(number))


def _add_sessions(place, who: int) -> None:
    for number in range(25):
        write(place.assets(), PREDICTIONS, {f"{who}-{number:02}": os.urandom(8)}, replace=False)


def _killed_writer(folder, number: int) -> int:
    script = textwrap.dedent(f"""
        import os, signal
        from pathlib import Path
        from my_dagster_project.storage.assets import AssetStore
        from my_dagster_project.storage.opening import open_store
        from tests.storage.test_assets import MODEL, NEW, Counting, write

        def die():
            os.kill(os.getpid(), signal.SIGKILL)

        store = open_store({(folder / "store").as_uri()!r})
        remote = open_store({(folder / "dvc").as_uri()!r})
        write(AssetStore(Counting(store, {number}, die), remote), MODEL, NEW)
    """)
    return subprocess.run([sys.executable, "-c", script]).returncode


def _refuse() -> None:
    raise StorageError("the store refuses")


@dataclass
class Counting:
    """An ObjectStore that passes everything on to a real one, and acts up before call number `fail_at`."""

    inner: ObjectStore
    fail_at: int | None = None
    act: object = _refuse

    def __post_init__(self):
        self.calls: list[str] = []

    @property
    def url(self) -> str:
        return self.inner.url

    def _before(self, name):
        self.calls.append(name)
        # From that call on: a store that is gone does not come back for the next one.
        if self.fail_at is not None and len(self.calls) > self.fail_at:
            self.act()

    def put(self, key, data):
        self._before("put")
        self.inner.put(key, data)

    def get(self, key):
        self._before("get")
        return self.inner.get(key)

    def size(self, key):
        self._before("size")
        return self.inner.size(key)

    def exists(self, key):
        self._before("exists")
        return self.inner.exists(key)

    def list(self, prefix):
        self._before("list")
        return self.inner.list(prefix)

    def delete(self, key):
        self._before("delete")
        self.inner.delete(key)

    def copy_to(self, key, other_store, other_key):
        self._before("copy_to")
        self.inner.copy_to(key, other_store, other_key)
