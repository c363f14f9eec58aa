"""The pictures in Dagit: every description's is drawn, says what is stored, and hides what is not to be seen."""

import json

from starlette.applications import Starlette
from starlette.testclient import TestClient

from my_dagster_project.deploy.dagit.pictures import DRAWN, pictures_route
from my_dagster_project.domain.examination import EXAMINATION, Examination
from my_dagster_project.domain.importance import Importance
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.reports.asset_pictures import PICTURES, pictured
from my_dagster_project.storage import names
from my_dagster_project.storage.opening import open_assets


class Person:
    def sees(self, team: str) -> bool:
        return team == "red"


def client(tmp_path, monkeypatch) -> TestClient:
    monkeypatch.setenv("TRADING_STORE_URL", f"file://{tmp_path}/store")
    monkeypatch.setenv("TRADING_DVC_URL", f"file://{tmp_path}/dvc")
    return TestClient(Starlette(routes=[pictures_route(lambda _: Person())]))


def test_what_descriptions_show_is_what_is_drawn():
    assert {(noun, name) for noun, shown in PICTURES.items() for name in shown} == DRAWN.keys()
    assert "(/pictures/red/AAPL/model/training.svg)" in pictured("A model.", ("red", "AAPL", "model"))


def test_each_is_drawn_of_what_is_stored_for_who_may_see_it(tmp_path, monkeypatch):
    asked = client(tmp_path, monkeypatch)
    settings = load_settings()
    assets = open_assets(settings.store_url, settings.dvc_url)
    seen = Examination(
        {"train_loss": [2.0, 1.0]}, 2, "return", [0.01], [0.02], 0.01, 0.02, [Importance("rsi", 0.001, 0.1)]
    )
    record = {
        "mode": "paper",
        "outcomes": [{"planned": {"symbol": "AAPL", "side": "buy", "qty": 3, "reason": "<b>up</b>"}, "status": "submitted", "detail": ""}],
        "plan": {"session": "2013-02-28", "skipped": [{"symbol": "IBM", "by": "risk gate", "reason": "too large"}]},
    }  # fmt: skip
    files = {EXAMINATION: seen.to_json()}
    assets.write(names.model("red", "AAPL", "2013-02-01"), files, replace=True, record={})
    assets.write(
        names.orders("red"), {"2013-02-28.json": json.dumps(record).encode()}, replace=True, record={}
    )
    training = asked.get("/pictures/red/AAPL/model/training.svg")
    assert training.headers["content-type"] == "image/svg+xml"
    assert b"<svg" in training.content
    assert b"Nothing of this" not in training.content
    orders = asked.get("/pictures/red/orders/newest.svg").text
    assert "buy 3" in orders
    assert "&lt;b&gt;up&lt;/b&gt;" in orders
    assert "risk gate" in orders
    assert "too large" in orders
    assert "Nothing of this is stored yet." in asked.get("/pictures/red/IBM/model/training.svg").text
    assert asked.get("/pictures/blue/orders/newest.svg").status_code == 404
