"""Evidently's workspace is what the teams' branches have of measured reports; its pages are looked at and change nothing."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.foundation.sign_in import USER_HEADER
from my_dagster_project.people.monitoring import workspace
from my_dagster_project.people.monitoring.evidently_server import guarded
from my_dagster_project.people.monitoring.workspace import Workspace, project_id
from my_dagster_project.reports.evidently_snapshots import PARTS, file_of
from tests.history.conftest import REPORT, Deployment, here  # noqa: F401

TEAM, SYMBOL = REPORT[0], REPORT[1]


def measured(day: int, part: str) -> bytes:
    from evidently.core.serialization import ReportModel, SnapshotModel
    from evidently.legacy.utils import NumpyEncoder

    nothing = {
        "metadata": {},
        "metric_results": {},
        "top_level_metrics": [],
        "widgets": [],
        "tests_widgets": [],
    }
    model = SnapshotModel(
        report=ReportModel(items=[]),
        name=f"{SYMBOL}: {part}",
        timestamp=datetime(2013, 1, day, tzinfo=UTC),
        tags=[SYMBOL, part],
        **nothing,
    )
    return json.dumps(model.dict(), cls=NumpyEncoder).encode()


@pytest.fixture
def following(here, tmp_path):  # noqa: F811
    """A workspace over the deployment's branches, and what it holds of red: the days of its snapshots."""
    from evidently.ui.storage.local.base import LocalState

    assets = here.assets
    settings = settings_from(
        {"TRADING_STORE_URL": assets.store.url, "TRADING_DVC_URL": assets.contents.remote.url},
        here.repo,
    )
    config = SimpleNamespace(symbols=[SYMBOL], target="next_return")
    platform = SimpleNamespace(teams={TEAM: config}, registry=SimpleNamespace(branch_of=lambda team: team))
    made = Workspace(settings, tmp_path / "workspace")
    state = LocalState(str(tmp_path / "workspace"))

    def days() -> list[int]:
        ids = state.list_snapshots(project_id(TEAM))
        return sorted(state.read_snapshot(project_id(TEAM), one).timestamp.day for one in ids)

    return lambda: made.follow(platform), days


def store(deployment: Deployment, day: int) -> None:
    files = {file_of(part): measured(day, part) for part in PARTS}
    deployment.version(REPORT, {"report.html": b"<p>", **files})


@pytest.mark.full  # Evidently's own pages take 5 s to import
def test_each_measured_version_of_a_report_is_there_once(here, following, monkeypatch):  # noqa: F811
    follow, days = following
    assert follow() == 0  # no branch yet
    store(here, 2)
    store(here, 3)
    here.version(REPORT, {"report.html": b"not measured"})
    assert follow() == 4
    assert days() == [2, 2, 3, 3]
    assert follow() == 0
    monkeypatch.setattr(workspace, "_MOST_SNAPSHOTS", 4)
    store(here, 4)
    assert follow() == 2
    assert days() == [3, 3, 4, 4]


async def everything(scope, receive, send) -> None:
    await PlainTextResponse("evidently")(scope, receive, send)


@pytest.mark.parametrize(
    ("method", "path", "user", "visibility", "code"),
    [
        ("GET", "/projects", "red", "open", 200),
        ("POST", "/api/v2/snapshots/1/data_series_batch", "red", "open", 200),
        ("POST", "/api/projects", "organiser", "open", 403),
        ("DELETE", "/api/projects/1", "organiser", "open", 403),
        ("GET", "/projects", "red", "own", 403),
        ("GET", "/projects", "organiser", "own", 200),
        ("GET", "/healthz", "", "own", 200),
    ],
)
def test_its_pages_are_looked_at_by_who_may(tmp_path, monkeypatch, method, path, user, visibility, code):
    monkeypatch.setattr("my_dagster_project.teams.visibility.Sight.visibility", visibility)
    settings = replace(settings_from({}, tmp_path), proxy_names_user=True)
    client = TestClient(guarded(everything, settings))
    assert client.request(method, path, headers={USER_HEADER: user}).status_code == code
