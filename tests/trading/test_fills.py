"""What became of a session's orders: against the plan's prices, with a reason for everything that did not fill."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from my_dagster_project.domain.limits import Limits
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.teams.registry import SymbolCosts
from my_dagster_project.trading.broker import Activity, Order
from my_dagster_project.trading.fills import settle
from tests.support.house import House, failures, made
from tests.support.trading import FIRST, SECOND, THIRD, predict, trade

FILLS = keys.fills_key("red")
DAY, NEXT = date(2013, 2, 22), date(2013, 2, 25)
SENT = datetime(2013, 2, 22, 21, 0, tzinfo=UTC)


def order(side="buy", qty="10", filled="10", price="101", status="filled"):
    name = f"red-20130222-AAPL-{side}-1"
    average = None if price is None else Decimal(price)
    return Order("o1", name, "AAPL", side, Decimal(qty), status, SENT, Decimal(filled), average)


def planned(side="buy", qty=10, status="submitted", detail="", there=True):
    name = f"red-20130222-AAPL-{side}-1"
    what = {"client_order_id": name, "symbol": "AAPL", "side": side, "qty": qty, "price": "100"}
    sent = {"id": "o1", "qty": str(qty)} if there else None
    return {
        "mode": "paper",
        "plan": {"snapshot": {"cash": "5000", "held": {"AAPL": 10}, "closes": {"AAPL": "100"}, "marks": {}}},
        "outcomes": [{"planned": what, "status": status, "detail": detail, "order": sent}],
    }


def filled(qty, price, name="1"):
    at = datetime(2013, 2, 25, 14, 30, tzinfo=UTC)
    qty, price = Decimal(qty), Decimal(price)
    return Activity(name, "FILL", NEXT, "AAPL", qty, -qty * price, "o1", price, at)


def settled(record, orders=(), lines=(), ratios=None):
    made = settle("red", DAY, NEXT, record, orders, lines, ratios or {}, Decimal(1000))
    return made, (made.orders[0] if made.orders else None)


@pytest.mark.parametrize(
    ("side", "price", "bps", "dollars"),
    [("buy", "101", "100.0", "10.00"), ("buy", "99.5", "-50.0", "-5.00"), ("sell", "99", "100.0", "10.00")],
)
def test_slippage_is_positive_when_it_was_worse_for_the_team(side, price, bps, dollars):
    qty = "10" if side == "buy" else "-10"
    made, one = settled(planned(side), [order(side, price=price)], [filled(qty, price)])
    assert (one.slippage_bps, one.slippage, one.reason) == (Decimal(bps), Decimal(dollars), "")
    assert (made.slippage, made.traded) == (Decimal(dollars), 10 * Decimal(price))


@pytest.mark.parametrize(
    ("record", "orders", "reason"),
    [
        (
            planned(),
            [order(filled="4", status="expired")],
            "4 of 10 filled: the day order expired at the close",
        ),
        (
            planned(),
            [order(filled="0", price=None, status="expired")],
            "nothing filled: the day order expired at the close; was it halted?",
        ),
        (
            planned(),
            [order(filled="0", price=None, status="rejected")],
            "nothing filled: rejected by the broker",
        ),
        (
            planned(),
            [order(filled="0", price=None, status="canceled")],
            "nothing filled: cancelled at the broker",
        ),
        (planned(status="refused", detail="HTTP 403", there=False), [], "refused: HTTP 403"),
        (planned(status="halted", detail="by hand", there=False), [], "halted: by hand"),
        (None, [order()], "sent by a run that ended before it could write its record; found at the broker"),
    ],
)
def test_everything_that_did_not_fill_whole_has_a_reason(record, orders, reason):
    made, one = settled(record, orders)
    assert one.reason == reason
    assert made.unfilled == [one]


def test_a_split_between_close_and_open_is_no_slippage():
    _, one = settled(
        planned(), [order(qty="20", filled="20", price="50.5")], [filled("20", "50.5")], {"AAPL": Decimal(2)}
    )
    assert (one.planned_price, one.slippage_bps, one.slippage) == (50, Decimal("100.0"), Decimal("10.00"))


def test_fees_are_those_of_the_session_in_which_it_filled():
    fee = Activity("2", "FEE", NEXT, "AAPL", Decimal(0), Decimal("-0.10"))
    later = Activity("3", "FEE", date(2013, 2, 26), "AAPL", Decimal(0), Decimal("-9"))
    made, _ = settled(planned(), [order()], [filled("10", "101"), fee, later])
    assert made.fees == Decimal("0.10")


def traded(house):
    predict(house, FIRST, AAPL=0.01, IBM=0.01)
    predict(house, SECOND, AAPL=-0.01)
    predict(house, THIRD, IBM=-0.01)
    for session in (FIRST, SECOND, THIRD):
        assert trade(house, session).success


def stored(house, session):
    return json.loads(house.store.read_file(("red", "fills"), f"{session}.json"))


def test_what_a_symbol_and_the_size_of_an_order_cost_is_the_registrys_and_on_record(house):
    registry = house.platform.registry
    own = {"AAPL": SymbolCosts(cost_bps=50, impact=0)}
    costs = registry.competition.model_copy(update={"impact": 1.0, "symbol_costs": own})
    dear = House(
        replace(house.platform, registry=registry.model_copy(update={"competition": costs})), house.settings
    )
    traded(dear)
    assert dear.materialize(FILLS, sessions=[FIRST]).success
    made = stored(dear, FIRST)
    bps = {one["symbol"]: [done["cost_bps"] for done in one["executions"]] for one in made["orders"]}
    assert bps["AAPL"] == ["50"]
    # 128 of 3.8 million shares a day.
    assert 5 < Decimal(bps["IBM"][0]) < 6
    paid = sum(
        Decimal(done["qty"]) * Decimal(done["price"]) * Decimal(done["cost_bps"]) / 10_000
        for one in made["orders"]
        for done in one["executions"]
    )
    assert Decimal(made["costs"]) == paid + Decimal(made["fees"])


def test_a_range_of_sessions_is_settled_in_one_run_with_the_last_one_brought_to_its_fills(house):
    traded(house)
    run = house.materialize(FILLS, sessions=[FIRST, SECOND, THIRD])
    assert failures(run) == {}
    assert len(made(run)["red/fills"]) == 3
    told = stored(house, THIRD)
    assert (told["filled_in"], told["mode"]) == ("2013-02-27", "paper")
    [sell] = told["orders"]
    assert (sell["side"], sell["symbol"], sell["reason"]) == ("sell", "IBM", "")
    assert Decimal(told["equity"]) == house.account().account().equity
    metadata = made(run)["red/fills"][-1].metadata
    assert metadata["orders"].value == 4
    assert "data:image/png" in metadata["equity"].value
    assert "| 2013-02-22 | 2 |" in metadata["equity_curve"].value
    assert "**Accounts**" in metadata["account"].value
    total = sum(Decimal(stored(house, day)["slippage"]) for day in (FIRST, SECOND, THIRD))
    assert metadata["slippage"].value == pytest.approx(float(total))


def test_settling_the_session_before_leaves_the_next_one_to_be_traded(house):
    predict(house, FIRST, AAPL=0.01)
    predict(house, SECOND, AAPL=-0.01)
    assert trade(house, FIRST).success
    assert house.materialize(FILLS, sessions=[FIRST]).success
    assert trade(house, SECOND).success
    assert len(house.account().orders()) == 2


def test_a_session_in_mode_off_asks_no_broker(house, monkeypatch):
    red = house.platform.teams["red"]
    off = red.trading.model_copy(update={"mode": "off"})
    house.platform.teams["red"] = red.model_copy(update={"trading": off})
    quiet = House(house.platform, house.settings)
    assert trade(quiet, FIRST).success
    monkeypatch.setattr(type(quiet.broker), "open", lambda *args: pytest.fail("nobody is to be asked"))
    run = quiet.materialize(FILLS, sessions=[FIRST])
    assert failures(run) == {}
    assert stored(quiet, FIRST)["orders"] == []


def test_a_session_whose_fills_nobody_can_know_yet_fails_and_says_when(house):
    house, last = house.later(end=None), "2013-03-01"  # there is no bar of a next session to fill in
    predict(house, last, AAPL=0.01)
    assert trade(house, last).success
    [message] = failures(house.materialize(FILLS, sessions=[last])).values()
    assert "2013-03-04" in message
    assert house.store.names(("red", "fills")) == []


def test_a_session_that_was_never_traded_is_not_settled_and_says_so(house):
    run = house.materialize(FILLS, sessions=[FIRST])
    [message] = failures(run).values()
    assert message.startswith(f"team red has no orders of session {FIRST} on record, and none at its broker")
    assert "red_trade trades a session" in message


def test_limits_that_did_not_hold_at_the_open_are_on_record():
    limits = Limits(position_share=Decimal("0.3"))
    record, orders = planned(qty=20), [order(qty="20", filled="20", price="150")]
    made = settle("red", DAY, NEXT, record, orders, [], {}, Decimal(1000), limits=limits)
    assert made.breaches == ("AAPL worth 4,500.00 at the fill, 69.2% of equity 6,500.00; the limit is 30.0%",)
    record["plan"]["snapshot"]["cash"] = "2500"
    made = settle("red", DAY, NEXT, record, orders, [], {}, Decimal(1000))
    assert made.breaches == ("cash -500.00 after the fills: bought on credit",)
    assert json.loads(made.to_json())["breaches"] == list(made.breaches)


def test_a_buy_that_opened_above_its_limit_says_so():
    record = planned()
    record["outcomes"][0]["planned"]["limit"] = "110.00"
    _, one = settled(record, [order(status="expired", filled="0", price=None)])
    assert (
        one.reason
        == "nothing filled: the day order expired at the close; it opened above 110.00, or was halted"
    )
