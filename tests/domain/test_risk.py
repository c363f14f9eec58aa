from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.limits import Limits, strictest
from my_dagster_project.domain.plan import Plan, PlannedOrder
from my_dagster_project.domain.risk import gate, refusals
from tests.domain.trading import SESSION, SNAPSHOT


def order(side, qty, symbol, price=100):
    return PlannedOrder(f"red-{symbol}-{side}", symbol, side, qty, Decimal(price), "because")


def gated(*orders, limits=None, snapshot=SNAPSHOT):
    return gate(Plan("red", SESSION, 1, snapshot, orders), limits or Limits())


@pytest.mark.parametrize(
    ("bad", "limits", "reason"),
    [
        (order("sell", 51, "IBM"), Limits(), "only 50 held"),
        (order("sell", 1, "AAPL"), Limits(), "only 0 held"),
        (order("buy", 0, "AAPL"), Limits(), "0 shares is no order"),
        (order("buy", 59, "AAPL"), Limits(), "5,980.00 is free"),
        (order("buy", 1, "AAPL", 99), Limits(), "the close of 2013-01-02 is 100"),
        (order("buy", 1, "FB"), Limits(), "is None"),
        (order("buy", 11, "AAPL"), Limits(order_value=1000), "limit per order is 1,000.00"),
        (order("buy", 21, "AAPL"), Limits(position_share=0.2), "more than 20.0% of the equity 10,000.00"),
        (order("buy", 1, "AAPL"), Limits(max_symbols=1), "2 symbols would be held, the limit is 1"),
        (order("buy", 1, "AAPL"), Limits(max_symbols=0), "the limit is 0"),
    ],
)
def test_the_gate_refuses_with_a_reason_and_lets_the_others_through(bad, limits, reason):
    good = order("sell", 10, "IBM") if bad.symbol != "IBM" else order("buy", 1, "GOOG")
    plan = gated(bad, good, limits=limits)
    assert plan.orders == (good,)
    assert [skip.by for skip in refusals(plan)] == ["risk gate"]
    assert reason in refusals(plan)[0].reason


def test_a_second_order_for_a_symbol_is_refused():
    assert "another order" in refusals(gated(order("buy", 1, "AAPL"), order("buy", 2, "AAPL")))[0].reason


def test_the_cash_of_a_refused_sell_does_not_pay_for_a_buy():
    plan = gated(order("buy", 60, "AAPL"), order("sell", 51, "IBM"))
    assert plan.orders == ()
    assert len(refusals(plan)) == 2


def test_a_large_sell_is_never_refused_for_its_value():
    assert gated(order("sell", 50, "IBM"), limits=Limits(0, 0, 0)).orders


def test_the_strictest_of_two_limits_counts_field_by_field_and_zero_is_a_limit():
    least = strictest(Limits(10, 0.3, None), Limits(None, 0.25, 0))
    assert least == Limits(10, Decimal("0.25"), Decimal(0))


orders = st.builds(
    order, st.sampled_from(["buy", "sell"]), st.integers(-1, 80), st.sampled_from(["IBM", "AAPL", "GOOG"])
)


@given(
    st.lists(orders, max_size=6),
    st.builds(Limits, st.none() | st.integers(0, 3), st.none() | st.decimals(0, 1)),
)
def test_whatever_is_planned_only_what_is_safe_passes_and_nothing_is_lost(planned, limits):
    plan = gated(*planned, limits=limits)
    spent = sum(o.value * Decimal("1.02") for o in plan.orders if o.side == "buy")
    earned = sum(o.value * Decimal("0.98") for o in plan.orders if o.side == "sell")
    assert spent <= SNAPSHOT.cash + earned
    assert all(o.qty <= SNAPSHOT.held.get(o.symbol, 0) for o in plan.orders if o.side == "sell")
    assert len(plan.orders) + len(refusals(plan)) == len(planned)
    assert gate(plan, limits) == plan
    assert gate(replace(plan, orders=()), limits).orders == ()
