"""1,000 openings far from the close: what limits allow holds at the fill too, and a cash account never owes anybody."""

from contextlib import suppress
from datetime import date
from decimal import Decimal
from random import Random

import pytest

from my_dagster_project.domain.facts import Facts
from my_dagster_project.domain.limits import Limits
from my_dagster_project.domain.orders import plan_orders
from my_dagster_project.domain.plan import Rules, Signal
from my_dagster_project.domain.risk import gate
from my_dagster_project.paper_broker.accounts import Opening, ensure_account
from my_dagster_project.paper_broker.feed import Bar, TableFeed
from my_dagster_project.paper_broker.ledger import Terms
from my_dagster_project.paper_broker.open_account import Ask
from my_dagster_project.paper_broker.order_entry import submit
from my_dagster_project.paper_broker.refusals import ApiError
from my_dagster_project.paper_broker.store import Store
from my_dagster_project.trading import broker as seen
from tests.paper_broker.market import CALENDAR
from tests.paper_broker.test_engine import Account

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
SESSIONS = CALENDAR.sessions(date(2012, 1, 3), date(2012, 12, 31))[:251]
LIMITS = Limits(position_share=Decimal("0.3"), price_deviation=Decimal("0.1"), turnover=Decimal(2))
RULES = Rules("long_flat", 0.0005, 0.0, Decimal("0.3"))


def gaps(rng: Random) -> TableFeed:
    """Every symbol opens anywhere from -40 % to +60 % of its last close, every day."""
    bars = {}
    for symbol in SYMBOLS:
        price, bars[symbol] = Decimal(100), {}
        for session in SESSIONS:
            opened = (price * Decimal(str(rng.uniform(0.6, 1.6)))).quantize(Decimal("0.01"))
            # Back to 100, so that a year of such days stays a market.
            price = (opened * Decimal(str(rng.uniform(0.9, 1.1))) / 2 + 50).quantize(Decimal("0.01"))
            ends = (opened, max(opened, price), min(opened, price), price)
            bars[symbol][session] = Bar(*ends, 1000)
    return TableFeed(bars)


@pytest.fixture(params=[1, 2], ids=["cash account", "margin account"])
def account(request, tmp_path) -> Account:
    store = Store(tmp_path / "broker.sqlite")
    with store.transaction() as db:
        terms = Terms(Decimal(5), Decimal("0.01"), Decimal("0.2"), seed=1)
        ensure_account(db, Opening("red", "k", "s", Decimal(100_000), terms, request.param))
    return Account(store, gaps(Random(4)))


def planned(account: Account, session: date, rng: Random):
    books = account.close_of(session)
    closes = {symbol: account.feed.bar(symbol, session).close for symbol in SYMBOLS}
    state = seen.Account("a", books.cash, books.equity, books.buying_power, books.multiplier)
    held = [
        seen.Position(one.symbol, one.qty, one.qty, one.price, one.price, one.value)
        for one in books.holdings.values()
    ]
    signals = [Signal("red", session, symbol, rng.gauss(0.002, 0.01)) for symbol in SYMBOLS]
    return gate(
        plan_orders("red", session, signals, held, state, closes, RULES, LIMITS, facts=Facts()), LIMITS
    )


def send(account: Account, side: str, qty, symbol: str, name: str, limit=None) -> None:
    body = {"symbol": symbol, "side": side, "qty": str(qty), "time_in_force": "day", "client_order_id": name}
    kind = {"type": "market"} if limit is None else {"type": "limit", "limit_price": str(limit)}
    account.do(lambda account: submit(account, Ask(body=body | kind)))


def test_limits_hold_at_the_fill_and_cash_is_never_below_nothing(account):
    rng, fills = Random(5), 0
    for session in SESSIONS[:-1]:
        plan = planned(account, session, rng)
        for one in plan.orders:
            send(account, one.side, one.qty, one.symbol, one.client_order_id, one.limit)
        after = account.close_of(CALENDAR.next_session(session))
        for one in plan.orders:
            row = account.rows(f"SELECT * FROM orders WHERE client_order_id = '{one.client_order_id}'")[0]
            if one.side == "buy" and row["filled_avg_price"]:
                price = Decimal(row["filled_avg_price"])
                fills += 1
                assert price <= one.limit
                assert after.held(one.symbol) * price <= LIMITS.position_share * plan.snapshot.equity
        assert after.cash >= 0 or after.multiplier > 1, (session, after.cash)
    assert fills > 100


def test_a_cash_account_never_owes_whatever_anybody_orders(account):
    rng, refused = Random(6), 0
    for number, session in enumerate(SESSIONS[:-1]):
        account.close_of(session)
        for symbol in SYMBOLS:
            with suppress(ApiError):
                side, qty = rng.choice(["buy", "buy", "sell"]), rng.randint(1, 700)
                send(account, side, qty, symbol, f"{number}-{symbol}")
    account.close_of(SESSIONS[-1])
    cash = [Decimal(row["cash"]) for row in account.rows("SELECT cash FROM equity")]
    refused = account.rows("SELECT count(*) AS n FROM orders WHERE status = 'rejected'")[0]["n"]
    if account.books().multiplier == 1:
        assert min(cash) >= 0
        assert refused > 10
    else:
        assert min(cash) < 0  # credit is what a margin account is for
        assert refused == 0
