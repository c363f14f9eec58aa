"""The adapter: endpoints, errors in words, at most one order whatever goes wrong."""

import time

import pytest

from my_dagster_project.foundation.errors import BrokerError, OrderOutcomeUnknownError
from my_dagster_project.trading.alpaca import AlpacaBroker
from my_dagster_project.trading.broker import (
    BrokerRefusedError,
    BrokerUnreachableError,
    OrderRequest,
    SessionPassedError,
)
from tests.paper_broker.market import FIRST, SECOND, SESSIONS, THIRD
from tests.support.accounts import fills
from tests.support.loopback import Reply, serving

BUY = OrderRequest("red-20121228-AAPL-buy-1", "AAPL", "buy", 10)


@pytest.fixture
def red(house):
    broker = house.team()
    broker.at_close_of(FIRST)
    return broker


def test_environment_variables_cannot_bring_retries_or_another_account_back(monkeypatch, house):
    monkeypatch.setenv("APCA_RETRY_MAX", "5")
    monkeypatch.setenv("APCA_API_OAUTH_TOKEN", "somebody-else")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    broker = house.team()
    broker.at_close_of(FIRST)
    assert broker.account().cash == 100_000
    assert broker._transport._client._retry == 0


def test_keys_are_in_no_text(house):
    broker = AlpacaBroker(house.url, "PKxx", "very-secret", team="red")
    with pytest.raises(BrokerRefusedError) as caught:
        broker.account()
    text = f"{caught.value!r} {caught.value} {broker!r}"
    assert "team red, account" in text
    assert "401" in text
    assert "check them in .env.secrets" in text
    assert "PKxx" not in text
    assert "very-secret" not in text


def test_submitting_twice_gives_the_order_that_is_there(red):
    first, second = red.submit(BUY), red.submit(BUY)
    assert (first.already_there, second.already_there) == (False, True)
    assert first.id == second.id
    assert len(red.orders()) == 1


def test_a_sell_sent_twice_is_recognised_although_its_shares_are_taken(red):
    red.submit(BUY)
    red.at_close_of(SECOND)
    sell = OrderRequest("red-20121231-AAPL-sell-1", "AAPL", "sell", 10)
    assert red.submit(sell).already_there is False
    assert red.submit(sell).already_there is True


@pytest.mark.parametrize("kind", ["504_after_accept", "hang"])
def test_an_answer_lost_after_acceptance_gives_exactly_one_order(house, kind):
    red = house.team(timeout=0.3)
    red.at_close_of(FIRST)
    house.admin.fault(kind, seconds=0.8)
    assert red.submit(BUY).client_order_id == BUY.client_order_id
    assert len(red.orders()) == 1


def test_a_500_leaves_the_outcome_unknown_and_is_never_posted_again(house, red):
    house.admin.fault("500")
    with pytest.raises(OrderOutcomeUnknownError, match=r"buy 10 AAPL .*run the session again"):
        red.submit(BUY)
    assert red.orders() == []
    assert red.submit(BUY).already_there is False


def test_a_504_whose_order_cannot_be_asked_for_is_unknown_and_found_later(house, red):
    house.admin.fault("504_after_accept")
    house.admin.fault("500", method="GET", times=3)
    with pytest.raises(OrderOutcomeUnknownError, match="asking for it failed too"):
        red.submit(BUY)
    assert red.submit(BUY).already_there is True


def test_429_is_waited_out_for_orders_and_reads(house, red):
    house.admin.fault("429", times=2)
    house.admin.fault("429", method="GET", path="/v2/account", times=2)
    assert red.submit(BUY).status == "accepted"
    assert red.account().buying_power == 199_000


def test_a_read_is_repeated_and_then_given_up_in_words(house, red):
    house.admin.fault("500", method="GET", path="/v2/positions", times=2)
    assert red.positions() == []
    house.admin.fault("500", method="GET", path="/v2/positions", times=3)
    with pytest.raises(BrokerUnreachableError, match=r"team red, positions: .*HTTP 500.*try again later"):
        red.positions()


def test_a_broker_that_is_down_is_unreachable_and_not_unknown():
    broker = AlpacaBroker("http://127.0.0.1:9", "k", "s", team="red", sleep=lambda seconds: None)
    with pytest.raises(BrokerUnreachableError, match="cannot be reached"):
        broker.submit(BUY)


def test_a_silent_broker_costs_the_timeout_and_no_more(house):
    red = house.team(timeout=0.2)
    red.at_close_of(FIRST)
    house.admin.fault("hang", method="GET", path="/v2/account", times=3, seconds=1.5)
    started = time.monotonic()
    with pytest.raises(BrokerUnreachableError, match="in time"):
        red.account()
    assert time.monotonic() - started < 1.5


def test_a_refusal_names_team_order_status_and_the_brokers_words(red):
    with pytest.raises(BrokerRefusedError) as caught:
        red.submit(OrderRequest("red-1", "AAPL", "buy", 5000))
    assert caught.value.http_status == 403
    assert caught.value.code == 40310000
    for word in ("team red", "buy 5000 AAPL", "403", "insufficient buying power"):
        assert word in str(caught.value)


def test_orders_since_a_session_and_fills_and_equity(red):
    red.submit(BUY)
    red.at_close_of(SECOND)
    red.submit(OrderRequest("red-2", "AAPL", "sell", 3))
    red.at_close_of(THIRD)
    assert [order.client_order_id for order in red.orders()] == [BUY.client_order_id, "red-2"]
    assert [order.client_order_id for order in red.orders(since=SECOND)] == ["red-2"]
    assert [fill.qty for fill in fills(red)] == [10, -3]
    assert [point.session for point in red.equity_history()] == SESSIONS[:3]


def test_paging_loses_no_order_and_no_fill(house, monkeypatch):
    monkeypatch.setattr("my_dagster_project.trading.alpaca.PAGE", 3)
    monkeypatch.setattr("my_dagster_project.trading.alpaca.ACTIVITY_PAGE", 3)
    red = house.team()
    red.at_close_of(FIRST)
    for number in range(9):
        red.submit(OrderRequest(f"red-{number}", "AAPL", "buy", 1))
    assert [order.client_order_id for order in red.orders()] == [f"red-{n}" for n in range(9)]
    red.at_close_of(SECOND)
    assert len({fill.order_id for fill in fills(red)}) == 9


def test_the_bundled_clock_only_goes_forward_and_says_which_session_is_due(red):
    red.at_close_of(SECOND)
    red.at_close_of(SECOND)
    with pytest.raises(SessionPassedError, match=r"2012-12-31.*the session due is 2013-01-02") as caught:
        red.at_close_of(FIRST)
    assert caught.value.stands_after == SECOND


@pytest.mark.parametrize(
    ("day", "words"), [("2013-01-01", "is no session"), ("2013-01-10", "bars end at 2013-01-08")]
)
def test_a_day_without_a_session_or_without_bars_is_refused(red, day, words):
    with pytest.raises(BrokerRefusedError, match=words):
        red.at_close_of(type(FIRST).fromisoformat(day))


def test_against_alpacas_own_clock_only_the_session_that_just_closed_is_traded(house, red):
    # The bundled broker seen through the plain adapter is a broker whose clock we do not move.
    plain = AlpacaBroker(house.url, "PKred", "secret-of-red", team="red")
    plain.at_close_of(FIRST)
    with pytest.raises(BrokerError, match=r"session 2012-12-31: .*session due is 2012-12-28"):
        plain.at_close_of(SECOND)


@pytest.fixture
def babbler():
    """A server that answers 200 with things Alpaca would never say."""

    with serving(Reply("<html>maintenance</html>")) as server:
        yield AlpacaBroker(server.url, "k", "s", team="red", sleep=lambda s: None), server


def test_an_answer_that_is_not_json_or_no_account_is_said_so(babbler):
    broker, server = babbler
    with pytest.raises(BrokerUnreachableError, match="the answer broke"):
        broker.account()
    with pytest.raises(OrderOutcomeUnknownError):
        broker.submit(BUY)
    server.replies = (Reply('{"id": "1", "cash": "lots"}'),)
    with pytest.raises(BrokerError, match="no account"):
        broker.account()
    with pytest.raises(BrokerError, match="no clock"):
        broker.at_close_of(FIRST)


def test_nothing_is_sent_while_the_exchange_is_open(babbler):
    broker, server = babbler
    server.replies = (Reply('{"is_open": true, "next_open": "2012-12-31T09:30:00-05:00"}'),)
    with pytest.raises(BrokerError, match="the exchange is open; orders are sent after the close"):
        broker.at_close_of(FIRST)
