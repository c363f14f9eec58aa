"""Time of one account: its clock goes forward session by session; splits, then fills at the open, then the close.

Each account has its own clock, so that teams replay independently of each other. Everything happens in the
caller's one transaction: a clock is never seen between two sessions.
"""

from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from sqlite3 import Row

from my_dagster_project.broker.paper.desk import Desk, require_session, stamp
from my_dagster_project.broker.paper.errors import unprocessable
from my_dagster_project.broker.paper.feed import NO_SPLIT
from my_dagster_project.broker.paper.ledger import Books, Holding, plain, put_cash, put_holding

PRICE_STEP = Decimal("0.0001")  # Alpaca reports execution prices to four decimals.
CENT = Decimal("0.01")
FINE = Decimal("0.000001")


def advance(desk: Desk, target: date) -> None:
    """Put the account after the close of `target`; there already is fine, back is refused with 422."""
    require_session(desk.calendar, target)
    now = desk.books().session
    if now == target:
        return
    if now is not None and target < now:
        raise unprocessable(
            f"the clock of account {desk.team} only goes forward: it stands after the close of {now}, asked was"
            f" {target}; the session due is {desk.calendar.next_session(now)}, or reset the account",
            stands_after=now.isoformat(),
        )
    last = desk.feed.last_session()
    if last is None or target > last:
        raise unprocessable(
            f"the market's bars end at {last}: {target} has not closed there; update the bars first"
        )
    sessions = [target] if now is None else desk.calendar.sessions(desk.calendar.next_session(now), target)
    for session in sessions:
        _trade(desk, session)


def _trade(desk: Desk, session: date) -> None:
    _split_all(desk, session)
    # Sells first, so that the cash a sell brings is there for the buys of the same open.
    for order in sorted(desk.books().open_orders, key=lambda order: order["side"] == "buy"):
        _execute(desk, order, session)
    _mark(desk, session)


def _split_all(desk: Desk, session: date) -> None:
    books = desk.books()
    for symbol in sorted({*books.holdings, *(order["symbol"] for order in books.open_orders)}):
        ratio = desk.feed.split_ratio(symbol, session)
        if ratio != NO_SPLIT:
            _split(desk, books, symbol, ratio, session)


def _split(desk: Desk, books: Books, symbol: str, ratio: Decimal, session: date) -> None:
    """Turn old shares into new ones; a fraction left over is paid out at the last close (cash in lieu).

    Queued orders change with them (FINRA rule 5330): selling all stays selling all.
    """
    for order in (order for order in books.open_orders if order["symbol"] == symbol):
        qty, _ = _shares(order["qty"], ratio)
        value_at = plain((Decimal(order["price"]) / ratio).quantize(FINE))
        desk.db.execute("UPDATE orders SET qty = ?, price = ? WHERE id = ?", (qty, value_at, order["id"]))
        if qty == 0:
            _end(desk, order, "canceled", stamp(desk.calendar.open_at(session)))
    old = books.holdings.get(symbol)
    if old is None:
        return
    qty, fraction = _shares(old.qty, ratio)
    price = (old.price / ratio).quantize(FINE)
    amount = (fraction * price).quantize(CENT)
    put_holding(desk.db, desk.team, replace(old, qty=qty, price=price))
    put_cash(desk.db, desk.team, desk.books().cash + amount)
    _record(desk, "SPLIT", symbol, None, qty - old.qty, price, amount, None, session)


def _shares(qty: int, ratio: Decimal) -> tuple[int, Decimal]:
    # Rounded first: 3 shares at 4:3 are 4, not the 3 that 3.9999... would give.
    exact = (qty * ratio).quantize(FINE)
    return int(exact), exact % 1


def _execute(desk: Desk, order: Row, session: date) -> None:
    """Fill a queued order at the open, worsened by the account's costs; without a bar the DAY order expires."""
    bar = desk.feed.bar(order["symbol"], session)
    if bar is None:
        _end(desk, order, "expired", stamp(desk.calendar.close_at(session)))
        return
    books = desk.books()
    sign = 1 if order["side"] == "buy" else -1
    price = (bar.open * (1 + sign * books.cost_bps / 10_000)).quantize(PRICE_STEP, ROUND_HALF_UP)
    amount = -sign * order["qty"] * price
    put_cash(desk.db, desk.team, books.cash + amount)
    put_holding(desk.db, desk.team, _after(books, order["symbol"], sign * order["qty"], price))
    desk.db.execute(
        "UPDATE orders SET filled_qty = qty, filled_avg_price = ? WHERE id = ?", (plain(price), order["id"])
    )
    _end(desk, order, "filled", stamp(desk.calendar.open_at(session)))
    _record(desk, "FILL", order["symbol"], order["side"], order["qty"], price, amount, order["id"], session)


def _after(books: Books, symbol: str, change: int, price: Decimal) -> Holding:
    old = books.holdings.get(symbol, Holding(symbol, 0, Decimal(0), price))
    if change > 0:
        return replace(old, qty=old.qty + change, cost=old.cost + change * price)
    return replace(old, qty=old.qty + change, cost=(old.cost * (old.qty + change) / old.qty).quantize(FINE))


def _end(desk: Desk, order: Row, status: str, at: str) -> None:
    desk.db.execute("UPDATE orders SET status = ?, ended_at = ? WHERE id = ?", (status, at, order["id"]))


def _record(
    desk: Desk,
    kind: str,
    symbol: str,
    side: str | None,
    qty: int,
    price: Decimal,
    amount: Decimal,
    order_id: str | None,
    session: date,
) -> None:
    at = stamp(desk.calendar.open_at(session))
    row = (desk.team, kind, symbol, side, qty, plain(price), plain(amount), order_id, session.isoformat(), at)
    desk.db.execute("INSERT INTO activities VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def _mark(desk: Desk, session: date) -> None:
    """Value what is held at the close; a halted symbol keeps its last price. The clock now stands here."""
    for holding in desk.books().holdings.values():
        if bar := desk.feed.bar(holding.symbol, session):
            put_holding(desk.db, desk.team, replace(holding, price=bar.close))
    books, day = desk.books(), session.isoformat()
    desk.db.execute(
        "INSERT INTO equity VALUES (?, ?, ?, ?)", (desk.team, day, plain(books.equity), plain(books.cash))
    )
    desk.db.execute("UPDATE accounts SET session = ? WHERE team = ?", (day, desk.team))
