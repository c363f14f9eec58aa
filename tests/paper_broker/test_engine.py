"""Time of an account: fills, splits, halts, costs, and books that reconcile to the cent."""

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.paper_broker.accounts import Opening, ensure_account
from my_dagster_project.paper_broker.engine import advance
from my_dagster_project.paper_broker.feed import TableFeed
from my_dagster_project.paper_broker.ledger import Terms, put_holding
from my_dagster_project.paper_broker.open_account import Ask, OpenAccount
from my_dagster_project.paper_broker.order_entry import submit
from my_dagster_project.paper_broker.refusals import ApiError
from my_dagster_project.paper_broker.store import Store
from tests.paper_broker.market import CALENDAR, CASH, FIRST, FOURTH, SECOND, SESSIONS, THIRD, bar, make_feed
from tests.support.draws import one_folder


@dataclass
class Account:
    """A team's account driven without HTTP; the code under it is the server's."""

    store: Store
    feed: TableFeed
    team: str = "red"

    def do(self, work):
        with self.store.transaction() as db:
            return work(OpenAccount(db, self.team, self.feed, CALENDAR))

    def close_of(self, session):
        self.do(lambda account: advance(account, session))
        return self.books()

    def order(self, side, qty, symbol="AAPL", name=None):
        body = {"symbol": symbol, "qty": str(qty), "side": side, "type": "market", "time_in_force": "day"}
        name = {"client_order_id": name} if name else {}
        return self.do(lambda account: submit(account, Ask(body=body | name)))[1]

    def books(self):
        return self.do(lambda account: account.books())

    def rows(self, sql):
        return self.do(lambda account: account.db.execute(sql).fetchall())


@pytest.fixture
def make_account(tmp_path):
    def make(feed=None, cost_bps="0", multiplier=2, path="broker.sqlite", commission="0", partial_fills="0"):
        store = Store(tmp_path / path)
        with store.transaction() as db:
            terms = Terms(Decimal(cost_bps), Decimal(commission), Decimal(partial_fills), seed=1)
            ensure_account(db, Opening("red", "k", "s", CASH, terms, multiplier))
        account = Account(store, feed or make_feed())
        account.close_of(FIRST)
        return account

    return make


def test_orders_fill_at_the_open_worsened_by_costs_on_both_sides(make_account):
    feed = make_feed()
    feed.bars["AAPL"][SECOND] = bar("101.37", "102")
    account = make_account(feed, cost_bps="5")
    account.order("buy", 100)
    books = account.close_of(SECOND)
    # 101.37 x 1.0005 = 101.420685, to four decimals 101.4207.
    assert books.cash == CASH - 100 * Decimal("101.4207")
    assert books.equity == books.cash + 100 * Decimal(102)
    account.order("sell", 100)
    assert account.close_of(THIRD).cash == books.cash + 100 * Decimal("99.95")


def test_the_cash_of_a_sell_pays_for_a_buy_at_the_same_open(make_account):
    account = make_account()
    account.order("buy", 990)
    account.close_of(SECOND)
    account.order("buy", 1900, "IBM")
    account.order("sell", 990)
    assert account.close_of(THIRD).cash == CASH - 1900 * Decimal("50.25")


def test_a_cash_account_may_not_spend_what_a_sell_has_not_brought_yet(make_account):
    account = make_account(multiplier=1)
    account.order("buy", 990)
    account.close_of(SECOND)
    account.order("sell", 990)
    with pytest.raises(ApiError, match="insufficient buying power"):
        account.order("buy", 1900, "IBM")


def test_a_halted_symbol_leaves_the_day_order_expired_and_keeps_its_price(make_account):
    account = make_account(make_feed(halted={("AAPL", SECOND), ("AAPL", FOURTH)}))
    account.order("buy", 10, name="one")
    assert account.close_of(SECOND).cash == CASH
    assert [tuple(row) for row in account.rows("SELECT status, filled_qty FROM orders")] == [("expired", "0")]
    account.order("buy", 10, name="two")
    account.close_of(THIRD)
    assert account.close_of(FOURTH).equity == CASH


def test_a_split_on_the_day_costs_nothing_and_queued_orders_follow(make_account):
    feed = make_feed(splits={("AAPL", THIRD): Decimal(2)})
    for session in SESSIONS[2:]:
        feed.bars["AAPL"][session] = bar(50)
    account = make_account(feed)
    account.order("buy", 100)
    account.close_of(SECOND)
    account.order("sell", 100)
    books = account.close_of(THIRD)
    assert books.holdings == {}
    assert books.equity == CASH
    assert [tuple(r) for r in account.rows("SELECT qty FROM activities WHERE type = 'SPLIT'")] == [("100",)]


def test_a_held_position_keeps_its_value_and_cost_over_a_split(make_account):
    feed = make_feed(splits={("AAPL", THIRD): Decimal(2)})
    for session in SESSIONS[2:]:
        feed.bars["AAPL"][session] = bar(50)
    account = make_account(feed)
    account.order("buy", 10)
    account.close_of(SECOND)
    held = account.close_of(THIRD).holdings["AAPL"]
    assert (held.qty, held.cost, held.value) == (20, 1000, 1000)


@pytest.mark.parametrize(
    ("qty", "ratio", "after", "paid"),
    [
        (3, Decimal(3) / 2, 4, "33.33"),
        (3, Decimal(4) / 3, 4, "0"),
        (7, Decimal(1) / 3, 2, "100.00"),
        (1, Decimal(1) / 10, 0, "100.00"),
    ],
)
def test_a_fraction_of_a_share_is_paid_out_in_cash(make_account, qty, ratio, after, paid):
    feed = make_feed(splits={("AAPL", THIRD): ratio})
    feed.bars["AAPL"][THIRD] = bar((100 / ratio).quantize(Decimal("0.000001")))
    account = make_account(feed)
    account.order("buy", qty)
    before = account.close_of(SECOND)
    books = account.close_of(THIRD)
    assert (books.holdings["AAPL"].qty if after else 0) == after
    assert books.cash - before.cash == Decimal(paid)
    assert abs(books.equity - CASH) < Decimal("0.01")


def test_a_clock_that_jumps_passes_every_session_on_the_way(make_account):
    account = make_account()
    account.order("buy", 10)
    account.close_of(FOURTH)
    assert [row[0] for row in account.rows("SELECT session FROM equity ORDER BY session")] == [
        session.isoformat() for session in SESSIONS[:4]
    ]


def test_a_move_that_fails_half_way_changes_nothing(make_account):
    class Torn(TableFeed):
        def bar(self, symbol, session):
            if session == THIRD:
                raise OSError("the bars are gone")
            return super().bar(symbol, session)

    account = make_account()
    account.order("buy", 10)
    account.feed = Torn(account.feed.bars)
    with pytest.raises(OSError, match="gone"):
        account.close_of(FOURTH)
    assert account.books().session == FIRST
    assert account.books().holdings == {}
    account.feed = make_feed()
    assert account.close_of(FOURTH).holdings["AAPL"].qty == 10


prices = st.integers(1_00, 500_00).map(lambda cents: Decimal(cents) / 100)
orders = st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 400), st.sampled_from(["AAPL", "IBM"]))


@one_folder(10)
@given(data=st.data())
def test_whatever_is_ordered_cash_fills_and_positions_reconcile_to_the_cent(make_account, data):
    path = f"{uuid4()}.sqlite"
    feed = make_feed(
        halted=data.draw(
            # Without any bar of the last session that session has not closed.
            st.sets(
                st.tuples(st.sampled_from(["AAPL", "IBM"]), st.sampled_from(SESSIONS[1:])), max_size=3
            ).filter(lambda halted: {("AAPL", SESSIONS[-1]), ("IBM", SESSIONS[-1])} - halted)
        ),
        splits=data.draw(
            st.dictionaries(
                st.tuples(st.just("AAPL"), st.sampled_from(SESSIONS[1:])),
                st.sampled_from([Decimal(2), Decimal("1.5"), Decimal("0.1")]),
                max_size=2,
            )
        ),
    )
    for table in feed.bars.values():
        table.update({day: bar(data.draw(prices), data.draw(prices)) for day in table})
    account = make_account(feed, cost_bps=str(data.draw(st.integers(0, 50))), path=path)
    for session in SESSIONS[1:]:
        for side, qty, symbol in data.draw(st.lists(orders, max_size=4)):
            with suppress(ApiError):
                account.order(side, qty, symbol)
        assert_reconciled(account, account.close_of(session))


def assert_reconciled(account, books):
    moved = account.rows("SELECT type, symbol, side, qty, price, amount FROM activities")
    assert books.cash == CASH + sum(Decimal(row["amount"]) for row in moved)
    for row in moved:
        sign = {"buy": -1, "sell": 1}.get(row["side"])
        assert sign is None or Decimal(row["amount"]) == sign * Decimal(row["qty"]) * Decimal(row["price"])
    held = dict.fromkeys(["AAPL", "IBM"], Decimal(0))
    for row in moved:
        if row["type"] not in ("FEE", "DIV"):
            held[row["symbol"]] += (-1 if row["side"] == "sell" else 1) * Decimal(row["qty"])
    assert {symbol: qty for symbol, qty in held.items() if qty} == {
        symbol: holding.qty for symbol, holding in books.holdings.items()
    }
    assert all(holding.qty > 0 for holding in books.holdings.values())
    assert books.open_orders == ()
    stored = account.rows("SELECT equity FROM equity ORDER BY session DESC LIMIT 1")[0][0]
    assert Decimal(stored) == books.equity
    filled = account.rows("SELECT count(*) FROM orders WHERE status = 'filled'")[0][0]
    assert filled == sum(row["type"] == "FILL" for row in moved)


def test_a_failed_transaction_keeps_nothing(make_account):
    account = make_account()
    holding = account.close_of(FIRST)

    def half(account):
        from my_dagster_project.paper_broker.ledger import Holding

        put_holding(account.db, "red", Holding("AAPL", 1, Decimal(1), Decimal(1)))
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        account.do(half)
    assert account.books() == holding
