"""The stack in a real browser, with the passwords people have; each page is left as a screenshot for people."""

import json
import shutil
from collections.abc import Iterator

import pytest

from tests.stack.platform import Stack, wait_for
from tests.support.foreign_site import foreign_site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]

pytestmark = [
    pytest.mark.stack,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, stack, request) -> Iterator:
    """A page that logs in as the account the test names, by default the organiser."""
    user, password = getattr(request, "param", stack.organiser).split(":", 1)
    context = chromium.new_context(
        viewport={"width": 1500, "height": 950}, http_credentials={"username": user, "password": password}
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def test_a_click_in_dagit_materializes_on_a_worker(page, stack, shots):
    before = {run["runId"] for run in stack.runs()}
    page.goto(f"{stack.url('dagit')}/assets/market/AAPL/bars")
    page.get_by_role("button", name="Materialize", exact=False).first.click()
    run = new_run(stack, before)
    stack.succeed(run)
    page.goto(f"{stack.url('dagit')}/runs/{run}")
    # The log comes over a web socket, through Caddy and its password.
    page.get_by_text("RUN_SUCCESS").first.wait_for()
    page.screenshot(path=shots / "dagit-run.png")
    page.goto(f"{stack.url('dagit')}/assets/market/AAPL/bars")
    page.get_by_text("adjusted_close").first.wait_for()
    page.screenshot(path=shots / "dagit-asset.png")


def test_a_form_of_another_site_launches_nothing(page, stack):
    before = stack.runs()
    page.goto(f"{stack.url('dagit')}/server_info")
    with foreign_site(stack.url("dagit")) as address:
        page.goto(address.replace("127.0.0.1", "localhost"))
        with page.expect_navigation() as went:
            page.click("#form button")
    assert went.value.status == 403
    assert stack.runs() == before


def new_run(stack: Stack, before: set[str]) -> str:
    def clicked() -> list[str]:
        # A schedule may launch one meanwhile; a click's job is Dagster's own.
        return [
            run["runId"]
            for run in stack.runs()
            if run["runId"] not in before and run["jobName"] == "__ASSET_JOB"
        ]

    return wait_for(clicked, 60)[0]


def test_the_front_page_shows_leaderboard_status_and_a_report(page, stack, shots):
    stack.succeed(stack.launch("leaderboard"))
    page.goto(stack.url("front"))
    page.get_by_text("buy-and-hold").first.wait_for()
    page.screenshot(path=shots / "front.png", full_page=True)
    page.goto(f"{stack.url('front')}/status")
    page.get_by_text("red").first.wait_for()
    page.screenshot(path=shots / "status.png", full_page=True)
    page.goto(f"{stack.url('front')}/reports/red/IBM")
    page.get_by_text("IBM").first.wait_for()
    page.screenshot(path=shots / "report.png")


def test_a_training_is_an_experiment_in_mlflow(chromium, stack, shots):
    user, password = stack.secrets["MLFLOW_TRACKING_USERNAME"], stack.secrets["MLFLOW_TRACKING_PASSWORD"]
    context = chromium.new_context(
        viewport={"width": 1500, "height": 950}, http_credentials={"username": user, "password": password}
    )
    page = context.new_page()
    body = json.dumps({"max_results": 100}).encode()
    headers = {"Content-Type": "application/json"}
    _, text = stack.fetch(
        "mlflow", "/api/2.0/mlflow/experiments/search", user=f"{user}:{password}", body=body, **headers
    )
    [red] = [one for one in json.loads(text)["experiments"] if one["name"] == "red"]
    page.goto(f"{stack.url('mlflow')}/#/experiments/{red['experiment_id']}/runs")
    page.get_by_text("red-IBM").first.wait_for(timeout=60_000)
    page.screenshot(path=shots / "mlflow.png")
    context.close()
