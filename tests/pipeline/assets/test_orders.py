"""Orders: planned, sent at most once, on record; predictions are written by hand, the broker is the bundled one."""

import json
from dataclasses import replace
from datetime import date

import pytest

from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.resources import BrokerResource
from my_dagster_project.trading.alpaca import AlpacaBroker
from tests.support.accounts import fills
from tests.support.house import build, failures, made
from tests.support.trading import FIRST, SECOND, predict, record, sent, statuses, trade, trading_house


@pytest.fixture
def house(tmp_path):
    return trading_house(tmp_path)


def test_a_session_is_planned_sent_and_on_record(house):
    predict(house, FIRST, AAPL=0.01, IBM=-0.01)
    run = trade(house, FIRST)
    assert sent(house) == ["red-20130222-AAPL-buy-1"]
    assert statuses(house) == {"AAPL": "submitted"}
    assert record(house)["plan"]["session"] == FIRST
    [event] = made(run)["red/orders"]
    assert event.partition == FIRST
    assert event.metadata["orders"].value == 1
    assert event.metadata["cash"].value == 100_000
    assert "buy 55 AAPL: submitted" in event.metadata["what_and_why"].value
    assert "IBM: " in event.metadata["what_and_why"].value


def test_what_was_sent_fills_at_the_next_open(house):
    predict(house, FIRST, AAPL=0.01)
    predict(house, SECOND, AAPL=-0.01)
    assert trade(house, FIRST).success
    assert trade(house, SECOND).success
    [fill] = fills(house.account())
    assert (fill.qty, fill.day) == (55, date(2013, 2, 25))
    assert sent(house) == ["red-20130222-AAPL-buy-1", "red-20130225-AAPL-sell-1"]


def test_the_same_session_again_submits_nothing(house):
    predict(house, FIRST, AAPL=0.01, IBM=0.01)
    trade(house, FIRST)
    plan = record(house)["plan"]
    assert trade(house, FIRST).success
    assert len(sent(house)) == 2
    assert statuses(house) == {"AAPL": "already there", "IBM": "already there"}
    assert record(house)["plan"] == plan


def test_a_session_that_has_passed_keeps_its_record_and_submits_nothing(house):
    for session in (FIRST, SECOND):
        predict(house, session, AAPL=0.01)
        trade(house, session)
    before, orders = house.store.read_file(("red", "orders"), f"{FIRST}.json"), sent(house)
    predict(house, FIRST, AAPL=-0.5, IBM=0.5)
    assert trade(house, FIRST).success
    assert house.store.read_file(("red", "orders"), f"{FIRST}.json") == before
    assert sent(house) == orders


def test_a_passed_session_that_was_never_traded_is_refused(house):
    predict(house, FIRST, AAPL=0.01)
    predict(house, SECOND, AAPL=0.01)
    trade(house, SECOND)
    [message] = failures(trade(house, FIRST)).values()
    assert message.startswith("team red, session 2013-02-22: ")
    assert house.store.names(("red", "orders")) == [f"{SECOND}.json"]


def test_an_answer_lost_after_acceptance_is_one_order_and_a_certain_outcome(house):
    predict(house, FIRST, AAPL=0.01, IBM=0.01)
    house.account()
    house.broker.embedded().admin().fault("504_after_accept")
    assert trade(house, FIRST).success
    assert len(sent(house)) == 2
    assert set(statuses(house).values()) == {"submitted"}


@pytest.mark.slow
def test_a_broker_that_falls_silent_after_acceptance_is_one_order_and_a_certain_outcome(house, monkeypatch):
    monkeypatch.setattr(AlpacaBroker.__init__, "__defaults__", (2.0,))  # seconds; usually ten
    predict(house, FIRST, AAPL=0.01)
    house.account()
    house.broker.embedded().admin().fault("hang", seconds=3)
    assert trade(house, FIRST).success
    assert sent(house) == ["red-20130222-AAPL-buy-1"]
    assert statuses(house) == {"AAPL": "submitted"}


def test_an_outcome_nobody_can_tell_fails_the_run_and_the_next_one_completes_it(house):
    predict(house, FIRST, AAPL=0.02, IBM=0.01)
    house.account()
    house.broker.embedded().admin().fault("500")
    run = trade(house, FIRST)
    [message] = failures(run).values()
    assert message.startswith("team red, session 2013-02-22: run it again, nothing is sent twice\n")
    assert "nobody can tell whether it was accepted" in message
    assert made(run) == {}
    assert sent(house) == []
    assert trade(house, FIRST).success
    assert sorted(sent(house)) == ["red-20130222-AAPL-buy-1", "red-20130222-IBM-buy-1"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "500"},
        {"kind": "500", "times": 3},
        {"kind": "429", "times": 7},
        {"kind": "504_after_accept"},
        {"kind": "500", "method": "GET", "path": "/v2/positions", "times": 7},
        {"kind": "429", "method": "GET", "path": "/v2/account", "times": 7},
    ],
    ids=lambda fault: f"{fault.get('times', 1)} x {fault['kind']} {fault.get('path', 'an order')}",
)
def test_a_blip_of_the_broker_costs_no_session(house, monkeypatch, fault):
    patient = replace(house.settings, retry_seconds=30.0)
    monkeypatch.setattr("my_dagster_project.pipeline.assets.orders_asset.load_settings", lambda: patient)
    monkeypatch.setattr("my_dagster_project.trading.patience.PAUSES_S", (0.01,))
    predict(house, FIRST, AAPL=0.02, IBM=0.01)
    house.account()
    house.broker.embedded().admin().fault(**fault)
    run = trade(house, FIRST)
    assert run.success, failures(run)
    assert sorted(sent(house)) == ["red-20130222-AAPL-buy-1", "red-20130222-IBM-buy-1"]
    assert set(statuses(house).values()) == {"submitted"} or fault["kind"] != "500"


def test_too_many_requests_is_never_a_refusal(house):
    """It was on record as refused, and the session counted as done."""
    predict(house, FIRST, AAPL=0.02, IBM=0.01)
    house.account()
    house.broker.embedded().admin().fault("429", times=3)
    [message] = failures(trade(house, FIRST)).values()
    assert "HTTP 429" in message
    assert trade(house, FIRST).success
    assert set(statuses(house).values()) == {"submitted"}


def test_a_symbol_without_a_prediction_is_skipped_and_the_other_traded(house):
    predict(house, FIRST, IBM=0.01)
    assert trade(house, FIRST).success
    assert sent(house) == ["red-20130222-IBM-buy-1"]
    [skipped] = record(house)["plan"]["skipped"]
    assert skipped["symbol"] == "AAPL"
    assert "no prediction of session 2013-02-22" in skipped["reason"]


def test_two_teams_of_one_house_never_see_each_others_orders(tmp_path):
    house = build(tmp_path, {"red": ["AAPL"], "blue": ["AAPL"]}, start=date(2010, 6, 1))
    house.materialize(keys.bars_key("AAPL"))
    predict(house, FIRST, AAPL=0.01)
    trade(house, FIRST)
    assert house.account("blue").orders() == []


def test_alpaca_without_credentials_is_one_message_that_names_the_variables(house, monkeypatch):
    monkeypatch.delenv("ALPACA_RED_KEY", raising=False)
    terms = {name: getattr(house.broker, name) for name in BrokerResource.model_fields}
    house.resources["broker"] = BrokerResource(**terms | {"url": "https://paper-api.alpaca.markets"})
    [message] = failures(trade(house, FIRST)).values()
    assert message.startswith(
        "team red: no credentials for account RED; set ALPACA_RED_KEY and ALPACA_RED_SECRET"
    )


def test_the_table_of_a_competition_that_starts_today_shows_cash_and_no_return(house):
    house = house.later(end=None)
    predict(house, "2013-03-01", AAPL=0.01)
    assert trade(house, "2013-03-01").success
    run = house.materialize(keys.leaderboard_key())
    assert failures(run) == {}
    board = json.loads(house.store.read_file(("competition", "leaderboard"), "leaderboard.json"))
    [red] = [row for row in board["teams"] if row["team"] == "red"]
    assert (red["trading"]["orders"], red["trading"]["fills"], red["trading"]["equity"]) == (1, 0, 100_000)
    assert red["trading"]["buy_and_hold_return"] == 0


def test_the_table_before_anybody_traded_or_reported_has_the_house_teams(house):
    run = house.materialize(keys.leaderboard_key())
    assert failures(run) == {}
    assert "naive" in made(run)["competition/leaderboard"][0].metadata["table"].value


def test_a_bar_of_years_ago_that_is_accepted_trades_no_replay_again(house):
    def version(**accepted):
        assets = house.later(accepted=accepted).assets
        [orders] = [one for one in assets if keys.orders_key("red") in getattr(one, "keys", ())]
        return orders.code_versions_by_key[keys.orders_key("red")]

    long_ago, lately = (date(2011, 6, 15),), (date(2013, 2, 25),)
    assert version() == version(AAPL=long_ago) == version(MSFT=lately)
    assert version() != version(AAPL=lately)
