"""What must hold of an account whatever happened to it, read from the broker's own ledger and from our records."""

import re
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal

from my_dagster_project.trading.fills import Settlement
from my_dagster_project.trading.planning import Trader
from tests.trading.ledger import Ledger, change_of
from tests.trading.street import CASH

HAND = "by-hand"


def audit(book: Ledger, one: Trader, records: dict[date, dict], settled: list[Settlement]) -> None:
    """Raise AssertionError with what does not hold."""
    no_order_twice(book, one.name)
    books_reconcile(book)
    nothing_is_lost(book, records, settled)
    limits_hold(book, one)
    nothing_on_credit(book)


def ours(book: Ledger) -> list[dict]:
    return [order for order in book.orders if order["client_order_id"] != HAND]


def no_order_twice(book: Ledger, team: str) -> None:
    ids = Counter(order["client_order_id"] for order in book.orders)
    assert set(ids.values()) <= {1}, ids
    # Cancelled ones may be ordered again, one after the other, under the next id.
    alive = [order for order in ours(book) if order["status"] != "canceled"]
    decisions = Counter((order["session"], order["symbol"]) for order in alive)
    assert set(decisions.values()) <= {1}, decisions
    for order in ours(book):
        day = order["session"].replace("-", "")
        assert re.fullmatch(rf"{team}-{day}-{order['symbol']}-{order['side']}-\d+", order["client_order_id"])


def books_reconcile(book: Ledger) -> None:
    """Cash, positions and fills add up exactly, which is better than to the cent; nothing was ever short."""
    assert book.cash == CASH + sum(Decimal(line["amount"]) for line in book.activities)
    held: dict[str, Decimal] = defaultdict(Decimal)
    for line in book.activities:
        held[line["symbol"]] += change_of(line)
        assert held[line["symbol"]] >= 0, (line, held)
    assert {symbol: qty for symbol, qty in held.items() if qty} == book.positions
    if book.equity:
        value = sum(qty * book.prices[symbol] for symbol, qty in book.positions.items())
        assert book.equity[max(book.equity)] == book.cash + value
    filled: dict[str, Decimal] = defaultdict(Decimal)
    for line in book.activities:
        if line["type"] == "FILL":
            filled[line["order_id"]] += Decimal(line["qty"])
    for order in book.orders:
        assert filled[order["id"]] == Decimal(order["filled_qty"])
        assert Decimal(order["filled_qty"]) <= Decimal(order["qty"])


def nothing_is_lost(book: Ledger, records: dict[date, dict], settled: list[Settlement]) -> None:
    """Every order of ours is settled exactly once with the ledger's shares and money, and what a record says was sent is there."""
    by_id = {order["client_order_id"]: order for order in ours(book)}
    told = Counter(order.client_order_id for one in settled for order in one.orders)
    assert set(told.values()) <= {1}, told
    assert by_id.keys() <= told.keys()
    cash = sum(
        (-1 if order.side == "buy" else 1) * one.qty * one.price
        for settlement in settled
        for order in settlement.orders
        for one in order.executions
    )
    mine = {order["id"] for order in ours(book)}
    lines = [line for line in book.activities if line["type"] == "FILL" and line["order_id"] in mine]
    assert cash == sum(Decimal(line["amount"]) for line in lines)
    for order in (order for one in settled for order in one.orders):
        whole = order.client_order_id in by_id and order.filled_qty == order.qty
        assert whole or order.reason, order
    for record in records.values():
        for outcome in record["outcomes"]:
            name = outcome["planned"]["client_order_id"]
            assert (outcome["status"] in ("submitted", "already there")) == (name in by_id), outcome
            assert "insufficient qty" not in outcome["detail"], outcome


def limits_hold(book: Ledger, one: Trader) -> None:
    """At the price each was sized at: a buy, a session's buys, a symbol's share, how many symbols, how many orders."""
    limits, sessions = one.limits, sorted({order["session"] for order in ours(book)})
    for session in sessions:
        orders = [
            order for order in ours(book) if order["session"] == session and order["status"] != "canceled"
        ]
        buys = [order for order in orders if order["side"] == "buy"]
        held = book.held_after(session)
        worth = {order["id"]: Decimal(order["qty"]) * Decimal(order["price"]) for order in orders}
        for order in buys:
            if limits.order_value is not None:
                assert worth[order["id"]] <= limits.order_value
            if limits.position_share is not None and order["symbol"] not in _split_since(book, session):
                total = worth[order["id"]] + held.get(order["symbol"], Decimal(0)) * Decimal(order["price"])
                assert total <= limits.position_share * book.equity[session]
        spent = sum((worth[order["id"]] for order in buys), Decimal(0))
        if limits.session_value is not None:
            assert spent <= limits.session_value
        if limits.turnover is not None:
            assert spent <= limits.turnover * book.equity[session]
        if limits.session_orders is not None:
            assert len(buys) <= limits.session_orders
        if limits.max_symbols is not None and any(order["symbol"] not in held for order in buys):
            sold = {order["symbol"] for order in orders if order["side"] == "sell"}
            assert len({*held, *(order["symbol"] for order in buys)} - sold) <= limits.max_symbols


def nothing_on_credit(book: Ledger) -> None:
    """No buy was sent without the sells that pay for it: cash never falls below nothing, gross exposure above 100 %.

    Unless somebody ordered by hand, or a sell that stood was not executed whole, which nobody knew before the open.
    """
    if len(ours(book)) < len(book.orders):
        return
    for session in sorted({order["session"] for order in ours(book)}):
        sells = [one for one in ours(book) if one["session"] == session and one["side"] == "sell"]
        if any(one["status"] == "expired" or one["filled_qty"] not in ("0", one["qty"]) for one in sells):
            return
    assert all(cash >= 0 for cash in book.cash_at.values()), book.cash_at


def _split_since(book: Ledger, session: str) -> set[str]:
    """Symbols that split at the open their order filled at: the ledger's price is in new shares, what was held in old ones."""
    return {
        line["symbol"] for line in book.activities if line["type"] == "SPLIT" and line["session"] > session
    }
