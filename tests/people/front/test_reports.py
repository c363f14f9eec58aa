import time
from dataclasses import replace

import pytest

from my_dagster_project.foundation.s3_settings import S3Settings
from my_dagster_project.foundation.settings import load_settings
from tests.people.front.conftest import PICTURE, REPORT
from tests.support.silent import hanging

OUTSIDE = (
    "/reports/red/IBM/..%2fmodel%2fsecret.txt",
    "/reports/red/IBM/../model/secret.txt",
    "/reports/red/IBM/%2e%2e/model/secret.txt",
    "/reports/red/IBM//etc/passwd",
    "/reports/red/IBM/%2fetc%2fpasswd",
    "/reports/red/IBM/..%5c..%5cx",
    "/reports/red/IBM/report.html%00.png",
    "/reports/red/IBM/.manifests",
    "/reports/red/%2e%2e",
    "/reports/red/..%2fIBM",
    "/reports/%2e%2e/%2e%2e",
    "/reports/.manifests/red",
    "/reports/competition/leaderboard",
    "/reports/market/IBM",
    "/reports/red/GOOG",
    "/reports/RED/IBM",
    "/reports/red/IBM/absent.png",
)


def test_the_report_page_is_the_stored_one_and_may_draw_itself(shown):
    answer = shown.get("/reports/red/IBM")
    assert (answer.status_code, answer.content) == (200, REPORT)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "script-src 'unsafe-inline'" in policy
    assert "sandbox allow-scripts" in policy
    assert "allow-same-origin" not in policy
    assert "connect-src" not in policy  # so default-src 'none' holds: it sends nothing anywhere


def test_whatever_else_the_report_folder_holds(shown):
    plot = shown.get("/reports/red/IBM/plots/error.png")
    assert (plot.content, plot.headers["content-type"]) == (PICTURE, "image/png")
    assert shown.get("/reports/red/IBM/report.json").headers["content-type"] == "application/json"
    assert shown.get("/reports/red/IBM/model.onnx").headers["content-disposition"] == "attachment"


def test_a_browser_that_has_it_gets_it_only_once(shown):
    tag = shown.get("/reports/red/IBM").headers["etag"]
    again = shown.get("/reports/red/IBM", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_else_can_be_reached(shown, path):
    answer = shown.get(path)
    assert answer.status_code == 404
    assert b"not for the front" not in answer.content
    assert b"root:" not in answer.content


def test_what_is_missing_is_said_in_words(shown):
    assert "teams are red, blue" in shown.get("/reports/green/IBM").text
    assert "it has IBM, MSFT" in shown.get("/reports/red/GOOG").text
    assert "materialize it first" in shown.get("/reports/red/MSFT").text


def test_a_store_that_hangs_is_given_up_and_the_front_lives(open_front, monkeypatch):
    monkeypatch.setattr("my_dagster_project.people.front.reports._SECONDS", 0.5)
    with hanging() as silent:
        s3 = S3Settings(f"http://127.0.0.1:{silent}", "app", "secret")
        front = open_front(store_url="s3://trading/store", dvc_url="s3://trading/dvc", s3=s3)
        theirs = replace(load_settings(), s3=s3)
        monkeypatch.setattr("my_dagster_project.storage.opening.load_settings", lambda: theirs)
        began = time.monotonic()
        answer = front.get("/reports/red/IBM")
        assert (answer.status_code, time.monotonic() - began < 3) == (503, True)
        assert "did not answer" in answer.text
        assert front.get("/healthz").status_code == 200
