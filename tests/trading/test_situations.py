"""Everything that can happen to a session, each with the outcome the documentation promises (README, Trading)."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from my_dagster_project.domain.facts import Facts
from my_dagster_project.domain.limits import Limits
from my_dagster_project.domain.orders import plan_orders
from my_dagster_project.domain.plan import Rules, Signal
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.storage.parquet import from_parquet, to_parquet
from my_dagster_project.trading.broker import OrderRequest
from my_dagster_project.trading.reconcile import accept
from my_dagster_project.trading.submission import submit_plan
from tests.paper_broker.conftest import open_house  # noqa: F401 - a fixture
from tests.paper_broker.market import FIRST as EVE
from tests.paper_broker.market import SECOND as SPLIT_DAY
from tests.paper_broker.market import make_feed
from tests.support.accounts import fills
from tests.support.house import House, csv_house, failures, made
from tests.support.trading import (
    FIRST,
    SECOND,
    THIRD,
    predict,
    record,
    sent,
    served,
    statuses,
    trade,
    trading_house,
    why,
)

pytestmark = pytest.mark.slow


def held(house):
    return {one.symbol: int(one.qty) for one in house.account().positions()}


def test_partial_fill_what_was_filled_is_held_the_rest_expires_and_the_next_plan_starts_from_there(house):
    predict(house, FIRST, AAPL=0.01)
    predict(house, SECOND, AAPL=0.01)
    predict(house, THIRD, AAPL=-0.01)
    house.account()
    house.broker.embedded().admin().fault("partial_fill", share=0.5)
    trade(house, FIRST)
    assert trade(house, SECOND).success
    assert held(house) == {"AAPL": 27}
    assert record(house, SECOND)["plan"]["orders"][0]["qty"] + 27 in range(54, 58)
    assert trade(house, THIRD).success
    [sell] = record(house, THIRD)["plan"]["orders"]
    assert (sell["side"], sell["qty"]) == ("sell", held(house)["AAPL"])


def test_rejected_order_is_on_record_and_the_others_go_on(house):
    predict(house, FIRST, AAPL=0.02)
    predict(house, SECOND, AAPL=-0.01, IBM=0.01)
    trade(house, FIRST)
    account = house.account()
    account.at_close_of(date.fromisoformat(SECOND))
    account.submit(OrderRequest("by-hand", "AAPL", "sell", 55))  # somebody has sold these shares already
    assert "it is not one of ours" in next(iter(failures(trade(house, SECOND)).values()))
    accept(house.store, "red", account, "a.turing", "an emergency")
    assert failures(trade(house, SECOND)) == {}
    assert statuses(house, SECOND) == {"AAPL": "refused", "IBM": "submitted"}
    [refused, _] = record(house, SECOND)["outcomes"]
    assert "insufficient qty" in refused["detail"]


def test_halted_symbol_has_no_bar_so_no_prediction_and_is_neither_bought_nor_sold(house):
    predict(house, FIRST, AAPL=0.01, IBM=0.01)
    trade(house, FIRST)
    predict(house, SECOND, IBM=-0.01)
    assert trade(house, SECOND).success
    assert held(house).keys() == {"AAPL", "IBM"}
    assert why(house, "AAPL", SECOND) == "no prediction of session 2013-02-25; what is held stays"
    assert [one["symbol"] for one in record(house, SECOND)["plan"]["orders"]] == ["IBM"]


def test_order_for_a_symbol_that_is_halted_at_the_open_expires(open_house):  # noqa: F811
    red = open_house(make_feed(halted=[("AAPL", SPLIT_DAY)])).team()
    submit_plan(red, plan_of(red, EVE, AAPL=0.01))
    red.at_close_of(SPLIT_DAY)
    assert [one.status for one in red.orders()] == ["expired"]
    assert red.positions() == []


def test_stale_prediction_of_another_session_is_never_traded(house):
    predict(house, FIRST, of="2013-02-21", AAPL=0.01)
    assert trade(house, FIRST).success
    assert sent(house) == []
    assert why(house, "AAPL") == "the prediction is of session 2013-02-21, not 2013-02-22"


def test_a_loss_beyond_the_teams_stop_is_sold_at_the_next_open_though_it_is_predicted_to_rise(tmp_path):
    house = trading_house(tmp_path)
    red = house.platform.teams["red"]
    stop = red.trading.model_copy(update={"stop_loss": 0.02})
    house.platform.teams["red"] = red.model_copy(update={"trading": stop})
    house = House(house.platform, house.settings)
    # AAPL opened at 453.85 on the 25th and closed at 442.80.
    for session in (FIRST, SECOND, THIRD):
        predict(house, session, AAPL=0.01)
        assert trade(house, session).success
    [sell] = record(house, SECOND)["plan"]["orders"]
    assert (sell["side"], sell["basis"]) == ("sell", None)
    assert sell["reason"].startswith("stop loss: 442.80 is 2.5% below its entry at 454.")
    # It is gone, and may be bought again from the next close on.
    assert [one["side"] for one in record(house, THIRD)["plan"]["orders"]] == ["buy"]


def test_a_team_that_is_lent_shares_sells_short_pays_for_it_and_buys_back(tmp_path):
    house = trading_house(tmp_path)
    registry, red = house.platform.registry, house.platform.teams["red"]
    competition = registry.competition.model_copy(update={"borrow_fee": 0.5})
    house.platform.teams["red"] = red.model_copy(
        update={"trading": red.trading.model_copy(update={"short_below": -0.005})}
    )
    lends = registry.model_copy(update={"competition": competition})
    house = House(replace(house.platform, registry=lends), house.settings)
    predict(house, FIRST, AAPL=-0.01)
    predict(house, SECOND, AAPL=-0.002)
    predict(house, THIRD, AAPL=0.01)
    for session in (FIRST, SECOND, THIRD):
        assert trade(house, session).success
    sold, kept, bought = (record(house, session)["plan"]["orders"] for session in (FIRST, SECOND, THIRD))
    assert [(one["side"], one["reason"][-7:]) for one in sold] == [("sell", ": short")]
    assert kept == []
    assert [(one["side"], one["qty"]) for one in bought] == [("buy", sold[0]["qty"])]
    settled = house.materialize(keys.fills_key("red"), sessions=[FIRST])
    assert settled.success
    fees = Decimal(json.loads(house.store.read_file(("red", "fills"), f"{FIRST}.json"))["fees"])
    # 55 shares at 442.80, half of that a year.
    assert fees == (sold[0]["qty"] * Decimal("442.80") / 2 / 252).quantize(Decimal("0.01"))


@pytest.mark.parametrize("keep", [False, True])
def test_symbol_dropped_from_the_file_while_held_is_sold_unless_the_team_keeps_it(tmp_path, keep):
    house = trading_house(tmp_path)
    predict(house, FIRST, AAPL=0.01, IBM=0.01)
    trade(house, FIRST)
    red = house.platform.teams["red"]
    dropped = red.trading.model_copy(update={"dropped": "keep" if keep else "sell"})
    house.platform.teams["red"] = red.model_copy(update={"symbols": ("AAPL",), "trading": dropped})
    fewer = House(house.platform, house.settings)
    predict(fewer, SECOND, AAPL=0.01)
    predict(fewer, THIRD, AAPL=0.01)
    assert trade(fewer, SECOND).success
    if keep:
        assert "kept, as trading.dropped says" in why(fewer, "IBM", SECOND)
    else:
        [sell] = record(fewer, SECOND)["plan"]["orders"]
        assert sell["reason"] == "not among the team's symbols any more"
    assert trade(fewer, THIRD).success
    assert held(fewer).keys() == ({"AAPL", "IBM"} if keep else {"AAPL"})


RULES = Rules("long_flat", 0.0005, 0.0, Decimal("0.25"))


def plan_of(account, session, closes=None, deviation="0.1", **returns):
    signals = [Signal("red", session, symbol, value) for symbol, value in returns.items()]
    closes = {"AAPL": 100, "IBM": "50.25"} if closes is None else closes
    account.at_close_of(session)
    now, shares = account.account(), account.positions()
    limits = Limits(price_deviation=deviation and Decimal(deviation))
    return plan_orders("red", session, signals, shares, now, closes, RULES, limits, facts=Facts())


def test_split_on_the_day_what_is_sold_is_what_the_broker_holds_and_a_price_it_contradicts_buys_nothing(
    open_house,  # noqa: F811
):
    feed = make_feed(splits={("AAPL", SPLIT_DAY): Decimal(2)})
    red = open_house(feed).team()
    submit_plan(red, plan_of(red, EVE, deviation=None, AAPL=0.01))
    red.at_close_of(SPLIT_DAY)
    [position] = red.positions()
    assert int(position.qty) == 500  # 250 were ordered before the split; queued orders change with it
    # The bars still say 200, the broker 100: whoever is wrong, nothing is sized on it, and a whole sale needs no price.
    wrong = {"AAPL": 200, "IBM": "50.25"}
    more = plan_of(red, SPLIT_DAY, wrong, AAPL=0.01)
    assert more.orders == ()
    assert "(a split, or a bar that was corrected?)" in more.skipped[0].reason
    [sell] = plan_of(red, SPLIT_DAY, wrong, AAPL=-0.01).orders
    assert (sell.side, sell.qty) == ("sell", 500)


def test_half_day_is_a_session_like_any_other(house):
    before, half, after = "2012-12-21", "2012-12-24", "2012-12-26"  # Christmas Eve 2012 closed at 13:00
    predict(house, before, AAPL=0.01)
    predict(house, half, AAPL=-0.01)
    predict(house, after, AAPL=0.01)
    for session in (before, half, after):
        assert trade(house, session).success
    done = [(one.qty > 0, one.day.isoformat()) for one in fills(house.account())]
    assert done == [(True, half), (False, after)]


def test_account_blocked_plans_nothing_and_says_why(house):
    predict(house, FIRST, AAPL=0.01)
    house.account()
    house.broker.embedded().admin().block("red")
    assert trade(house, FIRST).success
    assert sent(house) == []
    assert "the account may not trade: " in why(house, "AAPL")
    house.broker.embedded().admin().block("red", False)
    assert trade(house, FIRST).success
    assert statuses(house) == {"AAPL": "submitted"}


def test_wrong_key_fails_the_run_with_the_teams_name_and_records_nothing(house, environ):
    predict(house, FIRST, AAPL=0.01)
    environ(ALPACA_RED_KEY="PK-red", ALPACA_RED_SECRET="not-the-secret-of-red")
    house.account()
    with served(house) as url:
        run = trade(house.outside(url), FIRST)
    [message] = failures(run).values()
    assert message.startswith("team red, clock: the broker refused (HTTP 401")
    assert "not-the-secret" not in message
    assert made(run) == {}


def test_broker_down_all_day_fails_the_run_and_the_next_session_starts_from_the_account(house, environ):
    predict(house, FIRST, AAPL=0.01)
    predict(house, SECOND, AAPL=0.01)
    url = house.broker.url
    environ(ALPACA_RED_KEY="PK-red", ALPACA_RED_SECRET="whatever-it-is-here")
    run = trade(house.outside("http://127.0.0.1:9"), FIRST)
    [message] = failures(run).values()
    assert message.startswith("team red, clock: no answer to rely on (it cannot be reached); try again later")
    assert made(run) == {}
    assert trade(house.outside(url), SECOND).success
    assert sent(house) == ["red-20130225-AAPL-buy-1"]


def test_a_bar_that_was_corrected_after_the_prediction_buys_nothing(tmp_path):
    house = csv_house(tmp_path, {"red": ["AAPL", "IBM"]}, ["AAPL", "IBM"], start=date(2010, 6, 1))
    house.materialize(keys.bars_key("AAPL"), keys.bars_key("IBM"))
    predict(house, FIRST, AAPL=0.01, IBM=0.01)
    bars = from_parquet(house.store.read_file(("market", "AAPL", "bars"), "bars.parquet"))
    bars.loc[bars["session"] == FIRST, ["open", "high", "low", "close"]] /= 7
    house.store.write(("market", "AAPL", "bars"), {"bars.parquet": to_parquet(bars)}, replace=True, record={})
    assert trade(house, FIRST).success
    assert statuses(house) == {"IBM": "submitted"}
    assert "600.0% apart" in why(house, "AAPL")


def test_after_a_loss_beyond_the_teams_own_drawdown_only_sells_are_sent(house):
    red = house.platform.teams["red"]
    limits = red.trading.limits.model_copy(update={"drawdown": 0.0001})
    house.platform.teams["red"] = red.model_copy(
        update={"trading": red.trading.model_copy(update={"limits": limits})}
    )
    strict = House(house.platform, house.settings)
    predict(strict, FIRST, AAPL=0.01)
    predict(strict, SECOND, AAPL=-0.01, IBM=0.01)
    trade(strict, FIRST)
    assert trade(strict, SECOND).success  # AAPL lost 1.8 % on 2013-02-25
    assert [one["side"] for one in record(strict, SECOND)["plan"]["orders"]] == ["sell"]
    assert "only sells" in why(strict, "IBM", SECOND)


def test_bars_that_end_before_the_session_are_never_traded_on_whatever_was_predicted(house):
    predict(house, FIRST, AAPL=0.01, IBM=0.01)
    bars = from_parquet(house.store.read_file(("market", "AAPL", "bars"), "bars.parquet"))
    older = to_parquet(bars[bars["session"] < FIRST].reset_index(drop=True))
    house.store.write(("market", "AAPL", "bars"), {"bars.parquet": older}, replace=True, record={})
    assert trade(house, FIRST).success
    assert statuses(house) == {"IBM": "submitted"}
    assert why(house, "AAPL") == "no raw close of session 2013-02-22 to size an order with"
