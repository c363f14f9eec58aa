"""The real alpaca-trade-api client, as its users write it, against the bundled broker: one test per route."""

import json

import pytest
import requests
from alpaca_trade_api import REST
from alpaca_trade_api.rest import APIError

from my_dagster_project.errors import BrokerError
from tests.broker.market import FIRST, SECOND


@pytest.fixture
def client(house):
    house.team().at_close_of(FIRST)
    client = REST("PKred", "secret-of-red", base_url=house.url)
    client._retry = 0
    return client


@pytest.fixture
def later(house, client):
    """Buy 10 AAPL and move to the close of the second session."""
    client.submit_order("AAPL", qty=10, client_order_id="one")
    house.team().at_close_of(SECOND)
    return client


def refusal(call):
    with pytest.raises(APIError) as caught:
        call()
    return caught.value.status_code, caught.value.code, str(caught.value)


def test_account_holds_money_as_strings(client):
    raw = client.get_account()._raw
    assert (raw["cash"], raw["equity"], raw["buying_power"]) == ("100000", "100000", "200000")
    assert raw["status"] == "ACTIVE"
    assert raw["trading_blocked"] is False


def test_clock_stands_after_the_close_and_names_the_next_open(client):
    clock = client.get_clock()
    assert clock.is_open is False
    assert str(clock.next_open) == "2012-12-31 09:30:00-05:00"


def test_calendar_lists_sessions_with_both_ends(client):
    days = client.get_calendar("2012-12-31", "2013-01-02")
    assert [(str(day._raw["date"]), day._raw["open"], day._raw["close"]) for day in days] == [
        ("2012-12-31", "09:30", "16:00"),
        ("2013-01-02", "09:30", "16:00"),
    ]


def test_an_order_is_accepted_then_filled_at_the_next_open_with_costs(later):
    order = later.get_order_by_client_order_id("one")
    assert (order.status, order.qty, order.filled_qty, order.filled_avg_price) == (
        "filled",
        "10",
        "10",
        "100.05",
    )
    assert str(order.filled_at) == "2012-12-31 14:30:00+00:00"
    assert later.get_order(order.id)._raw == order._raw
    assert later.get_account().cash == "98999.5"


def test_positions_and_one_position(later):
    assert [p.symbol for p in later.list_positions()] == ["AAPL"]
    position = later.get_position("AAPL")
    assert (position.qty, position.avg_entry_price, position.market_value) == ("10", "100.05", "1000")
    assert refusal(lambda: later.get_position("IBM")) == (404, 40410000, "position does not exist")


def test_orders_are_listed_by_status_side_symbol_and_time(later):
    sent = later.submit_order("IBM", qty="1", client_order_id="two")
    assert [o.client_order_id for o in later.list_orders()] == ["two"]
    assert [o.client_order_id for o in later.list_orders(status="closed")] == ["one"]
    assert [o.client_order_id for o in later.list_orders(status="all", direction="asc")] == ["one", "two"]
    assert [o.client_order_id for o in later.list_orders(status="all", symbols=["IBM"])] == ["two"]
    assert later.list_orders(status="all", side="sell") == []
    assert [o.client_order_id for o in later.list_orders(status="all", until=sent._raw["submitted_at"])] == [
        "one"
    ]
    assert len(later.list_orders(status="all", limit=1)) == 1


def test_cancel_one_and_all(client):
    first = client.submit_order("AAPL", qty=1, client_order_id="one")
    client.submit_order("IBM", qty=1, client_order_id="two")
    client.cancel_order(first.id)
    assert client.get_order(first.id).status == "canceled"
    assert refusal(lambda: client.cancel_order(first.id))[0] == 422
    client.cancel_all_orders()
    assert client.list_orders() == []
    assert client.get_account().buying_power == "200000"


def test_fills_are_paged_by_id(later):
    later.submit_order("IBM", qty=1, client_order_id="two")
    later.submit_order("AAPL", qty=4, side="sell", client_order_id="three")
    later._request("POST", "/clock", {"session": "2013-01-02"}, api_version="paper/v1")
    fills = later.get_activities("FILL", direction="asc")
    assert [(f.side, f.qty, f.symbol) for f in fills] == [
        ("buy", "10", "AAPL"),
        ("sell", "4", "AAPL"),
        ("buy", "1", "IBM"),
    ]
    assert [f.id for f in later.get_activities(["FILL"])] == [f.id for f in reversed(fills)]
    page = later.get_activities("FILL", direction="asc", page_size=1, page_token=fills[0].id)
    assert [f.id for f in page] == [fills[1].id]
    assert refusal(lambda: later.get_activities("DIV"))[0] == 422


def test_portfolio_history_has_a_point_per_session(later):
    raw = later.get_portfolio_history(timeframe="1D")._raw
    assert raw["equity"] == [100000.0, 99999.5]
    assert raw["profit_loss"] == [0.0, -0.5]
    assert raw["base_value"] == 100000.0


@pytest.mark.parametrize(
    ("order", "status", "words"),
    [
        ({"symbol": "AAPL", "qty": 2001}, 403, "insufficient buying power"),
        ({"symbol": "AAPL", "qty": 1, "side": "sell"}, 403, "insufficient qty available for order"),
        ({"symbol": "NOPE", "qty": 1}, 422, "asset NOPE not found"),
        ({"symbol": "AAPL", "qty": "1.5"}, 422, "fractional"),
        ({"symbol": "AAPL", "qty": 0}, 422, "qty must be > 0"),
        ({"symbol": "AAPL", "qty": "many"}, 422, "not a number"),
        ({"symbol": "AAPL", "notional": 100}, 422, "notional"),
        ({"symbol": "AAPL", "qty": 1, "type": "limit", "limit_price": "90"}, 422, "limit_price"),
        ({"symbol": "AAPL", "qty": 1, "time_in_force": "gtc"}, 422, "for the day only"),
        ({"symbol": "AAPL", "qty": 1, "side": "hold"}, 422, "side"),
        ({"symbol": "AAPL", "qty": 1, "client_order_id": "x" * 49}, 422, "client_order_id"),
    ],
)
def test_an_order_that_cannot_be_is_refused_in_alpacas_way(client, order, status, words):
    answered, code, message = refusal(lambda: client.submit_order(**order))
    assert answered == status
    assert isinstance(code, int)
    assert words in message
    assert client.list_orders(status="all") == []


def test_buying_power_body_and_reservation(client):
    client.submit_order("AAPL", qty=1500)
    with pytest.raises(APIError) as caught:
        client.submit_order("AAPL", qty=501)
    assert caught.value._error["buying_power"] == "50000"
    assert caught.value._error["cost_basis"] == "50100"


def test_opposite_sides_open_at_once_are_a_wash_trade(later):
    later.submit_order("AAPL", qty=1)
    assert refusal(lambda: later.submit_order("AAPL", qty=1, side="sell"))[2].startswith(
        "potential wash trade"
    )


def test_shares_are_reserved_by_open_sells(later):
    later.submit_order("AAPL", qty=6, side="sell")
    assert later.get_position("AAPL").qty_available == "4"
    assert "available: 4" in refusal(lambda: later.submit_order("AAPL", qty=5, side="sell"))[2]


def test_a_client_order_id_is_unique_for_ever(later):
    assert refusal(lambda: later.submit_order("AAPL", qty=10, client_order_id="one")) == (
        422,
        42210000,
        "client_order_id must be unique",
    )


def test_unknown_things_are_404_and_wrong_keys_401(house, client):
    assert refusal(lambda: client.get_order("nope"))[:2] == (404, 40410000)
    assert refusal(lambda: client.get_order_by_client_order_id("nope"))[:2] == (404, 40410000)
    assert refusal(lambda: client.get("/watchlists"))[0] == 404
    for key, secret in (("PKred", "wrong"), ("nobody", "secret-of-red")):
        stranger = REST(key, secret, base_url=house.url)
        assert refusal(stranger.get_account) == (401, 40110000, "request is not authorized")
    assert requests.get(f"{house.url}/v2/account", timeout=5).status_code == 401


def test_unknown_parameters_and_broken_bodies_are_422(house, client):
    assert "unknown query parameter 'colour'" in refusal(lambda: client.get("/orders", {"colour": "red"}))[2]
    assert refusal(lambda: client.get("/orders", {"status": "pending"}))[0] == 422
    assert refusal(lambda: client.get("/orders", {"limit": 501}))[0] == 422
    assert refusal(lambda: client.get("/orders", {"after": "yesterday"}))[0] == 422
    headers = {"APCA-API-KEY-ID": "PKred", "APCA-API-SECRET-KEY": "secret-of-red"}
    for body in (b"{", b"[]", b"null", json.dumps({"symbol": "AAPL"}).encode()):
        answer = requests.post(f"{house.url}/v2/orders", data=body, headers=headers, timeout=5)
        assert (answer.status_code, answer.json()["code"]) == (422, 40010001)


def test_the_organisers_routes_need_the_token_and_never_repeat_a_secret(house):
    url = f"{house.url}/paper/v1/accounts"
    account = {"team": "green", "key": "k", "secret": "hush", "starting_cash": "1"}
    assert requests.post(url, json=account, timeout=5).status_code == 403
    with pytest.raises(BrokerError) as caught:
        house.admin.ensure_account("Not A Team", "k", "hush", 1)
    assert "hush" not in str(caught.value)
    house.team("blue")
    with pytest.raises(BrokerError, match="already belongs to team blue"):
        house.admin.ensure_account("green", "PKblue", "hush", 1)


def test_only_a_hash_of_the_secret_is_kept(house, tmp_path):
    house.team().at_close_of(FIRST)
    house.server.stop()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("broker.sqlite*"))
    assert b"PKred" in stored
    assert b"secret-of-red" not in stored
