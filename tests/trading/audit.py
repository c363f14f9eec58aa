"""What must hold of an account whatever happened to it, read from the broker's own ledger and from our records."""

import re
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal

from my_dagster_project.trading.fills import Settlement
from my_dagster_project.trading.journal import TeamJournal
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
    exits_are_made(book, one, records)


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
    """Cash, positions and fills add up exactly, which is better than to the cent; nothing was ever short that was not lent."""
    assert book.cash == CASH + sum(Decimal(line["amount"]) for line in book.activities)
    held: dict[str, Decimal] = defaultdict(Decimal)
    for line in book.activities:
        held[line["symbol"]] += change_of(line)
        assert held[line["symbol"]] >= 0 or book.account["borrow_fee"] is not None, (line, held)
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
            # Somebody who buys by hand what is short leaves less of it to buy back.
            assert "insufficient qty" not in outcome["detail"] or len(mine) < len(book.orders), outcome


def journal_adds_up(book: Ledger, made: TeamJournal) -> None:
    """The round trips hold all that is held, and their gains are what the equity has changed by, to the last digit."""
    equity = book.equity[max(book.equity)] if book.equity else CASH
    assert made.ended + made.held == equity - CASH, made
    assert made.other == 0
    held: dict[str, Decimal] = defaultdict(Decimal)
    names = {order["id"]: order["client_order_id"] for order in book.orders}
    for one in made.trips:
        held[one.trip.symbol] += one.trip.qty if one.trip.held else 0
        for decision, order in ((one.entry, one.trip.entry_order), (one.exit, one.trip.exit_order)):
            if decision and names.get(order) == HAND:
                assert decision.reason == "not one of our orders"
            elif decision and order:
                assert (decision.order, bool(decision.reason)) == (names[order], True)
    assert {symbol: qty for symbol, qty in held.items() if qty} == book.positions


def limits_hold(book: Ledger, one: Trader) -> None:
    """At the price each was sized at: what adds to a position, held or short, all of a session, a symbol's share, how many."""
    limits, sessions = one.limits, sorted({order["session"] for order in ours(book)})
    for session in sessions:
        orders = [
            order for order in ours(book) if order["session"] == session and order["status"] != "canceled"
        ]
        held = book.held_after(session)
        buys = [order for order in orders if _adds(order, held)]
        worth = {order["id"]: Decimal(order["qty"]) * Decimal(order["price"]) for order in orders}
        for order in buys:
            if limits.order_value is not None:
                assert worth[order["id"]] <= limits.order_value
            if limits.position_share is not None and order["symbol"] not in _split_since(book, session):
                total = worth[order["id"]] + abs(held.get(order["symbol"], 0)) * Decimal(order["price"])
                assert total <= limits.position_share * book.equity[session]
        spent = sum((worth[order["id"]] for order in buys), Decimal(0))
        if limits.session_value is not None:
            assert spent <= limits.session_value
        if limits.turnover is not None:
            assert spent <= limits.turnover * book.equity[session]
        if limits.session_orders is not None:
            assert len(buys) <= limits.session_orders
        if limits.max_symbols is not None and any(order["symbol"] not in held for order in buys):
            sold = {order["symbol"] for order in orders if order["side"] == "sell" and order not in buys}
            assert len({*held, *(order["symbol"] for order in buys)} - sold) <= limits.max_symbols


def _adds(order: dict, held: dict[str, Decimal]) -> bool:
    """Whether an order adds to a position: buys where nothing is short, sells where nothing is held."""
    shares = held.get(order["symbol"], Decimal(0))
    return shares >= 0 if order["side"] == "buy" else shares <= 0


def exits_are_made(book: Ledger, one: Trader, records: dict[date, dict]) -> None:
    """What a rule of exit says of the ledger's own shares and costs is planned, and nothing is sold in its name otherwise."""
    rules = one.rules
    for session, record in records.items():
        plan, seen = record["plan"], record["plan"]["snapshot"]
        by_rule = {
            order["symbol"]: order["qty"]
            for order in plan["orders"]
            if order["reason"].startswith(("stop loss: ", "time exit: "))
        }
        positions = seen["held"] | {symbol: -qty for symbol, qty in seen["short"].items()}
        assert all(qty == abs(positions[symbol]) for symbol, qty in by_rule.items())
        # Decided before the account was touched by hand, or after another run of the session had sent its orders.
        if len(ours(book)) < len(book.orders) or seen["standing"] or seen["ended"]:
            continue
        refused = {skip["symbol"] for skip in plan["skipped"] if skip["by"] == "risk gate"}
        for symbol, qty in positions.items():
            prices = [Decimal(known[symbol]) for known in (seen["closes"], seen["marks"]) if symbol in known]
            entry, closes = _position(book, symbol, session)
            loss = 1 - max(prices) / entry if qty > 0 else min(prices) / entry - 1
            stopped = rules.stop_loss is not None and loss >= rules.stop_loss
            overdue = rules.max_sessions is not None and closes >= rules.max_sessions
            gone = symbol not in one.config.symbols
            assert gone or symbol in refused or (by_rule.get(symbol) == abs(qty)) == (stopped or overdue), (
                symbol,
                plan,
            )


def _position(book: Ledger, symbol: str, session: date) -> tuple[Decimal, int]:
    """The average price of what is held, in today's shares, and the closes since there was nothing."""
    qty = cost = Decimal(0)
    opened = ""
    for line in (line for line in book.activities if line["symbol"] == symbol):
        if line["session"] > str(session) or not (change := change_of(line)):
            continue
        opened = opened if qty else line["session"]
        if line["type"] == "FILL":
            adds = change * qty >= 0
            cost += change * Decimal(line["price"]) if adds else cost * change / qty
        qty += change
    return cost / qty, sum(opened <= day <= str(session) for day in book.equity)


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
