"""Misbehaving on order, seen through the adapter: each fault has one defined outcome, and no order is there twice."""

import time

import pytest

from my_dagster_project.foundation.errors import BrokerError, OrderOutcomeUnknownError
from my_dagster_project.trading.alpaca import AlpacaBroker
from my_dagster_project.trading.broker import BrokerRefusedError, OrderRequest, SessionPassedError
from tests.paper_broker.market import CASH, FIRST, SECOND
from tests.support.accounts import fills

BUY = OrderRequest("red-20121228-AAPL-buy-1", "AAPL", "buy", 9)


@pytest.fixture
def red(house):
    red = house.team(cost_bps=0, timeout=0.5)
    red.at_close_of(FIRST)
    return red


def test_a_connection_that_dies_within_the_answer_gives_exactly_one_order(house, red):
    house.admin.fault("half_open", seconds=0)
    assert red.submit(BUY).client_order_id == BUY.client_order_id
    house.admin.fault("half_open", method="GET", path="/v2/account", seconds=0)
    assert red.account().cash == CASH
    assert len(red.orders()) == 1


def test_a_connection_that_stays_open_and_silent_costs_the_timeout(house, red):
    house.admin.fault("half_open", seconds=3)
    started = time.monotonic()
    assert red.submit(BUY).status == "accepted"
    assert time.monotonic() - started < 2
    assert len(red.orders()) == 1


def test_a_partial_fill_on_order_keeps_what_was_filled_and_the_rest_expires(house, red):
    house.admin.fault("partial_fill", share=0.5)
    red.submit(BUY)
    red.at_close_of(SECOND)
    [order] = red.orders()
    assert (order.status, order.qty, order.filled_qty, order.filled_avg_price) == ("expired", 9, 4, 100)
    assert [(fill.qty, fill.price) for fill in fills(red)] == [(4, 100)]
    assert red.positions()[0].qty == 4
    assert red.account().cash == CASH - 400


def test_a_partial_fill_of_less_than_a_share_fills_nothing(house, red):
    house.admin.fault("partial_fill", share=0.1)
    red.submit(BUY)
    red.at_close_of(SECOND)
    assert [(order.status, order.filled_qty, order.filled_avg_price) for order in red.orders()] == [
        ("expired", 0, None)
    ]
    assert (fills(red), red.positions()) == ([], [])


def test_a_stale_clock_stops_a_session_before_anything_is_sent(house, red):
    plain = AlpacaBroker(house.url, "PKred", "secret-of-red", team="red")
    house.admin.fault("stale_clock")
    with pytest.raises(BrokerError, match=r"session 2012-12-28: .*session due is 2012-12-27"):
        plain.at_close_of(FIRST)
    plain.at_close_of(FIRST)


def test_a_session_that_is_over_is_told_as_such_also_behind_an_outage(house, red):
    """It was "the clock only goes forward" when the first answer was lost: a session on record could not be run again."""
    red.at_close_of(SECOND)
    for kind in ("500", "504_after_accept"):
        house.admin.fault(kind, path="/paper/v1/clock")
        with pytest.raises(SessionPassedError):
            red.at_close_of(FIRST)
        house.admin.fault(kind, path="/paper/v1/clock")
        red.at_close_of(SECOND)


def test_a_fault_for_one_account_leaves_the_others_alone(house, red):
    blue = house.team("blue")
    blue.at_close_of(FIRST)
    house.admin.fault("500", key="PKred")
    assert blue.submit(OrderRequest("blue-1", "AAPL", "buy", 1)).status == "accepted"
    with pytest.raises(OrderOutcomeUnknownError):
        red.submit(BUY)


def test_a_blocked_account_is_read_as_blocked_and_its_orders_are_refused(house, red):
    house.admin.block("red")
    assert red.account().blocked == "trading_blocked"
    with pytest.raises(BrokerRefusedError, match="trading is blocked"):
        red.submit(BUY)


def test_a_fault_nobody_knows_is_refused_with_those_there_are(house):
    with pytest.raises(BrokerError, match="unknown fault 'lightning'; known: 429, 500"):
        house.admin.fault("lightning")
    with pytest.raises(BrokerError, match="a fault has kind, times, method, path, seconds, share, key"):
        house.admin.fault("500", colour="red")
