"""Limits, fractions, partial fills and commissions, driven without HTTP; and files of the earlier format."""

import sqlite3
from contextlib import suppress
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.paper_broker.accounts import Opening, ensure_account
from my_dagster_project.paper_broker.feed import Bar
from my_dagster_project.paper_broker.ledger import Costs, Terms, books
from my_dagster_project.paper_broker.open_account import Ask
from my_dagster_project.paper_broker.order_entry import submit
from my_dagster_project.paper_broker.refusals import ApiError
from my_dagster_project.paper_broker.sql_schema import FORMAT
from my_dagster_project.paper_broker.store import Store
from tests.paper_broker.market import CASH, SECOND, SESSIONS, THIRD, bar, make_feed
from tests.paper_broker.test_engine import make_account  # noqa: F401 - a fixture
from tests.support.draws import one_folder


def send(account, **order):
    body = {"symbol": "AAPL", "side": "buy", "type": "market", "time_in_force": "day", **order}
    return account.do(lambda account: submit(account, Ask(body=body)))[1]


def orders(account):
    return {row["client_order_id"]: row for row in account.rows("SELECT * FROM orders")}


def wide(low, high):
    feed = make_feed()
    feed.bars["AAPL"][SECOND] = Bar(Decimal(100), Decimal(high), Decimal(low), Decimal(100))
    return feed


@pytest.mark.parametrize(
    ("side", "limit", "price"),
    [
        ("buy", "101", "100.1"),  # the open with the half spread is better than the limit
        ("buy", "98", "98"),  # reached during the session: 97 x 1.001 = 97.097
        ("buy", "97.05", None),  # the low reaches it, but not with the half spread
        ("sell", "99", "99.9"),
        ("sell", "102", "102"),  # 103 x 0.999 = 102.897
        ("sell", "102.95", None),
    ],
)
def test_a_limit_is_kept_also_with_the_half_spread(make_account, side, limit, price):  # noqa: F811
    feed = wide(97, 103)
    feed.bars["AAPL"][THIRD], feed.bars["AAPL"][SECOND] = feed.bars["AAPL"][SECOND], feed.bars["AAPL"][THIRD]
    account = make_account(feed, cost_bps="10")
    send(account, qty="10")
    account.close_of(SECOND)
    send(account, qty="1", side=side, type="limit", limit_price=limit, client_order_id="x")
    account.close_of(THIRD)
    done = orders(account)["x"]
    assert (done["status"], done["filled_avg_price"]) == ("filled" if price else "expired", price)


def test_limits_follow_a_split(make_account):  # noqa: F811
    feed = make_feed(splits={("AAPL", SECOND): Decimal(2)})
    for session in SESSIONS[1:]:
        feed.bars["AAPL"][session] = bar(50)
    account = make_account(feed)
    send(account, qty="10", type="limit", limit_price="101", client_order_id="x")
    account.close_of(SECOND)
    done = orders(account)["x"]
    assert (done["qty"], done["limit_price"], done["filled_avg_price"]) == ("20", "50.5", "50")


def test_fractional_shares_stay_fractional_over_a_split(make_account):  # noqa: F811
    feed = make_feed(splits={("AAPL", THIRD): Decimal("0.1")})
    for session in SESSIONS[2:]:
        feed.bars["AAPL"][session] = bar(1000)
    account = make_account(feed)
    send(account, qty="1.5")
    before = account.close_of(SECOND)
    after = account.close_of(THIRD)
    assert after.holdings["AAPL"].qty == Decimal("0.15")
    assert (after.cash, after.equity) == (before.cash, CASH)


def test_an_order_in_dollars_never_sells_what_another_one_sells(make_account):  # noqa: F811
    feed = make_feed()
    for session in SESSIONS[2:]:
        feed.bars["AAPL"][session] = bar(50)
    account = make_account(feed)
    send(account, qty="10")
    account.close_of(SECOND)
    send(account, side="sell", qty="5", client_order_id="shares")
    send(account, side="sell", notional="400", client_order_id="dollars")
    with pytest.raises(ApiError, match="insufficient qty"):
        send(account, side="sell", notional="200")
    # At half the price 400 dollars would be 8 shares, and 5 are somebody else's.
    after = account.close_of(THIRD)
    assert orders(account)["dollars"]["filled_qty"] == "5"
    assert after.holdings == {}


def test_lots_of_partial_fills_are_the_same_in_every_replay(make_account):  # noqa: F811
    def replay(path):
        account = make_account(path=path, partial_fills="0.5")
        for number in range(40):
            send(account, qty="10", client_order_id=f"order-{number}")
        account.close_of(SECOND)
        return [tuple(row) for row in account.rows("SELECT qty, leaves_qty, order_id, at FROM activities")]

    first = replay("a.sqlite")
    assert first == replay("b.sqlite")
    assert 50 <= len(first) <= 70  # 40 orders, about half of them in two parts
    assert sum(int(row[0]) for row in first) == 400


def test_a_commission_is_taken_per_share(make_account):  # noqa: F811
    account = make_account(commission="0.005")
    send(account, qty="150")
    assert account.close_of(SECOND).cash == CASH - 150 * 100 - Decimal("0.75")


sizes = st.one_of(
    st.integers(1, 300).map(lambda n: {"qty": str(n)}),
    st.integers(1, 300_000).map(lambda n: {"qty": str(Decimal(n) / 1000)}),
    st.integers(100, 2_000_000).map(lambda cents: {"notional": str(Decimal(cents) / 100)}),
)
limits = st.one_of(
    st.just({}),
    st.integers(2_000, 20_000).map(lambda c: {"type": "limit", "limit_price": str(Decimal(c) / 100)}),
)


@one_folder(10)
@given(data=st.data())
def test_whatever_kind_of_order_it_is_nothing_is_oversold_and_all_adds_up(make_account, data):  # noqa: F811
    prices = st.integers(2_000, 20_000).map(lambda cents: Decimal(cents) / 100)
    feed = make_feed(
        splits=data.draw(
            st.sampled_from([{}, {("AAPL", THIRD): Decimal(2)}, {("IBM", SECOND): Decimal("0.3")}])
        )
    )
    for table in feed.bars.values():
        for day in table:
            opened, closed = data.draw(prices), data.draw(prices)
            table[day] = Bar(
                opened, max(opened, closed) + 5, max(min(opened, closed) - 5, Decimal(1)), closed
            )
    account = make_account(
        feed, cost_bps="5", path=f"{uuid4()}.sqlite", commission="0.01", partial_fills="0.3"
    )
    for session in SESSIONS[1:4]:
        for _ in range(data.draw(st.integers(0, 4))):
            side, symbol = (
                data.draw(st.sampled_from(["buy", "sell"])),
                data.draw(st.sampled_from(["AAPL", "IBM"])),
            )
            with suppress(ApiError):
                send(account, side=side, symbol=symbol, **data.draw(sizes), **data.draw(limits))
        after = account.close_of(session)
        moved = account.rows("SELECT * FROM activities")
        assert after.cash == CASH + sum(Decimal(row["amount"]) for row in moved)
        held = dict.fromkeys(["AAPL", "IBM"], Decimal(0))
        for row in moved:
            if row["type"] != "FEE":
                held[row["symbol"]] += (-1 if row["side"] == "sell" else 1) * Decimal(row["qty"])
        assert {symbol: qty for symbol, qty in held.items() if qty} == {
            symbol: one.qty for symbol, one in after.holdings.items()
        }
        assert all(one.qty > 0 for one in after.holdings.values())
        assert after.open_orders == ()
        for row in orders(account).values():
            fills = [
                Decimal(one["qty"]) for one in moved if one["order_id"] == row["id"] and one["type"] == "FILL"
            ]
            assert sum(fills) == Decimal(row["filled_qty"])
            assert (row["status"] == "filled") == bool(fills)


OLD = """
CREATE TABLE accounts (
    team TEXT PRIMARY KEY, id TEXT NOT NULL, key_id TEXT NOT NULL UNIQUE, salt BLOB NOT NULL, secret_hash BLOB NOT NULL,
    starting_cash TEXT NOT NULL, cash TEXT NOT NULL, multiplier INTEGER NOT NULL, cost_bps TEXT NOT NULL, session TEXT
) STRICT;
CREATE TABLE orders (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, team TEXT NOT NULL, client_order_id TEXT NOT NULL,
    symbol TEXT NOT NULL, side TEXT NOT NULL, qty INTEGER NOT NULL, price TEXT NOT NULL, status TEXT NOT NULL,
    session TEXT NOT NULL, submitted_at TEXT NOT NULL, ended_at TEXT, filled_qty INTEGER NOT NULL DEFAULT 0,
    filled_avg_price TEXT, UNIQUE (team, client_order_id)
) STRICT;
CREATE INDEX open_orders ON orders (team, status);
CREATE TABLE positions (
    team TEXT NOT NULL, symbol TEXT NOT NULL, qty INTEGER NOT NULL, cost TEXT NOT NULL, price TEXT NOT NULL,
    PRIMARY KEY (team, symbol)
) STRICT;
CREATE TABLE activities (
    number INTEGER PRIMARY KEY, team TEXT NOT NULL, type TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT,
    qty INTEGER NOT NULL, price TEXT NOT NULL, amount TEXT NOT NULL, order_id TEXT, session TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;
CREATE INDEX team_activities ON activities (team, number);
CREATE TABLE equity (
    team TEXT NOT NULL, session TEXT NOT NULL, equity TEXT NOT NULL, cash TEXT NOT NULL, PRIMARY KEY (team, session)
) STRICT;
INSERT INTO accounts VALUES ('red', 'i', 'k', x'00', x'00', '100000', '99000', 2, '5', '2012-12-31');
INSERT INTO orders VALUES (1, 'o', 'red', 'one', 'AAPL', 'buy', 10, '100', 'filled', '2012-12-28',
    '2012-12-28T21:00:00.001000Z', '2012-12-31T14:30:00.000000Z', 10, '100');
INSERT INTO orders VALUES (2, 'p', 'red', 'two', 'AAPL', 'sell', 4, '100', 'accepted', '2012-12-31',
    '2012-12-31T21:00:00.001000Z', NULL, 0, NULL);
INSERT INTO positions VALUES ('red', 'AAPL', 10, '1000', '100');
INSERT INTO activities VALUES (1, 'red', 'FILL', 'AAPL', 'buy', 10, '100', '-1000', 'o', '2012-12-31', '2012-12-31T14:30:00.000000Z');
PRAGMA user_version = 1;
"""


def test_accounts_of_the_earlier_format_go_on(tmp_path):
    with sqlite3.connect(tmp_path / "old.sqlite") as old:
        old.executescript(OLD)
    old.close()
    with Store(tmp_path / "old.sqlite").transaction() as db:
        account = books(db, "red")
        assert (account.cash, account.holdings["AAPL"].qty, account.available("AAPL")) == (99000, 10, 6)
        fill = db.execute("SELECT qty, cum_qty, leaves_qty FROM activities").fetchone()
        assert tuple(fill) == ("10", "10", "0")
        assert db.execute("PRAGMA user_version").fetchone()[0] == FORMAT
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"accounts", "orders", "positions", "activities", "equity", "lapse"}


@pytest.mark.parametrize("earlier", [2, 3, 4, 5])
def test_accounts_of_a_later_format_go_on_with_the_costs_they_had_and_without_a_clock_of_a_kind(
    tmp_path, earlier
):
    with Store(tmp_path / "old.sqlite").transaction() as db:
        ensure_account(db, Opening("red", "k", "s", CASH, Terms(Decimal(5), Decimal(0), Decimal(0), 0)))
        db.execute("DROP TABLE lapse")
        if earlier < 5:
            db.execute("ALTER TABLE accounts DROP COLUMN borrow_fee")
        if earlier < 4:
            db.execute("ALTER TABLE accounts DROP COLUMN impact")
            db.execute("ALTER TABLE accounts DROP COLUMN symbol_costs")
            db.execute("ALTER TABLE activities DROP COLUMN cost_bps")
        if earlier == 2:
            db.execute("ALTER TABLE accounts ADD COLUMN clock TEXT NOT NULL DEFAULT 'stepped'")
    with sqlite3.connect(tmp_path / "old.sqlite") as old:
        old.execute(f"PRAGMA user_version = {earlier}")
    old.close()
    with Store(tmp_path / "old.sqlite").transaction() as db:
        account = books(db, "red")
        assert (account.cash, account.terms.of("AAPL")) == (CASH, Costs(Decimal(5), Decimal(0)))
        assert not account.lends
        assert "clock" not in db.execute("SELECT * FROM accounts").fetchone().keys()  # noqa: SIM118
        assert db.execute("SELECT cost_bps FROM activities").fetchall() == []


def test_a_later_format_is_refused_in_words(tmp_path):
    with sqlite3.connect(tmp_path / "new.sqlite") as new:
        new.execute("PRAGMA user_version = 99")
    new.close()
    with (
        pytest.raises(BrokerError, match="format 99, this one reads 6"),
        Store(tmp_path / "new.sqlite").transaction(),
    ):
        pass
