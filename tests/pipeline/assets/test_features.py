"""Features: computed in one pass, and stored only when they are blind to the future."""

import pandas as pd
import pytest

from my_dagster_project.domain import features
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.storage.parquet import from_parquet
from tests.support.house import build, checks, failures, made

RED = keys.features_key("red", "AAPL")
BLIND = ("red/AAPL/features", "blind_to_the_future")


@pytest.fixture
def house(tmp_path):
    house = build(tmp_path, {"red": ["AAPL"]})
    house.materialize(keys.bars_key("AAPL"))
    return house


def leak(monkeypatch):
    """Let the kind intraday_return of this process know tomorrow's close."""

    def tomorrow(series):
        return pd.Series(series["close"]).shift(-1).ffill() / series["close"]

    monkeypatch.setitem(features._OWN_KINDS, "intraday_return", tomorrow)


def test_a_table_has_a_row_for_every_session_after_the_warm_up(house):
    run = house.materialize(RED)
    table = from_parquet(house.store.read_file(("red", "AAPL", "features"), "features.parquet"))
    assert checks(run)[BLIND].passed
    assert list(table.columns) == ["session", *house.platform.teams["red"].features]
    assert not table.isna().any().any()
    metadata = made(run)["red/AAPL/features"][0].metadata
    assert metadata["last_session"].value == "2013-03-01"
    assert metadata["warm_up_sessions"].value + metadata["dagster/row_count"].value == 1551


def test_a_feature_that_knows_the_future_is_named_and_nothing_is_stored(house, monkeypatch):
    leak(monkeypatch)
    run = house.materialize(RED)
    answer = checks(run)[BLIND]
    assert not answer.passed
    assert answer.description.startswith("intraday at ")
    assert made(run) == {}
    assert house.store.names(("red", "AAPL", "features")) == []


def test_a_leak_keeps_the_last_good_table(house, monkeypatch):
    house.materialize(RED)
    good = house.store.fingerprint(("red", "AAPL", "features"))
    leak(monkeypatch)
    house.materialize(RED)
    assert house.store.fingerprint(("red", "AAPL", "features")) == good


def test_the_same_bars_give_the_same_version(house):
    versions = [
        made(house.materialize(RED))["red/AAPL/features"][0].tags["dagster/data_version"] for _ in "ab"
    ]
    assert versions[0] == versions[1]


def test_a_history_shorter_than_the_warm_up_says_what_to_do(tmp_path):
    house = build(tmp_path / "short", {"red": ["FB"]})
    house.materialize(keys.bars_key("FB"))
    [message] = failures(house.materialize(keys.features_key("red", "FB"))).values()
    assert message.startswith("FB: 196 sessions of bars, but the features need more than 361 to settle;")


def test_features_without_bars_say_what_to_materialize(tmp_path):
    house = build(tmp_path / "empty", {"red": ["AAPL"]})
    [message] = failures(house.materialize(RED)).values()
    assert "There is no market/AAPL/bars in" in message
    assert "materialize it first" in message
