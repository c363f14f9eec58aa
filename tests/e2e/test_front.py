"""The front as people use it: `trading front`, a real browser, a real report; and how little memory it needs."""

import shutil
import urllib.request

import psutil
import pytest

from my_dagster_project.domain.targets import NEXT_RETURN
from my_dagster_project.reports.evidently_report import build_report
from my_dagster_project.storage.opening import open_assets
from tests.reports.samples import sample_bars, sample_features, sample_scored, split_features
from tests.support.minio import free_port

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MOST_MB = (
    350  # 292 measured after every page was shown: Dagster's import 79, the broker's client with pandas 100
)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")]


@pytest.fixture(scope="module")
def front(finished, tmp_path_factory):
    """A running `trading front` over the finished competition: its address and its process."""
    project = finished.project.copy(tmp_path_factory.mktemp("front") / "project")
    with project.serving("front", "/status.json") as served:
        yield served.url, served.process, project


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, front):
    """A page that notes what goes wrong and who is asked besides the front."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(60_000)
    page.trouble = []
    own = (front[0], "data:", "blob:")
    page.on("console", lambda said: page.trouble.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.on("request", lambda asked: None if asked.url.startswith(own) else page.trouble.append(asked.url))
    yield page
    page.close()


def test_from_the_leaderboard_to_a_report_on_a_phone(front, page):
    url, _, _ = front
    page.goto(url)
    page.get_by_text("buy-and-hold").first.wait_for()
    page.locator("#equity svg.main-svg").first.wait_for()
    assert page.locator("#equity .legendtext").all_text_contents() == ["blue", "buy-and-hold", "red"]
    assert_fits(page)
    page.locator("a[href='/reports/red/IBM']").first.click()
    page.get_by_text("IBM").first.wait_for()
    assert_fits(page)
    # The report may do nothing but draw itself, and be left: its links lead to the team, at the symbol.
    page.get_by_text("Predictions one by one").click()
    page.get_by_text("round trips gained").wait_for()
    assert page.url == f"{url}/teams/red#IBM"
    # A folded part opens for its address once the page is read to there.
    page.locator("#IBM").wait_for()
    for part in ("next", "account", "equity", "past", "fills", "configuration"):
        assert page.locator(f"#{part}").count() == 1
    assert_fits(page)
    with page.expect_download() as begun:
        page.get_by_text("All predictions as CSV").click()
    assert begun.value.suggested_filename == "red-predictions.csv"
    assert page.trouble == []


def assert_fits(page) -> None:
    """Nothing is wider than the phone but what scrolls by itself."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


@pytest.mark.full
def test_a_whole_report_draws_itself_under_its_policy(front, page):
    """One with Evidently's part, which a replay of five sessions is too short for."""
    url, _, project = front
    assets = open_assets((project.home / "store").as_uri(), (project.home / "dvc").as_uri())
    bars = sample_bars()
    features = split_features(sample_features(bars))
    files = build_report(sample_scored(bars), *features, NEXT_RETURN, "blue", "IBM").files
    assets.write(("blue", "IBM", "report"), files, replace=True, record={})
    page.goto(f"{url}/reports/blue/IBM")
    assert page.evaluate("document.body.scrollHeight") < 3500
    page.locator("#evidently-fold summary").click()
    page.locator("#evidently svg").first.wait_for()
    assert_fits(page)
    assert page.trouble == []
    # The same file as `make run` names it, without a server.
    page.goto((project.store / "blue" / "IBM" / "report" / "report.html").as_uri())
    page.locator("#evidently-fold summary").click()
    page.locator("#evidently svg").first.wait_for()
    assert len(page.inner_text("body")) > 500


def test_the_status_page(front, page):
    url, _, project = front
    page.goto(f"{url}/status")
    for text in ("Nothing is broken", "Everything is well", "needs somebody", "need somebody"):
        if page.get_by_text(text).count():
            break
    else:
        raise AssertionError(page.inner_text("body"))
    assert_fits(page)
    assert page.locator("#team-red").count() == 1
    assert page.get_by_text(str(project.store)).count() == 1
    assert page.trouble == []


def test_it_stays_thin(front):
    url, process, _ = front
    for path in ("/", "/status", "/status.json", "/reports/red/IBM"):
        urllib.request.urlopen(f"{url}{path}", timeout=30).read()
    assert psutil.Process(process.pid).memory_info().rss / 1e6 < MOST_MB


def test_check_tells_a_monitor(finished):
    assert finished.project.trading("status", "--check").code == 0
    told = finished.project.trading(
        "status", "--check", MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}"
    )
    assert told.code == 1
    assert "docker compose up -d mlflow" in told.out
