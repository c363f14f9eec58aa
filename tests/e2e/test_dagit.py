"""Dagit in a real browser: the graph is there, metadata can be read, a click on Materialize materializes; so is a report."""

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator

import pytest

from tests.e2e.project import Project, kill_group
from tests.support.minio import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
START_LIMIT = 120  # seconds

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory) -> Project:
    """The finished competition replayed over a month: of fewer than 20 sessions a report draws nothing."""
    project = finished.project.copy(tmp_path_factory.mktemp("dagit") / "project")
    project.edit("teams", lambda registry: registry["competition"].update(replay_sessions=21))
    assert project.trading("run").code == 0
    return project


@pytest.fixture(scope="module")
def dagit(project, tmp_path_factory) -> Iterator[str]:
    """The address of a running `trading ui`."""
    port, log = free_port(), tmp_path_factory.mktemp("log") / "dagit.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["trading", "ui", "--port", str(port)],
            cwd=log.parent,
            env=project.environ(TRADING_PROJECT=str(project.folder)),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        _wait_until_up(process, f"http://127.0.0.1:{port}", log)
        yield f"http://127.0.0.1:{port}"
    finally:
        kill_group(process)


def _wait_until_up(process, url, log) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"{url}/server_info", timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def page():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(90_000)
        yield page
        browser.close()


def test_the_graph_shows_the_groups(dagit, page):
    page.goto(f"{dagit}/asset-groups")
    for group in ("market", "red", "blue", "competition"):
        page.get_by_text(group, exact=True).first.wait_for()


def test_the_leaderboard_shows_its_figures(dagit, page):
    page.goto(f"{dagit}/assets/competition/leaderboard")
    page.get_by_text("Every team's forecasts and money", exact=False).first.wait_for()
    page.get_by_text("[Show Markdown]").first.click()
    page.get_by_text("buy-and-hold", exact=False).first.wait_for()
    page.get_by_text("$", exact=False).first.wait_for()


def test_a_click_on_materialize_fetches_bars(dagit, page, project):
    before = len(project.dagster_runs())
    page.goto(f"{dagit}/assets/market/IBM/bars")
    page.get_by_role("button", name="Materialize", exact=False).first.click()
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and project.dagster_runs()[before:][:1] != [("__ASSET_JOB", "SUCCESS")]:
        time.sleep(0.5)
    assert [status for _, status in project.dagster_runs()[before:]] == ["SUCCESS"]


def test_the_stored_report_renders_in_a_browser(page, project):
    report = project.store / "red" / "IBM" / "report" / "report.html"
    page.goto(report.as_uri())
    page.get_by_text("IBM").first.wait_for()
    page.locator("svg, canvas, img").first.wait_for()
    assert len(page.inner_text("body")) > 500
