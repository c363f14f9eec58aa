"""One test class for both stores: a folder, and a real MinIO."""

import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation.errors import ObjectMissingError, StorageError
from my_dagster_project.foundation.s3_settings import S3Settings
from my_dagster_project.storage.file_store import FileStore
from my_dagster_project.storage.object_store import ObjectInfo, check_key
from my_dagster_project.storage.opening import open_store
from my_dagster_project.storage.s3_store import process_client
from tests.support.loopback import Reply, serving
from tests.support.minio import free_port, no_pauses


class TestEveryStore:
    def test_gives_back_what_was_put(self, store):
        store.put("red/AAPL/model/model.onnx", b"\x00\xffbytes\r\n")
        assert store.get("red/AAPL/model/model.onnx") == b"\x00\xffbytes\r\n"

    def test_keeps_an_empty_object_and_one_of_several_megabytes(self, store):
        big = os.urandom(5_000_000)
        store.put("empty", b"")
        store.put("big", big)
        assert (store.get("empty"), store.size("empty")) == (b"", 0)
        assert (store.get("big") == big, store.size("big")) == (True, 5_000_000)

    def test_replaces_an_object(self, store):
        store.put("a", b"old")
        store.put("a", b"new")
        assert store.get("a") == b"new"

    def test_of_several_who_write_a_new_object_at_once_one_does(self, store):
        with ThreadPoolExecutor(8) as pool:
            wrote = list(pool.map(lambda number: store.put_new("deep/a", bytes([number]) * 9000), range(8)))
        assert wrote.count(True) == 1
        assert store.get("deep/a") == bytes([wrote.index(True)]) * 9000
        assert [info.key for info in store.list("")] == ["deep/a"]

    def test_names_the_key_and_the_store_of_a_missing_object(self, store):
        with pytest.raises(ObjectMissingError, match="no/such") as caught:
            store.get("no/such")
        assert store.url in str(caught.value)
        assert not store.exists("no/such")
        assert store.size("no/such") is None

    def test_lists_by_plain_string_prefix_sorted_with_sizes(self, store):
        for key in (
            "red/B/x",
            "red/AAPL/model/b",
            "red/AAPL/model/a",
            "red/AAPL/models/c",
            "blue/AAPL/model/a",
        ):
            store.put(key, key.encode())
        expected = [
            ObjectInfo(key, len(key)) for key in ("red/AAPL/model/a", "red/AAPL/model/b", "red/AAPL/models/c")
        ]
        assert store.list("red/AAPL/model") == expected
        assert store.list("red/AAPL/model/") == expected[:2]
        assert store.list("")[0].key == "blue/AAPL/model/a"
        assert store.list("green/") == []

    @pytest.mark.slow
    @pytest.mark.parametrize("place", ["s3"], indirect=True)
    def test_lists_more_than_one_page(self, place):
        client_store = place.store("many")
        for number in range(1005):
            client_store.put(f"n/{number:04}", b"")
        assert len(client_store.list("n/")) == 1005

    def test_a_folder_is_no_object(self, store):
        store.put("red/AAPL/model", b"1")
        assert not store.exists("red/AAPL")
        with pytest.raises(ObjectMissingError):
            store.get("red/AAPL")
        with pytest.raises(ObjectMissingError):
            store.get("red/AAPL/model/inside")

    def test_deletes_and_does_not_mind_deleting_twice(self, store):
        store.put("a/b", b"1")
        store.delete("a/b")
        store.delete("a/b")
        assert store.list("") == []

    def test_copies_to_another_store(self, place):
        one, other = place.store("one"), place.store("other")
        one.put("a/b", b"bytes")
        one.copy_to("a/b", other, "c/d")
        assert other.get("c/d") == b"bytes"
        with pytest.raises(ObjectMissingError):
            one.copy_to("no/such", other, "c/d")

    def test_copies_to_a_store_of_the_other_kind(self, store, tmp_path):
        folder = open_store((tmp_path / "elsewhere").as_uri())
        store.put("a", b"bytes")
        store.copy_to("a", folder, "b")
        folder.copy_to("b", store, "c")
        assert store.get("c") == b"bytes"

    @pytest.mark.parametrize(
        "key",
        ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", "a\\b", "a\nb", "a\0b", "a/.tmp-1"],
    )
    def test_refuses_keys_that_could_leave_the_store(self, store, key):
        writes = (lambda bad: store.put(bad, b""), lambda bad: store.put_new(bad, b""))
        for action in (store.get, store.exists, store.size, store.delete, *writes):
            with pytest.raises(StorageError, match="is not an object key"):
                action(key)

    def test_keeps_spaces_and_other_alphabets_in_keys(self, store):
        store.put("Überschuß/a b+c%20&=#?.txt", b"1")
        assert store.list("Ü") == [ObjectInfo("Überschuß/a b+c%20&=#?.txt", 1)]
        store.copy_to("Überschuß/a b+c%20&=#?.txt", store, "copy")
        assert store.get("copy") == b"1"

    def test_readers_never_see_a_half_written_object(self, store):
        versions = [bytes([number]) * 300_000 for number in range(20)]
        store.put("a", versions[0])
        seen, done = set(), threading.Event()

        def read():
            while not done.is_set():
                seen.add(store.get("a"))

        reader = threading.Thread(target=read)
        reader.start()
        for version in versions:
            store.put("a", version)
        done.set()
        reader.join()
        assert seen <= set(versions)

    def test_can_be_pickled(self, store):
        store.put("a", b"1")
        assert pickle.loads(pickle.dumps(store)).get("a") == b"1"

    def test_works_in_a_forked_child_after_the_parent_used_it(self, store):
        store.put("a", b"1")
        child = os.fork()
        if child == 0:
            os._exit(0 if store.get("a") == b"1" else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert store.get("a") == b"1"


@given(st.text())
def test_a_key_that_passes_stays_below_the_root(key):
    try:
        check_key(key)
    except StorageError:
        return
    assert Path("/root", key).resolve().is_relative_to("/root")
    assert Path(key).as_posix() == key


class TestFolder:
    def test_leaves_no_temporary_file_when_the_target_cannot_be_written(self, tmp_path):
        store = FileStore(tmp_path)
        store.put("a/b", b"1")
        with pytest.raises(StorageError, match=r"'a/b/c' in file://"):
            store.put("a/b/c", b"2")
        with pytest.raises(StorageError, match="'a' in file://"):
            store.put("a", b"2")
        assert [path.name for path in tmp_path.rglob("*")] == ["a", "b"]

    def test_does_not_list_what_a_killed_writer_left(self, tmp_path):
        store = FileStore(tmp_path)
        store.put("a/b", b"1")
        (tmp_path / "a" / ".tmp-dead").write_bytes(b"half")
        assert store.list("") == [ObjectInfo("a/b", 1)]

    def test_can_be_told_to_reach_the_disk(self, tmp_path):
        FileStore(tmp_path, fsync=True).put("a", b"1")
        assert (tmp_path / "a").read_bytes() == b"1"

    def test_an_address_may_hold_spaces(self, tmp_path):
        folder = tmp_path / "my store"
        store = open_store(folder.as_uri())
        store.put("a", b"1")
        assert (folder / "a").read_bytes() == b"1"
        assert store.url == folder.as_uri()

    def test_a_full_disk_is_said_and_leaves_the_old_object(self, tmp_path):
        """On a real file system of 64 KB, where the machine lets us mount one in a namespace of our own."""
        script = f"""
from pathlib import Path
from my_dagster_project.storage.file_store import FileStore
store = FileStore(Path({str(tmp_path)!r}))
store.put("red/a", b"old")
try:
    store.put("red/a", b"x" * 1_000_000)
except Exception as error:
    print(type(error).__name__, error)
print(store.get("red/a"), [path.name for path in Path({str(tmp_path)!r}, "red").iterdir()])
"""
        mount = f'mount -t tmpfs -o size=64k tmpfs {tmp_path} && exec "$0" -c "$1"'
        done = subprocess.run(
            ["unshare", "--map-root-user", "-m", "sh", "-c", mount, sys.executable, script],
            capture_output=True,
            text=True,
        )
        if "mount" in done.stderr or "unshare" in done.stderr:
            pytest.skip("this machine lets us mount nothing")
        assert "StorageError Could not write 'red/a' in file://" in done.stdout, done.stderr
        assert "the disk is full" in done.stdout
        assert done.stdout.splitlines()[-1] == "b'old' ['a']"

    def test_a_file_size_limit_is_said_and_leaves_the_old_object(self, tmp_path):
        script = f"""
import resource
from pathlib import Path
from my_dagster_project.storage.file_store import FileStore
store = FileStore(Path({str(tmp_path)!r}))
store.put("a", b"old")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    store.put("a", b"x" * 100_000)
except Exception as error:
    print(type(error).__name__, error)
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert done.stdout.startswith("StorageError Could not write 'a' in file://")
        assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


class TestBucket:
    def test_a_server_that_is_down_is_said_within_ten_seconds(self):
        settings = S3Settings(f"http://127.0.0.1:{free_port()}", "someone", "a-canary-secret")
        started = time.monotonic()
        with pytest.raises(
            StorageError, match=r"'a/b' in s3://bucket/prefix .*does not answer.*Is it running"
        ) as caught:
            open_store("s3://bucket/prefix", settings).get("a/b")
        assert time.monotonic() - started < 10
        assert "canary" not in str(caught.value)

    def test_a_missing_bucket_is_said(self, s3):
        with pytest.raises(StorageError, match="bucket does not exist"):
            open_store("s3://no-such-bucket", s3.settings).put("a", b"1")

    def test_a_server_that_is_no_s3_server_is_said(self):
        with serving(Reply("<html><p>File not found</html>", 404)) as server:
            settings = S3Settings(server.url, "a", "b")
            with pytest.raises(StorageError, match="no S3 server; check the endpoint"):
                open_store("s3://bucket", settings).get("a")

    def test_a_wrong_secret_is_said_without_showing_it(self, s3):
        if s3.kind == "moto":
            pytest.skip("moto checks no credentials")
        wrong = S3Settings(s3.settings.endpoint_url, s3.settings.access_key, "a-canary-secret")
        with pytest.raises(StorageError, match="refused the secret key") as caught:
            open_store(f"s3://{s3.new_bucket()}", wrong).put("a", b"1")
        assert "canary" not in repr(caught.value)
        assert caught.value.__suppress_context__

    def test_secrets_show_nowhere(self, monkeypatch):
        no_pauses(monkeypatch)
        settings = S3Settings("http://u:canary-3@localhost:1", "canary-1", "canary-2")
        store = open_store("s3://bucket/prefix", settings)
        with pytest.raises(StorageError) as caught:
            store.put("a", b"1")
        assert "canary-1" not in repr(settings) + repr(store) + str(store.url)
        assert "canary-2" not in repr(settings) + repr(store) + str(store.url)
        assert "canary" not in str(caught.value)

    def test_a_forked_child_makes_a_client_of_its_own(self, s3):
        inherited = process_client(s3.settings)
        child = os.fork()
        if child == 0:
            os._exit(1 if process_client(s3.settings) is inherited else 0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert process_client(s3.settings) is inherited

    def test_one_client_serves_all_threads_of_a_process(self, s3):
        clients = set()
        settings = S3Settings(s3.settings.endpoint_url, "a", "b")
        threads = [threading.Thread(target=lambda: clients.add(process_client(settings))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(clients) == 1


@pytest.mark.parametrize(
    "url", ["", "red", "/a/b", "file://host/a", "file:a", "http://x/y", "s3://", "s3://u:canary@b/p"]
)
def test_an_address_of_another_kind_is_refused_without_repeating_it(url):
    with pytest.raises(StorageError, match="A store's address is") as caught:
        open_store(url)
    assert "canary" not in str(caught.value)


def test_importing_the_stores_imports_no_boto3():
    code = "import sys, my_dagster_project.storage.s3_store, my_dagster_project.history.commits; print('boto3' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"
    )
