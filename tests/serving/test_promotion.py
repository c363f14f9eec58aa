"""A newer model answers within seconds and no request is lost on the way; a broken one never replaces one that works."""

import threading

import pytest

from my_dagster_project.models.manifest import ONNX
from my_dagster_project.serving import shelf as shelves
from my_dagster_project.storage import names
from tests.serving.conftest import DRIFT, MOMENTUM, SYMBOL, deployment
from tests.support.waiting import wait_for

RED = f"/teams/red/symbols/{SYMBOL}"
BODY = {"row": {"return_1": 0.1}}


@pytest.fixture
def served(tmp_path, monkeypatch):
    monkeypatch.setattr(shelves, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr("my_dagster_project.serving.service.CHECK_SECONDS", 0.05)
    with deployment(tmp_path) as made:
        yield made


def md5_served(served) -> str:
    return served.client.post(f"{RED}/predict", json={"latest": True}).json()["model"]["md5"]


def test_a_promotion_under_load_loses_no_request_and_a_rollback_is_one_too(served):
    versions = [MOMENTUM | {"input": "return_1"}, MOMENTUM]
    first = served.assets.fingerprint(names.model("red", SYMBOL))
    answers, stop = [], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answers.append(served.client.post(f"{RED}/predict", json=BODY))

    asking = [threading.Thread(target=ask) for _ in range(4)]
    for one in asking:
        one.start()
    served.store_model("red", versions[0], epochs=2)
    second = served.assets.fingerprint(names.model("red", SYMBOL))
    wait_for(lambda: answers and answers[-1].json()["model"]["md5"] == second, 20, every=0.02)
    served.store_model("red", versions[1])
    wait_for(lambda: answers[-1].json()["model"]["md5"] == first, 20, every=0.02)
    stop.set()
    for one in asking:
        one.join()
    assert {one.status_code for one in answers} == {200}
    assert {one.json()["model"]["md5"] for one in answers} == {first, second}


def test_a_broken_model_never_replaces_one_that_works(served):
    good = md5_served(served)
    torn = {**served.assets.read(names.model("red", SYMBOL)), ONNX: b"torn"}
    served.assets.write(names.model("red", SYMBOL), torn, replace=True, record={})
    wait_for(lambda: served.client.get("/health/ready").json()["problems"], 20, every=0.02)
    assert md5_served(served) == good
    assert "cannot be read" in served.client.get(RED).json()["problem"]
    assert "trading_models_with_problem 1.0" in served.client.get("/metrics").text
    served.store_model("blue", DRIFT)
    stranger = served.assets.read(names.model("blue", SYMBOL))
    served.assets.write(names.model("red", SYMBOL), stranger, replace=True, record={})
    wait_for(lambda: "not of red" in served.client.get(RED).json()["problem"], 20, every=0.02)
    assert md5_served(served) == good
    served.store_model("red", MOMENTUM, epochs=3)
    wait_for(lambda: md5_served(served) != good, 20, every=0.02)
    assert served.client.get(RED).json()["problem"] is None


def test_a_model_that_is_broken_from_the_start_is_refused_in_words(served):
    served.assets.write(names.model("blue", SYMBOL), {ONNX: b"torn"}, replace=True, record={})
    answer = served.client.post(f"/teams/blue/symbols/{SYMBOL}/predict", json={"latest": True})
    assert answer.status_code == 409
    assert "no manifest.json" in answer.json()["detail"]


@pytest.mark.slow
def test_what_cannot_be_exported_answers_in_a_process_of_its_own(served):
    same = served.client.post(f"{RED}/predict", json={"rows": [BODY["row"], {"return_1": None}]}).json()
    served.store_model("red", MOMENTUM, exported=False, reason="for a test")
    wait_for(lambda: served.client.get(RED).json()["exported"] is False, 20, every=0.02)
    answer = served.client.post(f"{RED}/predict", json={"rows": [BODY["row"], {"return_1": None}]}).json()
    assert answer["predictions"] == same["predictions"]
    assert answer["model"]["engine"] == "baseline"
