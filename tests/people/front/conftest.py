"""A front over a real store with a leaderboard and reports in it, in a folder and in an S3 bucket."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pytest

from my_dagster_project.domain.evaluation import Metrics
from my_dagster_project.domain.leaderboard import TradingSummary, to_json
from my_dagster_project.domain.ranking import assemble
from my_dagster_project.foundation.settings import Settings, load_settings
from my_dagster_project.people.front import snapshots
from my_dagster_project.people.front.app import create_app
from my_dagster_project.storage.opening import open_assets
from tests.support.deployment import deployed, write_project
from tests.support.minio import S3Server

METRICS = Metrics(
    n=60, mae=9.0, naive_mae=9.2, mase=0.981, rmse=13.0, bias=2.3, direction=0.52, direction_low=0.39,
    direction_high=0.64, direction_n=60, up_share=0.35, ic=0.19, log_loss=0.678, brier=0.243,
)  # fmt: skip
REPORT = b"<!DOCTYPE html><title>red</title><script>document.title = 'drawn'</script>"
PICTURE = b"\x89PNG\r\n\x1a\n"


@contextmanager
def filled(folder, s3: S3Server | None) -> Iterator[Settings]:
    """A deployment of teams red and blue whose store, in a bucket or else the folder, holds red's report of IBM and a leaderboard."""
    with pytest.MonkeyPatch.context() as patch:
        if s3:
            for name, value in s3.environment.items():
                patch.setenv(name, value)
            address = f"s3://{s3.new_bucket()}"
            patch.setenv("TRADING_STORE_URL", f"{address}/store")
            patch.setenv("TRADING_DVC_URL", f"{address}/dvc")
        write_project(
            folder / "project", ["red", "blue"], ["IBM", "MSFT"], date(2026, 11, 2), replay_sessions=3
        )
        # A visitor of a test waits as long as a busy machine takes.
        patch.setattr(snapshots.Snapshots.get, "__defaults__", (60.0,))
        with deployed(folder / "project"):
            settings = load_settings()
            fill(settings)
            yield settings


def server_of(request) -> S3Server | None:
    return request.getfixturevalue("s3") if request.param == "bucket" else None


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.full)])
def settings(request, tmp_path):
    """A deployment to change."""
    with filled(tmp_path, server_of(request)) as settings:
        yield settings


@pytest.fixture(scope="module", params=["folder", "bucket"])
def shown(request, tmp_path_factory):
    """A front to look at only: one for all tests of a file."""
    with filled(tmp_path_factory.mktemp("front"), server_of(request)) as settings:
        yield client_of(settings)


def fill(settings) -> None:
    assets = open_assets(settings.store_url, settings.dvc_url)
    files = {"report.html": REPORT, "report.json": b"{}", "plots/error.png": PICTURE, "model.onnx": b"\x00"}
    assets.write(("red", "IBM", "report"), files, replace=True, record={})
    assets.write(("red", "IBM", "model"), {"secret.txt": b"not for the front"}, replace=True, record={})
    board = assemble(
        {("red", "IBM"): METRICS}, {"red": TradingSummary(orders=3, equity=101_000.0, total_return=0.01)}
    )
    files = {"leaderboard.json": to_json(board).encode()}
    assets.write(("competition", "leaderboard"), files, replace=True, record={})


def client_of(settings):
    from fastapi.testclient import TestClient

    return TestClient(create_app(settings), raise_server_exceptions=False)


@pytest.fixture
def open_front(settings):
    """Opens a front over the settings with some of them changed."""
    return lambda **changes: client_of(replace(settings, **changes))


@pytest.fixture
def front(open_front):
    return open_front()
