"""The two kinds of places the storage room keeps objects in; every test of behaviour runs on both."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from my_dagster_project.foundation.s3_settings import S3Settings
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.object_store import ObjectStore
from my_dagster_project.storage.opening import open_store


@dataclass(frozen=True)
class Place:
    """Somewhere to open stores: a folder or a bucket."""

    url: str
    settings: S3Settings | None
    environment: dict[str, str]

    def store(self, name: str) -> ObjectStore:
        return open_store(f"{self.url}/{name}", self.settings)

    def assets(self) -> AssetStore:
        return AssetStore(self.store("store"), self.store("dvc"))


@pytest.fixture(params=["file", "s3"])
def place(request, tmp_path: Path) -> Place:
    if request.param == "file":
        return Place((tmp_path / "objects").as_uri(), None, {})
    server = request.getfixturevalue("s3")
    return Place(f"s3://{server.new_bucket()}/deep/prefix", server.settings, server.environment)


@pytest.fixture
def store(place: Place) -> ObjectStore:
    return place.store("store")


@pytest.fixture
def assets(place: Place) -> AssetStore:
    return place.assets()


@pytest.fixture
def token() -> Callable[[], bytes]:
    return lambda: secrets.token_bytes(32)
