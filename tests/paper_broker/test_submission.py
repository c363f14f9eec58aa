"""From predictions to fills through the real client and broker, and what happens when it is run again."""

from dataclasses import replace
from decimal import Decimal

import pytest

from my_dagster_project.domain.limits import Limits
from my_dagster_project.domain.orders import plan_orders
from my_dagster_project.domain.plan import PlannedOrder, Rules, Signal
from my_dagster_project.domain.risk import gate
from my_dagster_project.trading.broker import OrderRequest, SessionPassedError
from my_dagster_project.trading.submission import orders_of, submit_plan
from tests.paper_broker.market import FIRST, SECOND, THIRD
from tests.support.accounts import fills

RULES = Rules("long_flat", 0.0005, 0.0, Decimal("0.5"))


def plan(broker, session, **values):
    broker.at_close_of(session)
    signals = [Signal("red", session, symbol, value) for symbol, value in values.items()]
    closes = {"AAPL": 100, "IBM": 50.25}
    planned = plan_orders(
        "red", session, signals, broker.positions(), broker.account(), closes, RULES, Limits()
    )
    return gate(planned, Limits())


def statuses(outcomes):
    return [(o.planned.side, o.planned.symbol, o.status) for o in outcomes]


@pytest.fixture
def red(house):
    return house.team()


def test_two_sessions_from_predictions_to_fills(red):
    submit_plan(red, plan(red, FIRST, AAPL=0.01, IBM=-0.01))
    outcomes = submit_plan(red, plan(red, SECOND, AAPL=-0.01, IBM=0.01))
    assert statuses(outcomes) == [("sell", "AAPL", "submitted"), ("buy", "IBM", "submitted")]
    red.at_close_of(THIRD)
    assert [p.symbol for p in red.positions()] == ["IBM"]
    assert red.account().cash > 0
    assert [o.client_order_id for o in orders_of(red.orders(), "red", SECOND)] == [
        "red-20121231-AAPL-sell-1",
        "red-20121231-IBM-buy-1",
    ]


def test_a_second_run_plans_the_same_and_submits_nothing(red):
    first = plan(red, FIRST, AAPL=0.01, IBM=0.02)
    submit_plan(red, first)
    second = plan(red, FIRST, AAPL=0.01, IBM=0.02)
    assert second == first
    assert {o.status for o in submit_plan(red, second)} == {"already there"}
    assert len(red.orders()) == 2


def test_a_plan_of_a_session_that_has_passed_is_not_sent(red):
    old = plan(red, FIRST, AAPL=0.01)
    red.at_close_of(SECOND)
    with pytest.raises(SessionPassedError):
        submit_plan(red, old)
    assert red.orders() == []


def test_an_unknown_outcome_stops_the_rest_and_a_second_run_completes_it(house, red):
    planned = plan(red, FIRST, AAPL=0.02, IBM=0.01)
    house.admin.fault("504_after_accept")
    house.admin.fault("500", method="GET", path="/v2/orders:", times=3)
    outcomes = submit_plan(red, planned)
    assert [o.status for o in outcomes] == ["unknown", "not sent"]
    assert "run the session again" in outcomes[0].detail
    assert [o.status for o in submit_plan(red, planned)] == ["already there", "submitted"]
    assert len(red.orders()) == 2


def test_a_refused_order_is_on_record_and_the_others_go_on(red):
    planned = plan(red, FIRST, AAPL=0.02, IBM=0.01)
    gone = replace(planned.orders[0], symbol="GONE")
    outcomes = submit_plan(red, replace(planned, orders=(gone, planned.orders[1])))
    assert [o.status for o in outcomes] == ["refused", "submitted"]
    assert "asset GONE not found" in outcomes[0].detail
    assert outcomes[1].record()["order"]["status"] == "accepted"


def test_buys_whose_cash_was_to_come_from_a_refused_sell_are_not_sent(red):
    submit_plan(red, plan(red, FIRST, AAPL=0.02, IBM=0.01))
    planned = plan(red, SECOND, AAPL=-0.01, IBM=0.01)
    sell = replace(planned.orders[0], qty=5000)
    big = PlannedOrder("red-x", "IBM", "buy", 900, Decimal("50.25"), "with the proceeds")
    small = PlannedOrder("red-y", "IBM", "buy", 1, Decimal("50.25"), "with cash at hand")
    assert [o.status for o in submit_plan(red, replace(planned, orders=(sell, big)))] == [
        "refused",
        "refused",
    ]
    assert [o.status for o in submit_plan(red, replace(planned, orders=(sell, small)))] == [
        "refused",
        "submitted",
    ]


def test_a_buy_whose_place_a_refused_sell_keeps_is_not_sent(red):
    """Found by tests/trading/test_scenarios.py: one symbol may be held, and a second one was bought."""
    submit_plan(red, plan(red, FIRST, AAPL=0.02))
    planned = plan(red, SECOND, AAPL=-0.01)
    sell = replace(planned.orders[0], qty=5000)
    buy = PlannedOrder("red-y", "IBM", "buy", 1, Decimal("50.25"), "instead")
    swap = replace(planned, orders=(sell, buy))
    done = submit_plan(red, swap, limits=Limits(max_symbols=1))
    assert [outcome.status for outcome in done] == ["refused", "refused"]
    assert submit_plan(red, swap, limits=Limits(max_symbols=2))[1].status == "submitted"


def test_an_order_that_is_there_is_found_behind_a_429(house, red):
    """Found by tests/trading/test_scenarios.py: it was on record as refused."""
    planned = plan(red, FIRST, AAPL=0.02)
    submit_plan(red, planned)
    house.admin.fault("429", times=3)
    assert [outcome.status for outcome in submit_plan(red, planned)] == ["already there"]


def test_teams_replay_independently_on_their_own_clocks(house, red):
    blue = house.team("blue")
    submit_plan(red, plan(red, FIRST, AAPL=0.01))
    red.at_close_of(THIRD)
    blue.at_close_of(FIRST)
    assert (len(fills(red)), len(fills(blue))) == (1, 0)
    house.admin.reset("red", Decimal(5000))
    assert submit_plan(red, plan(red, FIRST, AAPL=0.01))[0].status == "submitted"
    assert red.account().cash == 5000


def too_large(red, qty):
    planned = plan(red, FIRST, AAPL=0.02)
    return replace(planned, orders=(replace(planned.orders[0], qty=qty),))


def test_a_buy_beyond_the_buying_power_is_sent_once_more_in_the_size_it_pays_for(red):
    huge = too_large(red, 5000)
    [outcome] = submit_plan(red, huge)
    assert (outcome.status, outcome.order.qty) == ("submitted", 2000)
    assert outcome.detail == "2000 instead of 5000: the broker's buying power was not enough"
    [again] = submit_plan(red, huge)
    assert (again.status, again.order.qty) == ("already there", 2000)
    assert len(red.orders()) == 1


def test_a_buy_is_shrunk_only_once(house, red):
    huge, real = too_large(red, 5000), red.account

    def account():
        # Between the look and the second attempt somebody else uses the account up.
        power = real()
        red.submit(OrderRequest("by-hand", "IBM", "buy", 3000))
        return power

    red.account = account
    [outcome] = submit_plan(red, huge)
    assert outcome.status == "refused"
    assert outcome.detail.startswith("2000 instead of 5000")
    assert [order.client_order_id for order in red.orders()] == ["by-hand"]


def test_a_buy_is_not_shrunk_to_nothing(house, red):
    red.at_close_of(FIRST)
    red.submit(OrderRequest("red-all", "IBM", "buy", 3979))
    [outcome] = submit_plan(red, too_large(red, 10))
    assert outcome.status == "refused"
    assert "insufficient buying power" in outcome.detail
