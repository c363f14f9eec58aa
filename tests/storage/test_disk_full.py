"""The server's disk fills up: what was stored stays whole, and nothing half-written is to be seen."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from my_dagster_project.foundation.errors import StorageError, StorageUnreachableError
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.s3_store import S3Store
from tests.support import minio

MB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of 64 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("a small disk can only be mounted as root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_and_loses_nothing(small_disk):
    with minio.s3_server(small_disk) as server:
        if server.kind != "minio":
            pytest.skip("moto keeps everything in memory")
        bucket = server.new_bucket()
        store = S3Store(bucket, "store", server.settings)
        assets = AssetStore(store, S3Store(bucket, "dvc", server.settings))
        asset = ("red", "IBM", "model")
        old = {"weights.bin": b"1" * MB, "settings.json": b"{}"}
        assets.write(asset, old, replace=True, record={})

        filler = small_disk / "filler"
        filler.write_bytes(b"0" * (shutil.disk_usage(small_disk).free - MB // 2))
        with pytest.raises(StorageError, match="disk is full") as raised:
            assets.write(
                asset, {"weights.bin": b"2" * 4 * MB, "settings.json": b"{}"}, replace=True, record={}
            )
        assert not isinstance(raised.value, StorageUnreachableError)  # waiting does not help
        assert assets.read(asset) == old

        filler.unlink()
        time.sleep(3)  # MinIO looks at the free space every second or so
        new = {"weights.bin": b"2" * 4 * MB, "settings.json": b"{}"}
        assets.write(asset, new, replace=True, record={})
        assert assets.read(asset) == new
