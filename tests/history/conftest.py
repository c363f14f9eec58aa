"""A team's repository and stores with a few versions in them; what must hold on both kinds of store runs on both."""

import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from my_dagster_project.domain.evaluation import Metrics
from my_dagster_project.domain.plain_json import to_text
from my_dagster_project.history.ages import aged_objects
from my_dagster_project.history.commits import Committed, commit_pending
from my_dagster_project.history.gc import CONTENTS, Collected, collect
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.dvc_format import md5_of, object_key
from tests.storage import conftest as storage
from tests.storage.conftest import Place
from tests.support.gitrepo import git, repo_with_a_commit
from tests.support.versions import read_version

FEATURES, MODEL, PREDICTIONS, REPORT = (
    ("red", "AAPL", noun) for noun in ("features", "model", "predictions", "report")
)
ORDERS = ("red", "orders")
place = storage.place  # the fixture: a folder, then a bucket of a real MinIO


class Deployment:
    """A repository and an asset store, and what runs and people do with them."""

    def __init__(self, repo: Path, assets: AssetStore, where: Place) -> None:
        self.repo, self.assets, self.place = repo, assets, where

    def write(self, asset, files, *, replace=True, **record) -> None:
        self.assets.write(asset, files, replace=replace, record={"run_id": "r1", **record})

    def commit(self) -> list[Committed]:
        return commit_pending(
            self.assets, self.repo, branch_of, lambda _owner: self.assets.contents.remote.url
        )

    def version(self, asset, files, **options) -> str:
        """One write and its commit; the sha."""
        self.write(asset, files, **options)
        [done] = self.commit()
        return done.sha

    def version_of(self, revision: str, asset) -> dict[str, bytes]:
        return read_version(self.assets, self.repo, revision, asset)

    def garbage(self, data: bytes = b"garbage") -> str:
        """A content that nothing points to; its md5."""
        self.assets.contents.put(md5_of(data), data)
        return md5_of(data)

    def has(self, md5: str) -> bool:
        return self.assets.contents.remote.exists(object_key(md5))

    def swept(self, *, delete: bool = True, after: timedelta = timedelta(hours=49)) -> Collected:
        """What a collection so much later finds, and removes."""

        def listing():
            return aged_objects(self.assets.contents.remote.url, self.place.settings, CONTENTS)

        return collect(self.assets, self.repo, listing, delete=delete, now=datetime.now(UTC) + after)

    def edit(self, team: str, text: str, message: str = "another idea") -> str:
        """A person commits the team's file on its branch, in a work tree of their own."""
        tree = self.repo.parent / f"tree-{team}"
        if not tree.exists():
            exists = git(self.repo, "branch", "--list", team)
            git(
                self.repo,
                "worktree",
                "add",
                "-q",
                *([] if exists else ["-b", team]),
                str(tree),
                *([team] if exists else []),
            )
        (tree / "configs" / f"{team}.yaml").write_text(text)
        git(tree, "add", f"configs/{team}.yaml")
        git(tree, "commit", "-q", "-m", message)
        return git(tree, "rev-parse", "HEAD")


def report(**figures) -> dict[str, bytes]:
    return {
        "report.html": b"<html>",
        "report.json": to_text({"metrics": asdict(Metrics(**figures))}).encode(),
    }


def branch_of(owner: str) -> str:
    return "platform" if owner in ("market", "competition") else owner


@pytest.fixture
def on_both(tmp_path: Path, place: Place) -> Deployment:
    return Deployment(repo_with_a_commit(tmp_path / "repo"), place.assets(), place)


@pytest.fixture
def here(tmp_path: Path) -> Deployment:
    folder = Place((tmp_path / "objects").as_uri(), None, {})
    return Deployment(repo_with_a_commit(tmp_path / "repo"), folder.assets(), folder)


@pytest.fixture
def random_bytes() -> Callable[[], bytes]:
    return lambda: os.urandom(24)
