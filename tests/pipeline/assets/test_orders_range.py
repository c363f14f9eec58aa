"""A range of sessions traded in one run: each is on record by itself, as a run of its own would have put it there."""

import os
from datetime import date

import dagster as dg
import pytest

from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.assets import orders_asset as orders
from my_dagster_project.pipeline.freshness import Freshness
from tests.support.deployment import embedded_instance
from tests.support.house import failures, made
from tests.support.trading import predict, record, sent, trade, trading_house

SESSIONS = ["2013-02-20", "2013-02-21", "2013-02-22"]
VERSION = "dagster/data_version"
KEY = keys.orders_key("red")


@pytest.fixture
def house(tmp_path):
    house = trading_house(tmp_path / "house", {"red": ["AAPL", "IBM"]})
    for number, session in enumerate(SESSIONS):
        predict(house, session, AAPL=0.01 if number % 2 == 0 else -0.01, IBM=0.01)
    return house


def to_do(house) -> list[str] | None:
    """What of the sessions a replay would trade now; None for all of them anew."""
    graph = dg.Definitions(assets=house.assets, resources=house.resources).resolve_asset_graph()
    return Freshness(graph, house.instance).missing_after_fresh(KEY, SESSIONS)


def dies_at(session: str, monkeypatch, die) -> None:
    plan = orders.session_plan

    def planned(trader, day, *rest):
        return die() if str(day) == session else plan(trader, day, *rest)

    monkeypatch.setattr(orders, "session_plan", planned)


def test_each_session_has_the_versions_that_a_run_of_its_own_gives_it(house):
    for number, session in enumerate(SESSIONS):
        for symbol in ("AAPL", "IBM"):
            tags = {VERSION: f"{symbol} {number}"}
            event = dg.AssetMaterialization(keys.predictions_key("red", symbol), partition=session, tags=tags)
            house.instance.report_runless_asset_event(event)
    run = house.materialize(KEY, sessions=SESSIONS)
    assert failures(run) == {}
    ranged = {event.partition: event for event in made(run)["red/orders"]}
    assert list(ranged) == SESSIONS
    assert ranged[SESSIONS[0]].metadata["orders"].value == 2
    for session, event in ranged.items():
        assert record(house, session)["plan"]["session"] == session
        [alone] = made(trade(house, session))["red/orders"]
        told = {name: event.metadata[name] for name in ("md5", "size", "objects")}
        if (
            session != SESSIONS[-1]
        ):  # Its account has passed it, so the record stays as the range has made it.
            assert (event.tags, told) == (alone.tags, {name: alone.metadata[name] for name in told})
        assert event.tags | {VERSION: ""} == alone.tags | {VERSION: ""}
    assert len({event.tags[VERSION] for event in ranged.values()}) == 3
    assert to_do(house) == []
    pending = [one for one in house.store.pending.of("red") if one.asset == ("red", "orders")]
    assert [one.record["sessions"] for one in pending[:3]] == SESSIONS


def test_a_session_that_fails_ends_the_run_and_the_rest_is_to_do(house, monkeypatch):
    def down():
        raise BrokerError("team red, session 2013-02-21: the broker is down")

    with monkeypatch.context() as context:
        dies_at(SESSIONS[1], context, down)
        run = house.materialize(KEY, sessions=SESSIONS)
    assert failures(run) == {"red__orders": "team red, session 2013-02-21: the broker is down"}
    assert house.store.names(("red", "orders")) == [f"{SESSIONS[0]}.json"]
    assert to_do(house) == SESSIONS[1:]
    assert house.materialize(KEY, sessions=SESSIONS[1:]).success
    assert to_do(house) == []
    assert len(sent(house)) == len(set(sent(house))) == 4


def test_a_kill_in_mid_range_leaves_what_is_done_and_nothing_goes_out_twice(house, tmp_path, monkeypatch):
    if (child := os.fork()) == 0:
        dies_at(SESSIONS[2], monkeypatch, lambda: os._exit(9))
        with embedded_instance(tmp_path / "dagster") as house.instance:
            house.materialize(KEY, sessions=SESSIONS)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    with embedded_instance(tmp_path / "dagster") as house.instance:
        assert house.instance.get_materialized_partitions(KEY) == set(SESSIONS[:2])
        assert to_do(house) == SESSIONS[2:]
        assert house.materialize(KEY, sessions=SESSIONS[2:]).success
        assert to_do(house) == []
    assert sent(house) == list(dict.fromkeys(sent(house)))
    assert {name.split("-")[1] for name in sent(house)} == {
        f"{date.fromisoformat(one):%Y%m%d}" for one in SESSIONS
    }
