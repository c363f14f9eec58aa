"""Before planning the broker is the truth: what nobody of ours did stops the team, and says what."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.trading import alpaca_answers as parsing
from my_dagster_project.trading.books import Books, Statement, differences
from my_dagster_project.trading.broker import Account, Activity, OrderRequest
from my_dagster_project.trading.reconcile import accept, check
from tests.paper_broker.conftest import open_house  # noqa: F401 - a fixture
from tests.support.house import failures
from tests.support.trading import FIRST, SECOND, THIRD, predict, record, sent, trade

DAY = date(2013, 2, 22)
BOOKS = Books("a", DAY, Decimal(1000), {"AAPL": Decimal(5)}, DAY)


def account(cash="1000"):
    return Account("a", Decimal(cash), Decimal(cash), Decimal(cash))


def line(kind, qty="0", amount="0", order="", name="1", symbol="AAPL"):
    return Activity(name, kind, date(2013, 2, 25), symbol, Decimal(qty), Decimal(amount), order)


class Held:
    def __init__(self, symbol, qty):
        self.symbol, self.qty = symbol, Decimal(qty)


def told(cash, held, *lines, orders=()):
    positions = [Held(symbol, qty) for symbol, qty in held.items()]
    return [str(one) for one in differences(BOOKS, Statement(account(cash), positions, lines, orders))]


def test_an_account_as_it_was_left_has_no_difference():
    assert told("1000", {"AAPL": 5}) == []
    assert told("1000.01", {"AAPL": 5}) == []


@pytest.mark.parametrize(
    ("cash", "held", "lines"),
    [
        ("1012.34", {"AAPL": 5}, [line("DIV", amount="12.34")]),
        ("999.10", {"AAPL": 5}, [line("FEE", amount="-0.90")]),
        ("1000", {"AAPL": 10}, [line("SPLIT", qty="5")]),
        ("1003.50", {"AAPL": 2}, [line("SPLIT", qty="-3", amount="3.50")]),
        ("1000", {"FB": 5}, [line("NC", qty="-5"), line("NC", qty="5", symbol="FB", name="2")]),
    ],
)
def test_what_the_brokers_statement_says_by_itself_is_explained(cash, held, lines):
    assert told(cash, held, *lines) == []


@pytest.mark.parametrize(
    ("cash", "held", "lines", "words"),
    [
        ("1000", {}, [], "AAPL: 5 shares expected (5 after 2013-02-22"),
        ("1000", {"AAPL": 5, "IBM": 1}, [], "IBM: 0 shares expected (0 after 2013-02-22"),
        ("1000", {"AAPL": -5}, [], "-5 held"),
        (
            "999.98",
            {"AAPL": 5},
            [],
            "cash: 1,000.00 expected (1,000.00 after 2013-02-22), 999.98 there: 0.02 less",
        ),
        (
            "1500",
            {"AAPL": 5},
            [line("CSD", amount="500")],
            "CSD of 2013-02-25: 500.00 dollars moved by somebody",
        ),
        ("900", {"AAPL": 6}, [line("FILL", "1", "-100", "x")], "AAPL: 5 shares expected"),
    ],
)
def test_what_nobody_of_ours_did_is_said_with_symbol_expected_and_found(cash, held, lines, words):
    assert any(words in one for one in told(cash, held, *lines)), told(cash, held, *lines)


def test_a_line_that_was_counted_before_is_not_counted_again():
    books = replace(BOOKS, lines=frozenset({"1"}))
    found = Statement(account("1000"), [Held("AAPL", 5)], [line("DIV", amount="12.34")])
    assert differences(books, found) == []


def test_alpacas_own_lines_are_read_with_what_they_change():
    dividend = {
        "activity_type": "DIV",
        "id": "20190801011955195::5f596936-6f23-4cef-bdf1-3806aae57dbf",
        "date": "2019-08-01",
        "net_amount": "1.02",
        "symbol": "T",
        "qty": "2",
        "per_share_amount": "0.51",
    }
    read = parsing.activity(dividend)
    assert (read.kind, read.day, read.qty, read.amount) == ("DIV", date(2019, 8, 1), 0, Decimal("1.02"))
    sold = {
        "activity_type": "FILL",
        "id": "20190524113406977::8efc7b9a-8b2b-4000-9955-d36e7db0df74",
        "order_id": "o",
        "symbol": "AAPL",
        "side": "sell",
        "qty": "2",
        "price": "10.5",
        "transaction_time": "2019-05-25T01:34:06.977Z",
    }
    read = parsing.activity(sold)
    assert (read.day, read.qty, read.amount) == (date(2019, 5, 24), -2, 21)
    with pytest.raises(BrokerError, match="no activity"):
        parsing.activity({"activity_type": "DIV"})


def bought(house):
    predict(house, FIRST, AAPL=0.01)
    predict(house, SECOND, AAPL=0.01, IBM=0.01)
    predict(house, THIRD, AAPL=-0.01)
    assert trade(house, FIRST).success


def stopped(house, session):
    [message] = failures(trade(house, session)).values()
    return message


def test_a_position_that_somebody_sold_stops_the_team_until_somebody_says_why(house):
    bought(house)
    red = house.account()
    red.at_close_of(date.fromisoformat(SECOND))
    orders = sent(house)
    red.submit(OrderRequest("panic", "AAPL", "sell", 55))
    message = stopped(house, SECOND)
    assert message.startswith("team red, session 2013-02-25: the account is not as we left it")
    assert "- order panic: sell 55 AAPL, accepted, 0 filled; it is not one of ours" in message
    assert 'trading reconcile red --accept "why"' in message
    assert sent(house) == [*orders, "panic"]
    assert house.store.names(("red", "orders")) == [f"{FIRST}.json"]
    checked = accept(house.store, "red", red, "a.turing@enigma", "sold in a panic")
    assert len(checked.differences) == 1
    assert trade(house, SECOND).success
    assert trade(house, THIRD).success  # what the accepted order did at the open is known too
    assert check(house.store, "red", red).differences == ()
    [told] = [house.store.store.get(info.key) for info in house.store.store.list(".trading/accepted/red/")]
    assert json.loads(told)["reason"] == "sold in a panic"
    assert json.loads(told)["by"] == "a.turing@enigma"


def test_an_order_that_filled_between_two_sessions_is_named_with_its_shares_and_cash(house):
    bought(house)
    red = house.account()
    red.submit(OrderRequest("by-hand", "IBM", "buy", 10))
    message = stopped(house, SECOND)
    assert "- order by-hand: buy 10 IBM, filled, 10 filled; it is not one of ours" in message
    assert "- IBM: 0 shares expected" in message
    assert "10 held" in message
    assert "- cash: " in message


@pytest.mark.parametrize(
    "name",
    ["red-20130222-IBM-buy-1", "red-20130222-AAPL-buy-2", "red-20130225-AAPL-buy-1", "red-99999999-X-buy-1"],
)
def test_a_manual_order_that_is_named_like_ours_is_none_of_ours(house, name):
    """It passed: what is ours was told by the shape of its id."""
    bought(house)
    house.account().submit(OrderRequest(name, "IBM", "buy", 10))
    message = stopped(house, SECOND)
    assert f"- order {name}: buy 10 IBM, filled, 10 filled; it is not one of ours" in message
    assert len(sent(house)) == 2


def test_an_order_sent_before_ours_under_our_id_is_none_of_ours(house):
    bought(house)
    red = house.account()
    red.at_close_of(date.fromisoformat(SECOND))
    red.submit(OrderRequest("red-20130225-IBM-buy-1", "IBM", "buy", 400))
    assert "- order red-20130225-IBM-buy-1: buy 400 IBM, accepted" in stopped(house, SECOND)


def test_orders_of_sessions_from_before_they_were_written_down_are_known_by_their_records(house):
    bought(house)
    for info in list(house.store.store.list(".trading/sent/")):
        house.store.store.delete(info.key)
    assert trade(house, SECOND).success


def test_a_damaged_record_of_what_was_sent_stops_the_team_and_names_it(house):
    bought(house)
    [info] = house.store.store.list(".trading/sent/red/")
    house.store.store.put(info.key, b"[1]")
    assert f"{info.key} of what was sent is damaged" in stopped(house, SECOND)


def test_a_fresh_account_is_taken_as_it_is_also_after_a_reset(house):
    red = house.account()
    red.at_close_of(date(2013, 2, 21))
    red.submit(OrderRequest("from-before", "AAPL", "buy", 3))
    bought(house)
    house.broker.reset("red")
    predict(house, SECOND, AAPL=0.01)
    assert trade(house, SECOND).success
    assert record(house, SECOND)["plan"]["snapshot"]["held"] == {}


def test_orders_that_were_open_when_the_account_became_ours_may_fill(house):
    predict(house, FIRST, AAPL=0.01)
    predict(house, SECOND, AAPL=0.01)
    red = house.account()
    red.at_close_of(date.fromisoformat(FIRST))
    red.submit(OrderRequest("from-before", "IBM", "buy", 3))
    assert trade(house, FIRST).success
    assert trade(house, SECOND).success


def test_a_damaged_record_stops_the_team_and_can_be_accepted_away(house):
    bought(house)
    [info] = house.store.store.list(".trading/books/red/")
    house.store.store.put(info.key, b"{}")
    message = stopped(house, SECOND)
    assert "is damaged" in message
    assert "--accept" in message
    accept(house.store, "red", house.account(), "me", "the disk was full")
    assert trade(house, SECOND).success


def test_in_shadow_nobody_is_stopped(house):
    bought(house)
    red = house.platform.teams["red"]
    shadow = red.trading.model_copy(update={"mode": "shadow"})
    house.platform.teams["red"] = red.model_copy(update={"trading": shadow})
    house.account().submit(OrderRequest("by-hand", "IBM", "buy", 1))
    assert trade(type(house)(house.platform, house.settings), SECOND).success


def test_a_reset_account_has_another_id(open_house):  # noqa: F811
    made = open_house()
    red = made.team()
    before = red.account().id
    made.admin.reset("red", Decimal(5000))
    assert red.account().id not in ("", before)
