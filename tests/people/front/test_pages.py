import re
import time
from dataclasses import replace

import pytest

from my_dagster_project.domain.alarms import Alarm
from my_dagster_project.domain.evaluation import Metrics
from my_dagster_project.domain.ranking import assemble
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.pages import home_html
from my_dagster_project.people.status import probes
from my_dagster_project.reports.colours import team_colour
from tests.support.minio import free_port
from tests.support.silent import hanging

PAGES = ("/", "/status", "/status.json", "/healthz")


def test_the_leaderboard(shown):
    page = shown.get("/").text
    assert "0.981" in page
    assert "$101,000.00" in page
    assert 'href="/reports/red/IBM"' in page
    assert 'href="/teams/red"' in page


def test_the_status_page_and_its_json_say_the_same(shown):
    page, told = shown.get("/status").text, shown.get("/status.json").json()
    assert told["verdict"] in page
    assert [team["name"] for team in told["teams"]] == ["red", "blue"]
    assert told["state"] == "red"  # Its schedules run and no daemon does.
    for word in ("red_daily", "IBM", "object store", "America/New_York"):
        assert word in page


@pytest.mark.parametrize(
    "path", [*PAGES, "/reports/red/IBM", "/teams/red", "/teams/red/fills.csv", "/nothing"]
)
def test_every_answer_has_the_security_headers(shown, path):
    headers = shown.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "default-src 'none'" in headers["content-security-policy"]


def test_our_own_pages_run_scripts_of_this_server_alone_and_ask_no_other_host(shown):
    for path in ("/", "/status", "/teams/red"):
        answer = shown.get(path)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        scripts = re.findall(r"<script([^>]*)>(.*?)</script>", answer.text)
        assert scripts
        for attributes, inside in scripts:
            assert not inside
            address = re.search(r'src="(/static/[^"]+)"', attributes)
            assert shown.get(address[1]).headers["content-type"].startswith("text/javascript")
        assert not re.findall(r" (?:style|on[a-z]+)=", answer.text)
        assert not re.findall(r'(?:src|action)="(?!/|data:)', answer.text)


def test_only_the_scripts_of_the_pages_are_served(shown):
    assert shown.get("/static/front.js").headers["cache-control"].endswith("immutable")
    for name in ("app.py", "..%2fapp.py", "style.css"):
        assert shown.get(f"/static/{name}").status_code == 404


def test_what_a_team_wrote_is_shown_and_not_executed(front, settings):
    path = settings.project / "configs" / "blue.yaml"
    path.write_text("team: blue\n<script>alert(1)</script>: 1\n")
    page = front.get("/status").text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "trading validate blue" in page


def test_no_secret_is_on_any_page(open_front, monkeypatch):
    canaries = {
        name: f"canary-{name.lower()}-77f0"
        for name in ("GIT_HOOK_SECRET", "ALPACA_RED_SECRET", "REDIS_PASSWORD")
    }
    for name, value in canaries.items():
        monkeypatch.setenv(name, value)
    front = open_front(
        mlflow_uri=f"http://admin:{canaries['ALPACA_RED_SECRET']}@127.0.0.1:{free_port()}",
        git_remote=f"http://bot:{canaries['GIT_HOOK_SECRET']}@127.0.0.1:{free_port()}/x.git",
    )
    for path in PAGES:
        assert "canary" not in front.get(path).text, path


def test_a_team_has_a_page_and_downloads_and_nobody_else_has(shown):
    page = shown.get("/teams/red").text
    assert "Team red" in page
    assert 'href="/reports/red/IBM"' in page
    answer = shown.get("/teams/red/round-trips.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="red-round-trips.csv"'
    assert answer.text.startswith("team,symbol,shares,entry")
    for path, said in {
        "/teams/green": "There is no such team; teams are red, blue.",
        "/teams/naive": "naive is a house team",
        "/teams/red/secrets.csv": "Downloads of a team are predictions.csv",
    }.items():
        answer = shown.get(path)
        assert (answer.status_code, said in answer.text) == (404, True), answer.text


@pytest.mark.parametrize("method", ["get", "head"])
def test_health_asks_nobody(open_front, method):
    with hanging() as silent:
        dead = f"http://127.0.0.1:{silent}"
        front = open_front(mlflow_uri=dead, dagit_url=dead, git_remote=dead)
        began = time.monotonic()
        assert getattr(front, method)("/healthz").status_code == 200
        assert time.monotonic() - began < probes.SECONDS


def test_a_page_is_found_out_once_in_ten_seconds(front):
    first = front.get("/status.json").json()["at"]
    assert front.get("/status.json").json()["at"] == first


def test_an_unknown_page_says_so_in_words(shown):
    answer = shown.get("/wp-admin.php")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert shown.post("/status").status_code == 405


def test_a_broken_registry_is_said_and_mended(front, settings):
    path = load_settings().project / "configs" / "teams.yaml"
    good = path.read_text()
    path.write_text("teams: 3\n")
    answer = front.get("/status")
    assert answer.status_code == 503
    assert "configs/teams.yaml" in answer.text
    assert front.get("/").status_code == 200
    assert front.get("/status.json").status_code == 503
    path.write_text(good)


def test_the_leaderboard_says_its_dates_and_what_costs_a_team_its_rank():
    alarm = Alarm("IBM", "IBM: too good to be true", "leak IBM 1")
    told = Metrics(n=60, mase=0.3, direction=0.5, direction_low=0.4, direction_high=0.6)
    board = replace(
        assemble({("red", "IBM"): told}, {}, alarms={"red": (alarm,)}),
        first="2012-12-03",
        last="2013-02-28",
    )
    shown = home_html(Links("", "", ""), None, board, {})
    assert "Sessions 2012-12-03 to 2013-02-28" in shown
    assert "red has no rank: IBM: too good to be true" in shown
    assert '<span class="rank red">alarm</span>' in shown
    assert f'<svg class="interval" color="{team_colour("red")}"' in shown
