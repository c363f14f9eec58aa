"""The road to a broker in the same process: what the real client meets there is what it meets over a network."""

import os
import sqlite3
from functools import partial
from urllib.parse import unquote, urlsplit

import pytest
from requests import Request

from my_dagster_project.foundation.errors import BrokerError, OrderOutcomeUnknownError
from my_dagster_project.paper_broker.api import create_app
from my_dagster_project.paper_broker.client import AccountTerms, BundledBroker, PaperAdmin
from my_dagster_project.paper_broker.embedded import EmbeddedBroker
from my_dagster_project.paper_broker.in_process import ADDRESS, session_to
from my_dagster_project.trading.broker import BrokerRefusedError, BrokerUnreachableError, OrderRequest
from tests.paper_broker.market import CALENDAR, CASH, FIRST, SECOND, make_feed

BUY = OrderRequest("red-20121228-AAPL-buy-1", "AAPL", "buy", 9)


@pytest.fixture
def organiser(tmp_path):
    app = create_app(tmp_path / "broker.sqlite", make_feed(), CALENDAR, "token")
    road = partial(session_to, app, 0.3)
    yield PaperAdmin(ADDRESS, "token", road=road), road
    app.state.store.close()


@pytest.fixture
def red(organiser):
    admin, road = organiser
    admin.ensure_account("red", "PKred", "secret-of-red", CASH)
    red = BundledBroker(ADDRESS, "PKred", "secret-of-red", team="red", road=road, sleep=lambda seconds: None)
    red.at_close_of(FIRST)
    return red


def test_an_order_goes_in_fills_and_is_told(red):
    assert red.submit(BUY).status == "accepted"
    assert red.submit(BUY).already_there
    red.at_close_of(SECOND)
    assert [(order.status, order.filled_qty) for order in red.orders()] == [("filled", 9)]
    assert red.order_by_client_id("nobody's") is None
    with pytest.raises(BrokerRefusedError, match="insufficient qty"):
        red.submit(OrderRequest("two", "AAPL", "sell", 10))


@pytest.mark.parametrize("kind", ["hang", "half_open", "504_after_accept"])
def test_an_answer_that_is_late_or_breaks_off_leaves_one_order_that_is_found(organiser, red, kind):
    organiser[0].fault(kind, seconds=5 if kind == "hang" else 0)
    assert red.submit(BUY).status == "accepted"
    assert len(red.orders()) == 1


def test_a_read_that_is_never_answered_is_asked_three_times(organiser, red):
    organiser[0].fault("hang", method="GET", path="/v2/account", seconds=5, times=3)
    with pytest.raises(BrokerUnreachableError, match="did not answer in time"):
        red.account()
    assert red.account().cash == CASH


def test_what_breaks_inside_is_a_500_and_no_orders_refusal(red, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("my_dagster_project.paper_broker.order_entry._check_wash_trade", broken)
    with pytest.raises(OrderOutcomeUnknownError, match="Internal Server Error"):
        red.submit(BUY)
    monkeypatch.undo()
    assert red.orders() == []


def test_a_query_is_written_as_over_a_network(organiser):
    heard = []

    async def app(scope, receive, send):
        heard.append((scope["path"], scope["query_string"].decode()))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    asked = {"after": "2013-01-02T21:00:00.5+00:00", "limit": 500, "nested": False, "until": None}
    session_to(app, 1).request("GET", f"{ADDRESS}/v2/orders:by a name", asked)
    url = urlsplit(Request("GET", f"{ADDRESS}/v2/orders:by a name", params=asked).prepare().url)
    assert heard == [(unquote(url.path), url.query)]


def test_wrong_keys_and_a_wrong_token_are_refused(organiser):
    stranger = BundledBroker(
        ADDRESS, "PKred", "no", team="red", road=organiser[1], sleep=lambda seconds: None
    )
    with pytest.raises(BrokerRefusedError, match="401"):
        stranger.account()
    with pytest.raises(BrokerError, match="only the organiser"):
        PaperAdmin(ADDRESS, "guessed", road=organiser[1]).reset("red", CASH)


def test_a_fork_goes_on_with_a_connection_of_its_own(tmp_path):
    broker = EmbeddedBroker(tmp_path / "home", make_feed(), CALENDAR, AccountTerms(1_000, 0))
    broker.open("red").at_close_of(FIRST)
    if (child := os.fork()) == 0:
        broker.open("red").at_close_of(SECOND)
        os._exit(0 if broker.open("red").submit(BUY).status == "accepted" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert len(broker.open("red").orders()) == 1
    with sqlite3.connect(tmp_path / "home" / "accounts.sqlite") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
