"""Dagit in a real browser: the graph is there, metadata can be read, a click on Materialize materializes.

And a page of somebody else's, open in the same browser, does nothing."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.e2e.project import Project
from tests.support.foreign_site import SOCKET, foreign_site
from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    # A name of somebody else's that was made to point at this machine.
    "--host-resolver-rules=MAP rebound.example.com 127.0.0.1",
]

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory) -> Project:
    """The finished competition, to materialize in."""
    return finished.project.copy(tmp_path_factory.mktemp("dagit") / "project")


@pytest.fixture(scope="module")
def dagit(project) -> Iterator[str]:
    """The address of a running `trading ui`."""
    with project.serving("ui", "/server_info") as served:
        yield served.url
        started = psutil.Process(served.process.pid).children(recursive=True)
        wait_for(lambda: asked_to_end(served.process), 60)
        assert len(started) >= 3
        assert [one for one in started if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []


def asked_to_end(process: subprocess.Popen[bytes]) -> bool:
    """Whether it ends, asked again as people press Ctrl-C again: of two whole runs of the tests one request had no effect."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(12)
    return process.poll() is not None


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
    in_place = page.get_by_role("row").filter(has_text="mean of all").last
    in_place.wait_for()
    assert "%" in in_place.inner_text()
    heads = page.get_by_text("direction [95 %]").first
    assert heads.bounding_box()["x"] < 1100, "cut off by the page's other half"
    page.get_by_text("[Show Markdown]").first.click()
    page.get_by_text("$", exact=False).first.wait_for()


def test_a_click_on_materialize_fetches_bars(dagit, page, project):
    before = len(project.dagster_runs())
    page.goto(f"{dagit}/assets/market/IBM/bars")
    page.get_by_role("button", name="Materialize", exact=False).first.click()
    wait_for(lambda: project.dagster_runs()[before:][:1] == [("__ASSET_JOB", "SUCCESS")], every=0.5)
    assert [status for _, status in project.dagster_runs()[before:]] == ["SUCCESS"]


@pytest.fixture
def ours(dagit) -> str:
    """The address people use; the foreign page's is of another site."""
    return dagit.replace("127.0.0.1", "localhost")


@pytest.fixture
def foreign(ours, page) -> Iterator["Page"]:
    """A page of somebody else's, open beside Dagit."""
    with foreign_site(ours) as address:
        other = page.context.browser.new_page()
        other.goto(address)
        yield other
        other.close()


@pytest.mark.parametrize("what", ["#form button", "#text button", "#report button", "a"])
def test_a_foreign_page_launches_nothing(foreign, project, what):
    before = project.dagster_runs()
    with foreign.expect_navigation() as went:
        foreign.click(what)
    assert went.value.status == 403, went.value.text()
    assert project.dagster_runs() == before


def test_a_foreign_page_writes_and_hears_nothing_in_the_background(foreign, ours):
    sent = """url => fetch(url, {method: 'POST', mode: 'no-cors', body: JSON.stringify({query: 'mutation { setNuxSeen }'}),
      headers: {'Content-Type': 'text/plain; x=application/json'}})"""
    with foreign.expect_response(f"{ours}/graphql") as answer:
        foreign.evaluate(sent, f"{ours}/graphql")
    assert answer.value.status == 403
    assert foreign.evaluate(SOCKET, f"{ours.replace('http', 'ws')}/graphql") == "refused"


def test_a_name_that_was_made_to_point_here_opens_nothing(page, dagit):
    other = page.context.browser.new_page()
    assert other.goto(dagit.replace("127.0.0.1", "rebound.example.com")).status == 403
    other.close()


def test_our_own_page_goes_on_working(page, ours):
    page.goto(f"{ours}/server_info")
    sent = """query => fetch('/graphql', {method: 'POST', headers: {'Content-Type': 'application/json'},
      body: JSON.stringify({query})}).then(answer => answer.json())"""
    assert page.evaluate(sent, "mutation { setNuxSeen }") == {"data": {"setNuxSeen": True}}
    assert page.evaluate(SOCKET, f"{ours.replace('http', 'ws')}/graphql") == "open"
