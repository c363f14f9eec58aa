"""Alpaca's API as its two real clients, alpaca-trade-api and alpaca-py, speak it, against the bundled broker: what is asked."""

import json
from datetime import UTC, datetime

import pytest
import requests

from my_dagster_project.foundation.errors import BrokerError
from tests.paper_broker.drivers import refusal
from tests.paper_broker.market import FIRST, SECOND, THIRD


@pytest.fixture
def red(house):
    return house.team()


def names(orders):
    return [order["client_order_id"] for order in orders]


def test_account_holds_money_as_strings_and_no_day_trading_fields(client):
    raw = client.account()
    assert (raw["cash"], raw["equity"], raw["buying_power"]) == ("100000", "100000", "200000")
    assert (raw["status"], raw["multiplier"], raw["trading_blocked"]) == ("ACTIVE", "2", False)
    gone = {"pattern_day_trader", "daytrade_count", "daytrading_buying_power"}
    assert not gone & set(raw)


def test_clock_stands_after_the_close_and_names_the_next_open(client):
    clock = client.clock()
    assert clock["is_open"] is False
    assert clock["next_open"] == "2012-12-31T09:30:00-05:00"
    assert clock["next_close"] == "2012-12-31T16:00:00-05:00"


def test_calendar_lists_sessions_with_both_ends(client):
    days = client.calendar(SECOND, THIRD)
    assert [(day["date"], day["open"], day["close"]) for day in days] == [
        ("2012-12-31", "09:30", "16:00"),
        ("2013-01-02", "09:30", "16:00"),
    ]


def test_positions_and_one_position(later):
    assert [position["symbol"] for position in later.positions()] == ["AAPL"]
    position = later.position("AAPL")
    assert (position["qty"], position["avg_entry_price"], position["market_value"]) == (
        "10",
        "100.05",
        "1000",
    )
    assert (position["lastday_price"], position["unrealized_pl"], position["exchange"]) == (
        "100",
        "-0.5",
        "NYSE",
    )
    assert refusal(later, lambda: later.position("IBM"))[:3] == (404, 40410000, "position does not exist")


def test_orders_are_listed_by_status_side_symbol_and_time(later):
    later.submit("IBM", qty=1, client_order_id="two")
    assert names(later.orders()) == ["two"]
    assert names(later.orders(status="closed")) == ["one"]
    assert names(later.orders(status="all", direction="asc")) == ["one", "two"]
    assert names(later.orders(status="all", symbols=["IBM"])) == ["two"]
    assert later.orders(status="all", side="sell") == []
    assert names(later.orders(status="all", until="2012-12-31T21:00:00Z")) == ["one"]
    assert names(later.orders(status="all", after="2012-12-31T21:00:00Z")) == ["two"]
    assert len(later.orders(status="all", limit=1)) == 1


def test_fills_are_paged_by_id(later, red):
    later.submit("IBM", qty=1, client_order_id="two")
    later.submit("AAPL", qty=4, side="sell", client_order_id="three")
    red.at_close_of(THIRD)
    fills = later.activities("FILL", direction="asc")
    assert [(fill["side"], fill["qty"], fill["symbol"]) for fill in fills] == [
        ("buy", "10", "AAPL"),
        ("sell", "4", "AAPL"),
        ("buy", "1", "IBM"),
    ]
    newest_first = later.activities("FILL")
    assert [one["id"] for one in newest_first] == [one["id"] for one in reversed(fills)]
    page = later.activities("FILL", direction="asc", page_size=1, page_token=fills[0]["id"])
    assert [one["id"] for one in page] == [fills[1]["id"]]
    assert later.activities("FILL", date=SECOND.isoformat()) == fills[:1]
    assert later.activities("DIV") == []
    assert [one["id"] for one in later.activities("FILL,DIV")] == [one["id"] for one in newest_first]
    status, _, words, _ = refusal(later, lambda: later.activities("FILL,INT"))
    assert (status, words) == (
        422,
        "invalid activity type 'INT'; the bundled broker knows FILL, SPLIT, DIV, FEE",
    )
    wrong = refusal(later, lambda: later.get("/account/activities", {"activities": "FILL,DIV"}))
    assert "unknown query parameter 'activities'; known: activity_types" in wrong[2]


def test_portfolio_history_has_a_point_per_session(later, red):
    raw = later.history(period="all")
    assert (raw["equity"], raw["profit_loss"], raw["base_value"]) == ([100000.0, 99999.5], [0.0, -0.5], 1e5)
    red.at_close_of(THIRD)
    raw = later.history(period="1D")
    assert (raw["equity"], raw["base_value"]) == ([99999.5], 99999.5)
    assert len(later.history()["equity"]) == 3
    assert "invalid period" in refusal(later, lambda: later.history(period="soon"))[2]


def test_bars_up_to_the_accounts_own_session(later):
    found = later.bars(["IBM", "AAPL"], FIRST)
    assert {symbol: [bar["t"] for bar in bars] for symbol, bars in found.items()} == {
        symbol: ["2012-12-28T05:00:00Z", "2012-12-31T05:00:00Z"] for symbol in ("AAPL", "IBM")
    }
    bar = found["IBM"][0]
    assert [bar[name] for name in "ohlcv"] == [50.25, 50.25, 50.25, 50.25, 1000]
    assert [bar["t"][:10] for bar in later.bars("AAPL")["AAPL"]] == ["2012-12-31"]
    midnight = datetime(2012, 12, 28, 5, tzinfo=UTC)
    assert [bar["t"][:10] for bar in later.bars("AAPL", midnight, midnight)["AAPL"]] == ["2012-12-28"]
    assert later.bars("NOPE", FIRST) == {}


def test_unknown_things_are_404_and_wrong_keys_401(house, client, connect):
    assert refusal(client, lambda: client.order("6e8ba4e2-0000-0000-0000-000000000000"))[:2] == (
        404,
        40410000,
    )
    assert refusal(client, lambda: client.order_by_client_id("nope"))[:2] == (404, 40410000)
    assert refusal(client, lambda: client.get("/watchlists"))[0] == 404
    for key, secret in (("PKred", "wrong"), ("nobody", "secret-of-red")):
        stranger = connect(key, secret)
        assert refusal(stranger, stranger.account)[:3] == (401, 40110000, "request is not authorized")
    assert requests.get(f"{house.url}/v2/account", timeout=5).status_code == 401


def test_unknown_parameters_and_broken_bodies_are_422(house, client):
    assert (
        "unknown query parameter 'colour'"
        in refusal(client, lambda: client.get("/orders", {"colour": "red"}))[2]
    )
    for query in ({"status": "pending"}, {"limit": 501}, {"after": "yesterday"}):
        assert refusal(client, lambda query=query: client.get("/orders", query))[0] == 422
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
