"""Taking orders in, and back: every check Alpaca makes before it says `accepted`, in its words."""

from datetime import date
from decimal import Decimal, InvalidOperation
from sqlite3 import Row
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, uuid4, uuid5

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from my_dagster_project.broker.paper.desk import Ask, Desk, stamp
from my_dagster_project.broker.paper.errors import forbidden, malformed, not_found, unprocessable
from my_dagster_project.broker.paper.ledger import OPEN, Books, plain
from my_dagster_project.broker.paper.views import order_view

STALE_SESSIONS = 10  # How far back the last trade of a halted symbol may lie.


class OrderBody(BaseModel):
    """The body of POST /v2/orders; a field Alpaca does not know is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)

    symbol: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9.]{0,9}$")]
    side: Literal["buy", "sell"]
    type: Literal["market", "limit", "stop", "stop_limit", "trailing_stop"]
    time_in_force: Literal["day", "gtc", "opg", "cls", "ioc", "fok"]
    qty: str | int | float | None = None
    notional: str | int | float | None = None
    client_order_id: Annotated[str, StringConstraints(min_length=1, max_length=48)] | None = None
    extended_hours: bool | None = None
    order_class: Literal["", "simple"] | None = None

    def shares(self) -> int:
        """Give the whole number of shares; raises 422 in so many words for what this broker does not do."""
        if self.type != "market" or self.time_in_force != "day" or self.extended_hours:
            raise unprocessable("the bundled broker takes market orders for the day only (type market, day)")
        if self.notional is not None or self.qty is None:
            raise unprocessable("the bundled broker takes qty only, not notional")
        return _whole(self.qty)


def _whole(text: str | float) -> int:
    try:
        qty = Decimal(str(text))
    except InvalidOperation:
        raise malformed(f"qty {text!r} is not a number") from None
    if not qty.is_finite() or qty <= 0:
        raise unprocessable("qty must be > 0")
    if qty != int(qty):
        raise unprocessable(f"fractional shares are not available in the bundled broker: qty {plain(qty)}")
    return int(qty)


def submit(desk: Desk, ask: Ask) -> tuple[int, Any]:
    """POST /v2/orders: queue an order for the next open."""
    body = _body(ask)
    client_id = body.client_order_id or str(uuid4())
    # First of all: an order sent twice must be recognised even when a second one of its kind could not be taken.
    if by_client_id(desk, client_id) is not None:
        raise unprocessable("client_order_id must be unique")
    books, qty = desk.books(), body.shares()
    session = books.stands_at()
    price = _last_price(desk, body.symbol, session)
    _check_wash_trade(books, body)
    _check_funds(books, body, qty, price) if body.side == "buy" else _check_shares(books, body, qty)
    order_id = str(uuid5(NAMESPACE_URL, f"paper-order/{desk.team}/{client_id}"))
    desk.db.execute(
        "INSERT INTO orders (id, team, client_order_id, symbol, side, qty, price, status, session, submitted_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(order_id, desk.team, client_id, body.symbol, body.side, qty, plain(price), OPEN),
            *(session.isoformat(), stamp(desk.now(session))),
        ),
    )
    return 200, order_view(by_id(desk, order_id))


def _body(ask: Ask) -> OrderBody:
    try:
        return OrderBody.model_validate(ask.body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise malformed(f"request body format is invalid: {where}: {first['msg']}") from None


def _last_price(desk: Desk, symbol: str, session: date) -> Decimal:
    """Give the latest close an order is valued at; raises 422 for a symbol that has not traded lately."""
    for _ in range(STALE_SESSIONS):
        if bar := desk.feed.bar(symbol, session):
            return bar.close
        session = desk.calendar.previous_session(session)
    raise unprocessable(f"asset {symbol} not found")


def _check_wash_trade(books: Books, body: OrderBody) -> None:
    if any(row["symbol"] == body.symbol and row["side"] != body.side for row in books.open_orders):
        raise forbidden("potential wash trade detected. use complex orders")


def _check_funds(books: Books, body: OrderBody, qty: int, price: Decimal) -> None:
    if (cost := qty * price) > books.buying_power:
        raise forbidden(
            "insufficient buying power", buying_power=plain(books.buying_power), cost_basis=plain(cost)
        )


def _check_shares(books: Books, body: OrderBody, qty: int) -> None:
    available = books.available(body.symbol)
    if qty > available:
        message = f"insufficient qty available for order (requested: {qty}, available: {available})"
        held = books.holdings[body.symbol].qty if body.symbol in books.holdings else 0
        raise forbidden(message, symbol=body.symbol, existing_qty=str(held), available=str(available))


def by_client_id(desk: Desk, client_id: str) -> Row | None:
    """Give the account's order with this client id."""
    row: Row | None = desk.db.execute(
        "SELECT * FROM orders WHERE team = ? AND client_order_id = ?", (desk.team, client_id)
    ).fetchone()
    return row


def by_id(desk: Desk, order_id: str) -> Row:
    """Give the account's order with this id; raises 404."""
    row: Row | None = desk.db.execute(
        "SELECT * FROM orders WHERE team = ? AND id = ?", (desk.team, order_id)
    ).fetchone()
    if row is None:
        raise not_found(f"order not found for {order_id}")
    return row


def cancel(desk: Desk, ask: Ask) -> tuple[int, Any]:
    """DELETE /v2/orders/{id}: 204; 422 when it is filled, expired or canceled already."""
    order = by_id(desk, ask.path["order_id"])
    if order["status"] != OPEN:
        raise unprocessable(f'order is already in "{order["status"]}" state')
    _cancel(desk, order)
    return 204, None


def cancel_all(desk: Desk, ask: Ask) -> tuple[int, Any]:
    """DELETE /v2/orders: 207 with one status per order that was open."""
    orders = desk.books().open_orders
    for order in orders:
        _cancel(desk, order)
    return 207, [{"id": order["id"], "status": 200} for order in orders]


def _cancel(desk: Desk, order: Row) -> None:
    at = stamp(desk.now(desk.books().stands_at()))
    desk.db.execute("UPDATE orders SET status = 'canceled', ended_at = ? WHERE id = ?", (at, order["id"]))
