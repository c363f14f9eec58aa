"""Every limit binds in planning (which sizes to it) and in the gate (which refuses), and a team's can only tighten."""

from dataclasses import fields, replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.facts import Facts
from my_dagster_project.domain.limits import Limits, strictest
from my_dagster_project.domain.orders import plan_orders
from my_dagster_project.domain.plan import Plan, PlannedOrder, Standing
from my_dagster_project.domain.risk import gate, refusals, refuse_all
from tests.domain import trading
from tests.domain.trading import RULES, SESSION, account, position, signal

SNAPSHOT = replace(
    trading.SNAPSHOT,
    marks={"AAPL": Decimal(80), "IBM": Decimal(50), "GOOG": Decimal(99)},
    peak=Decimal(12_500),
)


def planned(signals, positions=(), limits=None, money=None, facts=None):
    closes = {one.symbol: "100" for one in signals} | {one.symbol: "100" for one in positions}
    money = account() if money is None else money
    return plan_orders(
        "red", SESSION, signals, positions, money, closes, RULES, limits or Limits(), facts=facts
    )


def lines(plan):
    return [(one.side, one.qty, one.symbol) for one in plan.orders]


def why(plan, symbol):
    return next(skip.reason for skip in plan.skipped if skip.symbol == symbol)


def order(side, qty, symbol, basis=SESSION):
    return PlannedOrder(f"red-{symbol}-{side}", symbol, side, qty, Decimal(100), "because", basis)


def gated(*orders, **limits):
    return gate(Plan("red", SESSION, 1, SNAPSHOT, orders), Limits(**limits))


def test_a_session_may_trade_only_so_much_and_the_strongest_prediction_gets_it():
    plan = planned(
        [signal("AAPL", 0.01), signal("GOOG", 0.02), signal("IBM", 0.005)],
        limits=Limits(session_value=30_000),
    )
    assert lines(plan) == [("buy", 250, "GOOG"), ("buy", 50, "AAPL")]
    assert plan.orders[1].reason.endswith("50 instead of 250: session limit")
    assert "session limit leaves 0.00" in why(plan, "IBM")


def test_turnover_counts_sells_but_never_refuses_one():
    plan = planned(
        [signal("AAPL", 0.01), signal("IBM", -0.01)],
        [position("IBM", 400)],
        limits=Limits(turnover="0.5"),
        money=account("60000", equity="100000"),
    )
    assert lines(plan) == [("sell", 400, "IBM"), ("buy", 100, "AAPL")]
    assert "turnover limit" in plan.orders[1].reason


def test_only_so_many_orders_are_planned_in_a_session():
    signals = [signal("AAPL", 0.01), signal("GOOG", 0.02), signal("IBM", -0.01)]
    plan = planned(signals, [position("IBM", 1)], limits=Limits(session_orders=2))
    assert lines(plan) == [("sell", 1, "IBM"), ("buy", 250, "GOOG")]
    assert "the limit of 2 orders a session is reached" in why(plan, "AAPL")


def test_below_the_drawdown_only_sells_are_planned():
    limits, signals = Limits(drawdown="0.2"), [signal("AAPL", 0.01), signal("IBM", -0.01)]
    deep = Facts(peak=Decimal(130_000))
    plan = planned(signals, [position("IBM", 4)], limits, facts=deep)
    assert lines(plan) == [("sell", 4, "IBM")]
    expected = "equity 100,000.00 is 23.1% below its peak 130,000.00, the limit is 20.0%: only sells"
    assert expected in why(plan, "AAPL")
    assert len(planned(signals, limits=limits, facts=Facts(peak=Decimal(125_000))).orders) == 1


def test_a_price_that_the_bars_or_the_broker_contradict_sizes_nothing_but_a_whole_sale():
    limits = Limits(price_deviation="0.1")
    bars = Facts(bar_closes={"AAPL": 50.0, "GOOG": 95.0})
    plan = planned([signal("AAPL", 0.01), signal("GOOG", 0.01)], limits=limits, facts=bars)
    assert lines(plan) == [("buy", 250, "GOOG")]
    assert "sized at 100.00, but elsewhere its price is 50.00: 100.0% apart" in why(plan, "AAPL")
    split = [position("AAPL", 400, "50")]
    assert "a split" in why(planned([signal("AAPL", 0.01)], split, limits), "AAPL")
    assert lines(planned([signal("AAPL", -0.01)], split, limits)) == [("sell", 400, "AAPL")]


@pytest.mark.parametrize(
    ("bad", "limits", "reason"),
    [
        (order("buy", 5, "GOOG"), {"session_value": 499}, "worth 500.00, the session limit is 499.00"),
        (order("buy", 5, "GOOG"), {"turnover": "0.04"}, "worth 500.00, the turnover limit is 400.00"),
        (order("buy", 1, "GOOG"), {"session_orders": 0}, "has 0 orders already, the limit is 0"),
        (order("buy", 1, "GOOG"), {"drawdown": "0.1"}, "is 20.0% below its peak"),
        (order("buy", 1, "AAPL"), {"price_deviation": "0.1"}, "its price is 80.00: 25.0% apart"),
        (order("sell", 1, "IBM"), {"price_deviation": "0.1"}, "its price is 50.00: 100.0% apart"),
        (order("buy", 1, "GOOG", date(2012, 12, 31)), {}, "a prediction of session 2012-12-31, not"),
        (order("sell", 1, "IBM", date(2013, 1, 3)), {}, "a prediction of session 2013-01-03, not"),
    ],
)
def test_the_gate_refuses_by_itself_with_the_reason(bad, limits, reason):
    plan = gated(bad, **limits)
    assert plan.orders == ()
    assert reason in refusals(plan)[0].reason


def test_the_gate_lets_a_whole_position_go_whatever_the_limits():
    nothing = {one.name: 0 for one in fields(Limits)}
    assert gated(order("sell", 50, "IBM"), **nothing).orders


def test_orders_that_stand_at_the_broker_pass_and_count():
    stands = Standing("red-IBM-sell", "IBM", "sell", 50)
    snapshot = replace(SNAPSHOT, standing=(stands,))
    plan = Plan("red", SESSION, 1, snapshot, (order("buy", 1, "GOOG"), order("sell", 50, "IBM", None)))
    passed = gate(plan, Limits(session_orders=1))
    assert lines(passed) == [("sell", 50, "IBM")]
    assert "has 1 orders already" in refusals(passed)[0].reason
    assert gate(passed, Limits(session_orders=1)) == passed


def test_refusing_all_keeps_each_order_on_record_with_the_reason():
    plan = refuse_all(Plan("red", SESSION, 1, SNAPSHOT, (order("sell", 50, "IBM"),)), "red is halted")
    assert plan.orders == ()
    assert [str(skip) for skip in refusals(plan)] == ["IBM: sell 50 refused: red is halted"]


def test_a_second_run_that_decides_otherwise_lives_with_what_the_first_one_sent():
    sent = Standing("red-20130102-AAPL-buy-1", "AAPL", "buy", 900)
    plan = planned(
        [signal("AAPL", -0.01), signal("IBM", 0.01)], facts=Facts(standing=(sent,)), limits=Limits()
    )
    # 100,000 less 900 x 100 x 1.02 leaves 8,200, which pays for 80 and not for the 250 that are wanted.
    assert lines(plan) == [("buy", 900, "AAPL"), ("buy", 80, "IBM")]
    assert plan.orders[0].reason.startswith("sent by an earlier run of this session")
    assert gate(plan, Limits()) == plan
    assert Plan.from_json(plan.to_json()) == plan


def test_a_second_run_that_decides_the_same_gives_the_same_plan():
    signals = [signal("AAPL", 0.01), signal("IBM", 0.01)]
    first = planned(signals)
    sent = Standing(first.orders[0].client_order_id, "AAPL", "buy", first.orders[0].qty)
    assert planned(signals, facts=Facts(standing=(sent,))) == first


numbers = st.none() | st.integers(0, 9)
shares = st.none() | st.decimals(0, 3, places=2)
some_limits = st.builds(
    Limits,
    max_symbols=numbers,
    position_share=shares,
    order_value=shares.map(lambda one: one and one * 10_000),
    session_value=shares.map(lambda one: one and one * 10_000),
    session_orders=numbers,
    turnover=shares,
    price_deviation=shares,
    drawdown=shares,
)


@given(some_limits, some_limits)
def test_a_teams_limits_can_only_tighten(organisers, teams):
    both = strictest(organisers, teams)
    for one in fields(Limits):
        least, limit, own = (getattr(given, one.name) for given in (both, organisers, teams))
        assert least == min((value for value in (limit, own) if value is not None), default=None)
    assert strictest(teams, organisers) == both
    assert strictest(both, organisers) == both


some_orders = st.lists(
    st.builds(
        order, st.sampled_from(["buy", "sell"]), st.integers(-1, 60), st.sampled_from(["IBM", "AAPL", "GOOG"])
    ),
    max_size=5,
)


@given(some_orders, some_limits, some_limits)
def test_what_passes_both_limits_passes_each(orders, organisers, teams):
    both = gate(Plan("red", SESSION, 1, SNAPSHOT, tuple(orders)), strictest(organisers, teams))
    assert gate(both, organisers).orders == both.orders
    assert gate(both, teams).orders == both.orders
