"""Selling short at the bundled broker: what it costs to borrow, what dividends and splits do, and what is refused."""

from contextlib import suppress
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.round_trips import journal
from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.paper_broker.feed import TableFeed
from my_dagster_project.trading.broker import BrokerRefusedError, OrderRequest
from tests.paper_broker.market import CASH, FIRST, FOURTH, SECOND, SESSIONS, THIRD, bar, make_feed
from tests.support.draws import one_folder

FEE = {"borrow_fee": "0.252"}  # a thousandth a session


def red(open_house, feed=None, **terms):
    account = open_house(feed, f"{uuid4()}.sqlite").team(cost_bps=0, **(FEE | terms))
    account.at_close_of(FIRST)
    return account


def order(account, side, qty, symbol="AAPL"):
    account.submit(OrderRequest(f"red-{uuid4()}", symbol, side, qty))


def lines(account, *kinds):
    return [(one.kind, one.qty, one.amount) for one in account.activities(FIRST) if one.kind in kinds]


def test_a_short_position_is_marked_charged_and_bought_back(open_house):
    feed = make_feed()
    feed.bars["AAPL"][THIRD] = bar("90", "80")
    account = red(open_house, feed)
    assert account.account().lends
    order(account, "sell", 100)
    account.at_close_of(SECOND)
    [held] = account.positions()
    assert (held.qty, held.avg_entry_price, held.market_value) == (-100, 100, -10_000)
    now = account.account()
    # 10,000 x 0.252 / 252 for the one close.
    assert (now.cash, now.equity) == (CASH + 10_000 - 10, CASH - 10)
    account.at_close_of(THIRD)
    assert account.account().equity == CASH + 2_000 - 10 - 8
    order(account, "buy", 100)
    account.at_close_of(FOURTH)
    assert account.positions() == []
    assert lines(account, "FEE") == [("FEE", 0, -10), ("FEE", 0, -8)]
    made = journal(account.activities(FIRST), {})
    [trip] = made.trips
    assert (trip.qty, trip.fees, trip.gain) == (-100, 18, -18)
    assert made.total == account.account().equity - CASH


def test_dividends_are_paid_and_splits_follow_the_shares(open_house):
    feed = make_feed(splits={("AAPL", FOURTH): Decimal("1.5")})
    feed = TableFeed(feed.bars, feed.splits, {("AAPL", THIRD): Decimal("2")})
    account = red(open_house, feed, borrow_fee="0")
    order(account, "sell", 101)
    account.at_close_of(THIRD)
    assert lines(account, "DIV") == [("DIV", 0, -202)]
    assert account.account().equity == CASH - 202
    before = account.account().equity
    for session in SESSIONS[SESSIONS.index(FOURTH) :]:
        feed.bars["AAPL"][session] = bar("66.666667")
    account.at_close_of(FOURTH)
    [held] = account.positions()
    # Half a share more would be short: it is bought back in cash.
    assert held.qty == -151
    assert lines(account, "SPLIT") == [("SPLIT", -50, Decimal("-33.33"))]
    assert abs(account.account().equity - before) < Decimal("0.01")


@pytest.mark.parametrize(
    "terms", [{"borrow_fee": None}, {"multiplier": 1}], ids=["not lent", "a cash account"]
)
def test_without_leave_nothing_is_sold_short(open_house, terms):
    account = red(open_house, **terms)
    assert not account.account().lends
    with pytest.raises(BrokerError, match="insufficient qty available"):
        order(account, "sell", 1)


def test_an_order_never_crosses_nothing_and_no_more_is_bought_back_than_is_short(open_house):
    account = red(open_house)
    order(account, "buy", 10)
    account.at_close_of(SECOND)
    with pytest.raises(BrokerError, match="insufficient qty available"):
        order(account, "sell", 11)
    order(account, "sell", 5, "IBM")
    account.at_close_of(THIRD)
    with pytest.raises(BrokerError, match="insufficient qty available"):
        order(account, "buy", 6, "IBM")
    with pytest.raises(BrokerError, match="fractional orders cannot cover"):
        order(account, "buy", Decimal("0.5"), "IBM")
    order(account, "buy", 3, "IBM")
    with pytest.raises(BrokerError, match="insufficient qty available"):
        order(account, "buy", 3, "IBM")
    order(account, "buy", 2, "IBM")


def test_both_sides_take_buying_power_and_what_is_bought_back_needs_none(open_house):
    account = red(open_house)
    assert account.account().buying_power == 2 * CASH
    order(account, "sell", 1500)
    assert account.account().buying_power == 50_000
    with pytest.raises(BrokerError, match="insufficient buying power"):
        order(account, "buy", 1000, "IBM")
    account.at_close_of(SECOND)
    assert account.account().buying_power < 50_000
    order(account, "buy", 1500)
    account.at_close_of(THIRD)
    assert account.positions() == []


@one_folder(8)
@given(st.data())
def test_whatever_is_sold_short_and_bought_back_the_books_add_up(open_house, data):
    prices = st.integers(2_000, 20_000).map(lambda cents: Decimal(cents) / 100)
    feed = make_feed(splits=data.draw(st.sampled_from([{}, {("AAPL", THIRD): Decimal("1.5")}])))
    paid = {("IBM", FOURTH): Decimal("0.37")} if data.draw(st.booleans()) else {}
    for table in feed.bars.values():
        for day in table:
            table[day] = bar(data.draw(prices), data.draw(prices))
    account = red(open_house, TableFeed(feed.bars, feed.splits, paid), commission="0.01", partial_fills="0.5")
    for session in SESSIONS[1:]:
        for symbol in ("AAPL", "IBM"):
            side, qty = data.draw(st.sampled_from(["buy", "sell"])), data.draw(st.integers(1, 400))
            with suppress(BrokerRefusedError):
                order(account, side, qty, symbol)
        account.at_close_of(session)
        now, held = account.account(), account.positions()
        assert now.equity == now.cash + sum(one.market_value for one in held)
        statement = account.activities(date(2012, 1, 1))
        assert now.cash == CASH + sum(one.amount for one in statement)
        made = journal(statement, {one.symbol: one.current_price for one in held})
        assert made.total == now.equity - CASH
        assert made.other == 0
