"""Alpaca's API as its two real clients speak it, against the bundled broker: orders, taken or refused."""

from decimal import Decimal

import pytest
import requests

from tests.paper_broker.drivers import refusal
from tests.paper_broker.market import SECOND, THIRD


@pytest.fixture
def red(house):
    return house.team()


def test_an_order_is_accepted_then_filled_at_the_next_open_with_costs(client, red):
    sent = client.submit("AAPL", qty=10, client_order_id="one")
    assert (sent["status"], sent["filled_qty"], sent["filled_at"]) == ("accepted", "0", None)
    red.at_close_of(SECOND)
    order = client.order_by_client_id("one")
    assert order["status"] == "filled"
    assert (order["qty"], order["filled_qty"], order["filled_avg_price"]) == ("10", "10", "100.05")
    assert order["filled_at"].startswith("2012-12-31T14:30:00")
    assert client.order(order["id"]) == order
    assert client.account()["cash"] == "98999.5"


def test_cancel_one_and_all(client):
    first = client.submit("AAPL", qty=1, client_order_id="one")
    second = client.submit("IBM", qty=1, client_order_id="two")
    client.cancel(first["id"])
    assert client.order(first["id"])["status"] == "canceled"
    assert refusal(client, lambda: client.cancel(first["id"]))[:3] == (
        422,
        42210000,
        'order is already in "canceled" state',
    )
    assert client.cancel_all() == [{"id": second["id"], "status": 200}]
    assert client.orders() == []
    assert client.account()["buying_power"] == "200000"


def test_positions_are_closed_by_orders(later, red):
    assert later.close("AAPL", qty=4)["qty"] == "4"
    [closed] = later.close_all()
    assert (closed["symbol"], closed["status"], closed["body"]["code"]) == ("AAPL", 403, 40310000)
    later.cancel_all()
    assert [one["body"]["qty"] for one in later.close_all()] == ["10"]
    red.at_close_of(THIRD)
    assert later.positions() == []
    assert refusal(later, lambda: later.close("AAPL"))[0] == 404


def test_a_part_of_a_position_is_never_closed_as_the_whole(house, later):
    """`percentage` in a body was ignored, and all was sold; alpaca-py sends it in the query."""
    headers = {"APCA-API-KEY-ID": "PKred", "APCA-API-SECRET-KEY": "secret-of-red"}
    for how in (
        {"params": {"percentage": "50"}},
        {"json": {"percentage": 50}},
        {"json": {"qty": "1", "x": 1}},
    ):
        answer = requests.delete(f"{house.url}/v2/positions/AAPL", headers=headers, timeout=5, **how)
        assert answer.status_code == 422
        assert "closes a position whole or by qty, not by " in answer.json()["message"]
    assert later.orders() == []


def test_a_partial_fill_by_lot_is_two_executions_and_a_commission_is_a_fee(house, client, red):
    house.team(cost_bps=0, partial_fills="1", seed=7, commission="0.01")
    client.submit("AAPL", qty=100, client_order_id="one")
    red.at_close_of(SECOND)
    first, second = client.activities("FILL", direction="asc")
    assert (first["type"], first["order_status"]) == ("partial_fill", "partially_filled")
    assert (second["type"], second["leaves_qty"], second["cum_qty"]) == ("fill", "0", "100")
    assert int(first["qty"]) + int(second["qty"]) == 100 > int(first["leaves_qty"]) > 0
    assert client.order_by_client_id("one")["filled_avg_price"] == "100"
    fees = [Decimal(fee["net_amount"]) for fee in client.activities("FEE")]
    assert (sum(fees), client.account()["cash"]) == (-1, "89999")


def test_a_limit_order_fills_at_its_limit_or_better_or_expires(client, red):
    client.submit("AAPL", qty=1, type="limit", limit_price=101.25, client_order_id="better")
    client.submit("IBM", qty=1, type="limit", limit_price=49, client_order_id="never")
    assert client.order_by_client_id("never")["limit_price"] == "49"
    red.at_close_of(SECOND)
    assert client.order_by_client_id("better")["filled_avg_price"] == "100.05"
    never = client.order_by_client_id("never")
    assert (never["status"], never["filled_qty"]) == ("expired", "0")
    assert never["expired_at"].startswith("2012-12-31T21:00:00")


def test_fractions_of_a_share_and_orders_in_dollars(client, red):
    client.submit("AAPL", qty=1.5, client_order_id="part")
    sent = client.submit("IBM", notional=1000, client_order_id="dollars")
    assert (sent["qty"], sent["notional"]) == (None, "1000")
    assert client.account()["buying_power"] == "198850"
    red.at_close_of(SECOND)
    assert client.position("AAPL")["qty"] == "1.5"
    filled = client.order_by_client_id("dollars")
    # 50.25 x 1.0005 = 50.2751 a share.
    assert (filled["filled_qty"], filled["filled_avg_price"]) == ("19.890562127", "50.2751")
    client.submit("IBM", side="sell", notional=100)
    assert "order" in refusal(client, lambda: client.submit("IBM", notional=10))[2]
    red.at_close_of(THIRD)
    assert Decimal("17.89") < Decimal(client.position("IBM")["qty"]) < Decimal("17.91")


LEGS = {"take_profit": {"limit_price": 110}, "stop_loss": {"stop_price": 90}}


@pytest.mark.parametrize(
    ("order", "status", "words"),
    [
        ({"qty": 2001}, 403, "insufficient buying power"),
        ({"qty": 1, "side": "sell"}, 403, "insufficient qty available for order"),
        ({"symbol": "NOPE", "qty": 1}, 422, "asset NOPE not found"),
        ({"qty": 0}, 422, "qty must be > 0"),
        ({"qty": -1}, 422, "qty must be > 0"),
        ({"qty": "many"}, 422, "not a number"),
        ({}, 422, "qty or notional is required"),
        ({"qty": 1, "notional": 10}, 422, "only one of qty or notional"),
        ({"notional": "10.001"}, 422, "2 decimal places"),
        ({"notional": "0.5"}, 403, "cost basis must be >= minimal amount of order 1"),
        ({"qty": "0.0000000001"}, 422, "9 decimal places"),
        ({"qty": 1, "limit_price": "90"}, 422, "market orders require no stop or limit price"),
        ({"qty": 1, "type": "limit"}, 422, "limit orders require limit price"),
        ({"qty": 1, "type": "limit", "limit_price": "90.005"}, 422, "sub-penny increment"),
        ({"qty": 1, "type": "limit", "limit_price": "0.00005"}, 422, "sub-penny increment"),
        ({"qty": 1, "type": "stop", "stop_price": 90}, 422, "not stop"),
        ({"qty": 1, "type": "limit", "limit_price": 1, "stop_price": 90}, 422, "require no stop_price"),
        ({"qty": 1, "trail_percent": 5}, 422, "market orders require no trail_percent"),
        ({"qty": 1, "order_class": "bracket", **LEGS}, 422, "only, not bracket, take_profit, stop_loss"),
        ({"qty": 1, "order_class": "oco"}, 422, "simple orders only, not oco"),
        ({"qty": 1, "order_class": "oto", "stop_loss": {}}, 422, "simple orders only, not oto, stop_loss"),
        ({"qty": 1, "stop_loss": {"stop_price": 90}}, 422, "simple orders only, not stop_loss"),
        ({"symbol": None, "side": None, "order_class": "mleg", "legs": []}, 422, "not mleg, legs"),
        ({"qty": 1, "time_in_force": "gtc"}, 422, "not gtc"),
        ({"qty": 1, "time_in_force": "opg"}, 422, "takes time_in_force day, not opg"),
        ({"qty": 1, "extended_hours": True}, 422, "extended hours"),
        ({"qty": 1, "side": "hold"}, 422, "side"),
        ({"qty": 1, "colour": "red"}, 422, "colour"),
        ({"qty": 1, "client_order_id": "x" * 49}, 422, "client_order_id"),
    ],
)
def test_an_order_that_cannot_be_is_refused_in_alpacas_way(client, order, status, words):
    body = {"symbol": "AAPL", "side": "buy", "type": "market", "time_in_force": "day", **order}
    answered, code, message, _ = refusal(client, lambda: client.post("/orders", body))
    assert answered == status
    assert code in {403: (40310000,), 422: (42210000, 40010001)}[status]
    assert words in message
    assert client.orders(status="all") == []


def test_a_blocked_account_says_so_and_takes_no_order(house, client):
    house.admin.block("red")
    assert client.account()["trading_blocked"] is True
    assert refusal(client, lambda: client.submit("AAPL", qty=1))[:2] == (403, 40310000)
    house.admin.block("red", blocked=False)
    assert client.submit("AAPL", qty=1)["status"] == "accepted"


def test_buying_power_body_and_reservation(client):
    client.submit("AAPL", qty=1500)
    body = refusal(client, lambda: client.submit("AAPL", qty=501))[3]
    assert (body["buying_power"], body["cost_basis"]) == ("50000", "50100")
    client.submit("AAPL", qty=500, type="limit", limit_price=99)
    assert client.account()["buying_power"] == "500"


def test_opposite_sides_that_could_trade_with_each_other_are_a_wash_trade(later):
    later.submit("AAPL", qty=1, type="limit", limit_price=99)
    assert refusal(later, lambda: later.submit("AAPL", qty=1, side="sell"))[1:3] == (
        40310000,
        "potential wash trade detected. use complex orders",
    )
    too_low = {"side": "sell", "type": "limit", "limit_price": 99}
    assert refusal(later, lambda: later.submit("AAPL", qty=1, **too_low))[0] == 403
    assert later.submit("AAPL", qty=1, **{**too_low, "limit_price": 99.01})["status"] == "accepted"
    assert refusal(later, lambda: later.submit("AAPL", notional=10))[2].startswith(
        "unable to open new notional"
    )


def test_shares_are_reserved_by_open_sells(later):
    later.submit("AAPL", qty=6, side="sell")
    assert later.position("AAPL")["qty_available"] == "4"
    body = refusal(later, lambda: later.submit("AAPL", qty=5, side="sell"))[3]
    assert (body["available"], body["existing_qty"], body["held_for_orders"]) == ("4", "10", "6")


def test_a_client_order_id_is_unique_for_ever(client):
    sent = client.submit("AAPL", qty=10, client_order_id="one")
    for _ in ("while it is open", "after it was canceled"):
        again = refusal(client, lambda: client.submit("AAPL", qty=10, client_order_id="one"))
        assert again[:3] == (422, 42210000, "client_order_id must be unique")
        if client.order(sent["id"])["status"] == "accepted":
            client.cancel(sent["id"])
