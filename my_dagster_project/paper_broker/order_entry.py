"""Taking orders in, and back: every check Alpaca makes before it says `accepted`, in its words."""

from datetime import date
from decimal import Decimal
from sqlite3 import Row
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from my_dagster_project.paper_broker.ledger import OPEN, SHARE_STEP, Books, plain
from my_dagster_project.paper_broker.open_account import Ask, OpenAccount, stamp
from my_dagster_project.paper_broker.order_body import Ticket, read_body
from my_dagster_project.paper_broker.refusals import (
    ApiError,
    forbidden,
    malformed,
    not_found,
    unprocessable,
)
from my_dagster_project.paper_broker.views import order_view

STALE_SESSIONS = 10  # How far back the last trade of a halted symbol may lie.


def submit(account: OpenAccount, ask: Ask) -> tuple[int, Any]:
    """POST /v2/orders: queue an order for the next open."""
    return 200, order_view(place(account, read_body(ask.body).ticket(), ask))


def place(account: OpenAccount, ticket: Ticket, ask: Ask) -> Row:
    """Queue the order and give its row; raises 403 or 422 in Alpaca's words."""
    # First of all: an order sent twice must be recognised even when a second one of its kind could not be taken.
    if by_client_id(account, ticket.client_order_id) is not None:
        raise unprocessable("client_order_id must be unique")
    books = account.books()
    session = books.stands_at()
    if books.blocked:
        raise forbidden("trading is blocked for this account")
    price = ticket.limit or _last_price(account, ticket.symbol, session)
    _check_wash_trade(books, ticket)
    _check_funds(books, ticket, price) if ticket.side == "buy" else _check_shares(books, ticket, price)
    return _insert(account, ticket, price, session, ask)


def _insert(account: OpenAccount, ticket: Ticket, price: Decimal, session: date, ask: Ask) -> Row:
    order_id = str(uuid5(NAMESPACE_URL, f"paper-order/{account.team}/{ticket.client_order_id}"))
    only = str(ask.fault.share) if ask.fault and ask.fault.kind == "partial_fill" else None
    what = (order_id, account.team, ticket.client_order_id, ticket.symbol, ticket.side, ticket.type)
    size = (
        "day",
        _text(ticket.qty),
        _text(ticket.notional),
        _text(ticket.limit),
        plain(price),
    )
    account.db.execute(
        "INSERT INTO orders (id, team, client_order_id, symbol, side, type, time_in_force, qty, notional, limit_price,"
        " price, status, session, submitted_at, fills_only) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*what, *size, OPEN, session.isoformat(), stamp(account.now(session)), only),
    )
    return by_id(account, order_id)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _last_price(account: OpenAccount, symbol: str, session: date) -> Decimal:
    """Give the latest close an order is valued at; raises 422 for a symbol that has not traded lately."""
    price = account.last_close(symbol, session, STALE_SESSIONS)
    if price is None:
        raise unprocessable(f"asset {symbol} not found")
    return price


def _check_wash_trade(books: Books, ticket: Ticket) -> None:
    """Refuse an order that could trade with the account's own open one on the other side."""
    for row in books.open_orders:
        if row["symbol"] != ticket.symbol or row["side"] == ticket.side:
            continue
        if ticket.notional is not None and row["side"] == "sell":
            raise forbidden("unable to open new notional orders while having open closing position orders")
        other = row["limit_price"] and Decimal(row["limit_price"])
        buy, sell = (ticket.limit, other) if ticket.side == "buy" else (other, ticket.limit)
        if not buy or not sell or buy >= sell:
            raise forbidden("potential wash trade detected. use complex orders", existing_order_id=row["id"])


def _check_funds(books: Books, ticket: Ticket, price: Decimal) -> None:
    """Refuse a buy that buying power does not pay, and one that covers more than was sold short."""
    if books.held(ticket.symbol) < 0:
        _require_available(books, ticket, ticket.qty)
    else:
        _require_power(books, ticket, price)


def _require_power(books: Books, ticket: Ticket, price: Decimal) -> None:
    cost = ticket.notional if ticket.qty is None else ticket.qty * price
    if cost is not None and cost > books.buying_power:
        raise forbidden(
            "insufficient buying power", buying_power=plain(books.buying_power), cost_basis=plain(cost)
        )


def _check_shares(books: Books, ticket: Ticket, price: Decimal) -> None:
    """Refuse a sell of more than is held; of what is not held at all, where shares are lent, one that nothing secures."""
    qty = ticket.qty
    if books.lends and books.held(ticket.symbol) <= 0:
        if qty is None or qty % 1:
            raise forbidden("fractional orders cannot be sold short", symbol=ticket.symbol)
        _require_power(books, ticket, price)
        return
    if qty is None and ticket.notional is not None:
        qty = (ticket.notional / price).quantize(SHARE_STEP)
    _require_available(books, ticket, qty)


def _require_available(books: Books, ticket: Ticket, qty: Decimal | None) -> None:
    """Refuse to close more than is there; None, dollars against what was sold short, is no number of shares."""
    available = books.available(ticket.symbol)
    if qty is None or (books.held(ticket.symbol) < 0 and qty % 1):
        raise forbidden("fractional orders cannot cover a short position", symbol=ticket.symbol)
    if qty > available:
        asked, free = plain(qty), plain(available)
        raise forbidden(
            f"insufficient qty available for order (requested: {asked}, available: {free})",
            symbol=ticket.symbol,
            existing_qty=plain(books.held(ticket.symbol)),
            held_for_orders=plain(abs(books.held(ticket.symbol)) - available),
            available=free,
        )


def by_client_id(account: OpenAccount, client_id: str) -> Row | None:
    """Give the account's order with this client id."""
    row: Row | None = account.db.execute(
        "SELECT * FROM orders WHERE team = ? AND client_order_id = ?", (account.team, client_id)
    ).fetchone()
    return row


def by_id(account: OpenAccount, order_id: str) -> Row:
    """Give the account's order with this id; raises 404."""
    row: Row | None = account.db.execute(
        "SELECT * FROM orders WHERE team = ? AND id = ?", (account.team, order_id)
    ).fetchone()
    if row is None:
        raise not_found(f"order not found for {order_id}")
    return row


def cancel(account: OpenAccount, ask: Ask) -> tuple[int, Any]:
    """DELETE /v2/orders/{id}: 204; 422 when it is filled, expired or canceled already."""
    order = by_id(account, ask.path["order_id"])
    if order["status"] != OPEN:
        raise unprocessable(f'order is already in "{order["status"]}" state')
    _cancel(account, order)
    return 204, None


def cancel_all(account: OpenAccount, ask: Ask) -> tuple[int, Any]:
    """DELETE /v2/orders: 207 with one status per order that was open."""
    orders = account.books().open_orders
    for order in orders:
        _cancel(account, order)
    return 207, [{"id": order["id"], "status": 200} for order in orders]


def close_position(account: OpenAccount, ask: Ask) -> tuple[int, Any]:
    """DELETE /v2/positions/{symbol}: a market order that sells `qty` shares (covers, when short), or all of them.

    `qty` is a query parameter; alpaca-trade-api sends it in a body, and ignoring that would sell everything.
    """
    symbol, held = ask.path["symbol"], account.books().held(ask.path["symbol"])
    if not held:
        raise not_found(f"position not found: {symbol}")
    side = "sell" if held > 0 else "buy"
    body = {"symbol": symbol, "side": side, "type": "market", "time_in_force": "day", "qty": plain(abs(held))}
    body |= _how_much(ask)
    return 200, order_view(place(account, read_body(body).ticket(), ask))


def _how_much(ask: Ask) -> dict[str, Any]:
    given = {**ask.body, **ask.query} if isinstance(ask.body, dict) else dict(ask.query)
    if unknown := sorted(given.keys() - {"qty"}):
        raise malformed(f"the bundled broker closes a position whole or by qty, not by {', '.join(unknown)}")
    return given


def close_all_positions(account: OpenAccount, ask: Ask) -> tuple[int, Any]:
    """DELETE /v2/positions?cancel_orders=true: 207 with one answer per position."""
    ask.only("cancel_orders")
    if ask.choice("cancel_orders", "false", "true", "False", "True").lower() == "true":
        cancel_all(account, ask)
    answers = []
    for symbol in sorted(account.books().holdings):
        try:
            status, body = close_position(account, Ask(path={"symbol": symbol}))
        except ApiError as refusal:
            status, body = refusal.status, refusal.body
        answers.append({"symbol": symbol, "status": status, "body": body})
    return 207, answers


def _cancel(account: OpenAccount, order: Row) -> None:
    at = stamp(account.now(account.books().stands_at()))
    account.db.execute("UPDATE orders SET status = 'canceled', ended_at = ? WHERE id = ?", (at, order["id"]))
