"""What is served is what was predicted, byte for byte; what cannot be answered is refused in words, with the field named."""

import json
import math

import pytest

from my_dagster_project.models.prediction import predict
from my_dagster_project.storage import names
from tests.serving.conftest import SYMBOL, bars, deployment, features_of

RED = f"/teams/red/symbols/{SYMBOL}"
BLUE = f"/teams/blue/symbols/{SYMBOL}"


def plain_rows(served, team: str, count: int) -> list[dict]:
    """Rows as somebody gives them: JSON of the features, null for what is missing."""
    rows = features_of(served.settings, team).tail(count)
    return [{"return_1": None if value != value else value} for value in rows["return_1"]]


@pytest.mark.parametrize("team", ["red", "blue"])
def test_sixty_rows_get_the_bytes_that_the_predictions_have(served, team):
    rows = features_of(served.settings, team).tail(60)
    said = predict(served.assets.read(names.model(team, SYMBOL)), rows).frame
    asked = plain_rows(served, team, 60)
    together = served.client.post(f"/teams/{team}/symbols/{SYMBOL}/predict", json={"rows": asked}).json()
    alone = [
        served.client.post(f"/teams/{team}/symbols/{SYMBOL}/predict", json={"row": one}).json()
        for one in asked
    ]
    for answers in (together["predictions"], [one["predictions"][0] for one in alone]):
        assert [one["predicted_return"] for one in answers] == said["predicted_return"].tolist()
        chances = [one["probability_up"] for one in answers]
        assert chances == ([None] * 60 if team == "red" else said["probability_up"].tolist())


def test_the_newest_session_is_the_one_whose_bars_came_last(served):
    answer = served.client.post(f"{RED}/predict", json={"latest": True}).json()
    [said] = answer["predictions"]
    last = bars()["session"].iloc[-1].date().isoformat()
    assert (said["session"], said["target_session"]) == (last, "2013-03-04")
    past = served.client.get(f"{RED}/predictions", params={"from": last}).json()
    assert [one["predicted_return"] for one in past] == [said["predicted_return"]]
    assert answer["model"]["md5"] == past[0]["model"] == served.assets.fingerprint(names.model("red", SYMBOL))
    row = served.client.get(f"{RED}/newest").json()
    assert (
        served.client.post(f"{RED}/predict", json={"row": row}).json()["predictions"][0]["predicted_return"]
        == (said["predicted_return"])
    )


def test_the_past_says_what_was_predicted_and_what_came(served):
    rows = served.client.get(f"{RED}/predictions", params={"from": "2013-02-01", "to": "2013-03-01"}).json()
    assert len(rows) == 20
    assert rows[0]["session"] == "2013-02-01"
    closes = bars().set_index("session")["adj_close"]
    for one in rows[:-1]:
        came = closes[one["target_session"]] / closes[one["session"]]
        assert abs(one["actual_return"] - math.log(came)) < 1e-12
        assert one["hit"] == ((one["predicted_return"] > 0) == (one["actual_return"] > 0))
    assert rows[-1]["actual_return"] is None
    assert rows[-1]["hit"] is None
    assert served.client.get(f"{BLUE}/predictions").json() == [], "nothing was predicted"


def test_a_card_says_which_model_it_is_and_how_good(served):
    card = served.client.get(RED).json()
    assert card["model"]["trained_through"] == "2012-11-30"
    assert card["exported"]
    assert card["parity"] == 0
    assert card["inputs"] == [
        {
            "name": "return_1",
            "type": "number",
            "unit": "log(close / close n sessions ago), adjusted prices (sessions 1)",
            "fill": None,
            "categories": None,
        }
    ]
    assert card["figures"]["n"] == 59
    assert card["figures"]["mase"] > 0
    assert served.client.get(BLUE).json()["figures"]["mase"] is None
    assert [one["team"] for one in served.client.get("/teams").json()] == ["red", "blue"]


WRONG_ROWS = {
    "an unknown input": ({"return_1": 0.1, "retrun_2": 1}, "retrun_2", "no such input"),
    "a missing one": ({}, "return_1", "missing"),
    "a text": ({"return_1": "0.1"}, "return_1", "finite number"),
    "a bool": ({"return_1": True}, "return_1", "finite number"),
    "a list": ({"return_1": [0.1]}, "return_1", "finite number"),
    "a number too large": ({"return_1": 10**400}, "return_1", "finite number"),
}


@pytest.mark.parametrize("case", WRONG_ROWS)
def test_a_row_that_is_wrong_is_refused_with_its_field(served, case):
    row, field, why = WRONG_ROWS[case]
    answer = served.client.post(f"{RED}/predict", json={"rows": [{"return_1": 0.1}, row]})
    assert answer.status_code == 422
    [said] = answer.json()["detail"]
    assert said["loc"] == ["body", "rows", 1, field]
    assert why in said["msg"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_in_json_is_refused(served, number):
    answer = served.client.post(
        f"{RED}/predict",
        content=f'{{"row": {{"return_1": {number}}}}}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][-1] == "return_1"


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "says"),
    [
        ("GET", "/teams/green/symbols/AAPL", None, 404, "teams are red, blue"),
        ("GET", "/teams/red/symbols/TSLA", None, 404, "its symbols are AAPL"),
        ("POST", f"{RED}/predict", {}, 422, "exactly one"),
        ("POST", f"{RED}/predict", {"latest": True, "rows": [{"return_1": 1}]}, 422, "exactly one"),
        ("POST", f"{RED}/predict", {"rows": []}, 422, "at least 1"),
        ("POST", f"{RED}/predict", {"rows": [{"return_1": 0.0}] * 1001}, 422, "at most 1000"),
        ("POST", f"{RED}/predict", {"row": {"\ud800": 1}}, 422, "no such input"),
        ("POST", f"{RED}/predict", {"row": {"return_1": 0.1, "x": "y" * 1_100_000}}, 413, "arge"),
        ("GET", f"{RED}/predictions?from=yesterday", None, 422, "date"),
        ("GET", "/v2/models/green.AAPL", None, 404, "teams are"),
        ("GET", "/v2/models/red", None, 404, "does not trade"),
        ("GET", "/v2/models/red.AAPL/versions/1/ready", None, 404, "is served in version"),
    ],
)
def test_what_cannot_be_answered_says_why(served, method, path, body, code, says):
    data = None if body is None else json.dumps(body)
    headers = {"Content-Type": "application/json"}
    answer = served.client.request(method, path, content=data, headers=headers)
    assert answer.status_code == code, answer.text
    assert says in answer.text
    assert "Traceback" not in answer.text
    if code != 413:  # which the framework answers itself, before there is a route
        assert ("error" if path.startswith("/v2") else "detail") in answer.json()


def test_the_open_inference_protocol_is_spoken(served):
    client, name = served.client, f"red.{SYMBOL}"
    about = client.get(f"/v2/models/{name}").json()
    assert about["inputs"] == [{"name": "return_1", "datatype": "FP64", "shape": [-1, 1]}]
    assert client.get("/v2/health/ready").json() == {"ready": True}
    rows = plain_rows(served, "red", 3)
    data = [one["return_1"] for one in rows]
    asked = {"id": "7", "inputs": [{"name": "return_1", "shape": [3, 1], "datatype": "FP64", "data": data}]}
    for path in (f"/v2/models/{name}/infer", f"/v2/models/{name}/versions/{about['versions'][0]}/infer"):
        answer = client.post(path, json=asked).json()
        plain = client.post(f"{RED}/predict", json={"rows": rows}).json()["predictions"]
        assert answer["id"] == "7"
        assert answer["model_version"] == about["versions"][0]
        [output] = answer["outputs"]
        assert output["data"] == [one["predicted_return"] for one in plain]
        assert output["shape"] == [3]
    asked["inputs"][0]["shape"] = [4]
    assert "shape" in client.post(f"/v2/models/{name}/infer", json=asked).json()["error"]


def test_prometheus_counts_routes_not_addresses(served):
    served.client.get("/teams/nobody-knows-this/symbols/X")
    text = served.client.get("/metrics").text
    assert 'trading_requests_total{route="/teams/{team}/symbols/{symbol}",status="404"}' in text
    assert "nobody-knows-this" not in text
    assert "trading_models_open 2.0" in text


def test_a_page_tries_a_prediction_by_hand(served):
    page = served.client.get(f"/try/red/{SYMBOL}")
    assert page.status_code == 200
    assert "The last 60 sessions" in page.text
    assert 'name="return_1"' in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert served.client.get("/try/green/AAPL").status_code == 404


def test_where_a_team_sees_its_own_only_others_models_are_closed(tmp_path):
    with deployment(tmp_path, "own", TRADING_PROXY_NAMES_USER="1") as served:
        for path in (
            RED,
            f"{RED}/predictions",
            f"{RED}/newest",
            f"/v2/models/red.{SYMBOL}",
            f"/try/red/{SYMBOL}",
        ):
            for user, code in (("", 401), ("blue", 401), ("red", 200), ("organiser", 200)):
                answer = served.client.get(path, headers={"X-Trading-User": user})
                assert answer.status_code == code, (path, user)
        names_seen = served.client.get("/teams", headers={"X-Trading-User": "blue"}).json()
        assert [one["team"] for one in names_seen] == ["blue"]
        body = {"row": {"return_1": 0.1}}
        answer = served.client.post(f"{RED}/predict", json=body, headers={"X-Trading-User": "blue"})
        assert answer.status_code == 401
        assert "Basic" in answer.headers["www-authenticate"]
