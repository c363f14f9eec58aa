"""Stop loss and time exit: sold whole at the next open, from what the close says, whatever is predicted."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.exits import closes_held
from my_dagster_project.domain.facts import Facts
from my_dagster_project.domain.limits import Limits
from my_dagster_project.domain.orders import plan_orders
from my_dagster_project.domain.risk import gate
from tests.domain.test_round_trips import line
from tests.domain.trading import NO_LIMITS, RULES, SESSION, account, position, signal

DAYS = [date(2013, 1, 2) + timedelta(days=n) for n in range(8)]
STOP = replace(RULES, stop_loss=Decimal("0.05"))
TIME = replace(RULES, max_sessions=3)


def bought_at(symbol, qty, entry, price):
    return replace(position(symbol, qty, price), avg_entry_price=Decimal(entry))


def plan(held, rules, signals=(), closes=None, limits=NO_LIMITS, money=None, **facts):
    closes = {"AAPL": "95"} if closes is None else closes
    money = money or account(equity="100000")
    planned = plan_orders("red", SESSION, signals, held, money, closes, rules, limits, facts=Facts(**facts))
    assert gate(planned, limits).orders == planned.orders
    return planned


@pytest.mark.parametrize(
    ("close", "sold"), [("95.01", False), ("95", True), ("80", True), ("100", False), ("120", False)]
)
def test_a_close_so_far_below_the_entry_is_sold_whatever_is_predicted(close, sold):
    held = [bought_at("AAPL", 50, "100", close)]
    planned = plan(held, STOP, [signal("AAPL", 0.05)], {"AAPL": close})
    assert [(one.side, one.qty) for one in planned.orders if one.side == "sell"] == [("sell", 50)] * sold
    if sold:
        [order] = planned.orders
        assert order.reason.startswith(f"stop loss: {Decimal(close):.2f} is ")
        assert order.reason.endswith("below its entry at 100.00, the rule is 5.0%")


def test_it_needs_no_prediction_and_the_cash_is_there_for_others():
    held = [bought_at("AAPL", 50, "100", "90"), position("IBM", 10)]
    planned = plan(
        held,
        STOP,
        [signal("MSFT", 0.05)],
        {"AAPL": "90", "IBM": None, "MSFT": "10"},
        money=account("0", "10000"),
    )
    assert [(one.side, one.symbol) for one in planned.orders] == [("sell", "AAPL"), ("buy", "MSFT")]


def test_without_a_bar_the_brokers_last_price_decides_and_prices_that_disagree_stop_nothing():
    held = [bought_at("AAPL", 50, "100", "90")]
    [order] = plan(held, STOP, closes={"AAPL": None}).orders
    assert (order.qty, order.price) == (50, 90)
    # The bars have halved, the broker has not booked a split: is it a loss?
    assert plan(held, STOP, closes={"AAPL": "45"}).orders[0].reason.startswith("stop loss: 90.00")
    fine = [bought_at("AAPL", 50, "100", "100")]
    assert plan(fine, STOP, closes={"AAPL": "50"}).orders == ()


@pytest.mark.parametrize(("closes", "sold"), [(2, False), (3, True), (9, True)])
def test_what_was_held_over_so_many_closes_is_sold(closes, sold):
    planned = plan([position("AAPL", 50, "95")], TIME, [signal("AAPL", 0.05)], closes_held={"AAPL": closes})
    sells = [one for one in planned.orders if one.side == "sell"]
    assert [one.reason for one in sells] == [f"time exit: held over {closes} closes, the rule is 3"] * sold


def test_no_limit_keeps_a_rule_of_exit_from_selling_and_a_blocked_account_says_so():
    tight = Limits(order_value=1, session_value=1, session_orders=1, turnover="0.0001", drawdown="0.01")
    held = [bought_at("AAPL", 50, "100", "90")]
    assert len(plan(held, STOP, closes={"AAPL": "90"}, limits=tight, peak=Decimal(10**6)).orders) == 1
    blocked = plan(held, STOP, closes={"AAPL": "90"}, money=account(blocked="trading_blocked"))
    assert blocked.orders == ()
    assert [skip.symbol for skip in blocked.skipped] == ["AAPL"]


def test_a_position_that_people_left_short_is_left_to_people():
    assert plan([bought_at("AAPL", -50, "100", "200")], STOP, closes={"AAPL": "200"}).orders == ()


def held_over(lines, qty, sessions=DAYS[:4]):
    return closes_held({"AAPL": Decimal(qty)}, lines, sessions)["AAPL"]


def test_closes_are_counted_since_the_position_was_opened_from_nothing():
    assert held_over([], 10) == 4
    assert held_over([line("FILL", 10, 0, day=1)], 10) == 3
    assert held_over([line("FILL", 5, 0, day=1), line("FILL", 5, 0, day=3)], 10) == 3
    assert held_over([line("FILL", 10, 0, day=0), line("FILL", -4, 0, day=2)], 6) == 4
    closed = [line("FILL", 5, 0, day=0), line("FILL", -5, 0, day=1), line("FILL", 5, 0, day=3)]
    assert held_over(closed, 5) == 1
    assert held_over([line("FILL", 5, 0, day=1), line("SPLIT", 5, 0, day=2)], 10) == 3


@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(-6, 6)), max_size=12),
    st.integers(0, 5),
    st.integers(1, 8),
)
def test_walking_back_gives_what_walking_forward_gives(changes, start, window):
    """Against the plain count from the beginning; a position never goes below nothing."""
    qty, since, lines = Decimal(start), DAYS[0] - timedelta(days=1), []
    for day, change in sorted(changes, key=lambda one: one[0]):
        change = max(Decimal(change), -qty)
        if not change:
            continue
        since = DAYS[day] if not qty else since
        qty += change
        lines.append(line("FILL", change, 0, day=day))
    sessions = DAYS[-window:]
    recent = [one for one in lines if one.day >= sessions[0]]
    if qty:
        assert held_over(recent, qty, sessions) == sum(day >= since for day in sessions)
