"""Executing queued orders in one session: at what price, how much, when; and what that does to the books.

Daily bars are all there is. A market order gets the open, worsened by what it costs (`costs`); a limit order the same where the
limit allows it, else its limit if the session's range comes so far, at the close at the latest because nobody knows when.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from random import Random
from sqlite3 import Row

from my_dagster_project.domain.execution_prices import executed_at
from my_dagster_project.paper_broker.costs import worse_by
from my_dagster_project.paper_broker.ledger import (
    BPS,
    CENT,
    FINE,
    SHARE_STEP,
    Books,
    Holding,
    Terms,
    plain,
    put_cash,
    put_holding,
    shares_of,
)
from my_dagster_project.paper_broker.open_account import OpenAccount, stamp

PRICE_STEP = Decimal("0.0001")  # Alpaca reports execution prices to four decimals.
WHOLE = Decimal(1)
LATER = timedelta(minutes=1)


@dataclass(frozen=True)
class Execution:
    """An order that is executed in a session: at this price, from this instant on; `cost_bps` of the price are costs."""

    order: Row
    price: Decimal
    at: datetime
    cost_bps: Decimal

    @property
    def turn(self) -> tuple[datetime, bool, int]:
        """Sells first, so that the cash a sell brings is there for the buys of the same instant."""
        return self.at, self.order["side"] == "buy", self.order["number"]


def execute_all(account: OpenAccount, session: date) -> None:
    """Execute what is due at the session's open or in it; the day is over for the rest, which expires."""
    books = account.books()
    found = [_execution(account, order, books.terms, session) for order in books.open_orders]
    for execution in sorted((one for one in found if one), key=lambda one: one.turn):
        _execute(account, execution, session)
    for order, one in zip(books.open_orders, found, strict=True):
        if one is None:
            end(account, order, "expired", stamp(account.calendar.close_at(session)))


def _execution(account: OpenAccount, order: Row, terms: Terms, session: date) -> Execution | None:
    """Give the price and the instant an order gets; None when there is no bar (halted) or its limit is not reached."""
    bar = account.feed.bar(order["symbol"], session)
    if bar is None:
        return None
    opened, closed = account.calendar.open_at(session), account.calendar.close_at(session)
    sign = 1 if order["side"] == "buy" else -1
    fraction = worse_by(account, terms, order["symbol"], session, shares_of(order))
    limit = math.nan if order["limit_price"] is None else float(order["limit_price"])
    best = float(bar.low if sign > 0 else bar.high)
    price, at_open = executed_at(float(bar.open), best, sign, float(fraction), limit)
    if math.isnan(price):
        return None
    return Execution(order, Decimal(str(float(price))), opened if at_open else closed, fraction * BPS)


def _execute(account: OpenAccount, execution: Execution, session: date) -> None:
    order, price, at = execution.order, execution.price, execution.at
    books = account.books()
    wanted = _shares(books, order, price)
    if order["side"] == "buy" and not _payable(books, wanted, price):
        end(account, order, "rejected", stamp(at))
        return
    filled, sign = Decimal(0), 1 if order["side"] == "buy" else -1
    for qty, when in _parts(books.terms, order, wanted, at):
        filled, at = filled + qty, when
        _book(account, order["symbol"], sign * qty, price)
        done = (plain(filled), plain(wanted - filled), plain(execution.cost_bps))
        what = ("FILL", order["symbol"], order["side"], qty, price, -sign * qty * price, order["id"])
        record(account, *what, session, when, done)
        _charge(account, order, qty, session, when)
    account.db.execute(
        "UPDATE orders SET filled_qty = ?, filled_avg_price = ? WHERE id = ?",
        (plain(filled), plain(price) if filled else None, order["id"]),
    )
    whole = filled == wanted
    status, ended = ("filled", at) if whole else ("expired", account.calendar.close_at(session))
    end(account, order, status, stamp(ended))


def _payable(books: Books, qty: Decimal, price: Decimal) -> bool:
    """Tell whether the account can pay this buy: a cash account owes nobody anything."""
    commission = qty * books.terms.commission
    # Of each of two parts the commission is rounded to whole cents.
    return books.multiplier > 1 or qty * price + commission + (CENT if commission else 0) <= books.cash


def _shares(books: Books, order: Row, price: Decimal) -> Decimal:
    """Give the shares an order comes to; one in dollars never sells more than nobody else is selling."""
    if order["qty"] is not None:
        return Decimal(order["qty"])
    qty = (Decimal(order["notional"]) / price).quantize(SHARE_STEP, ROUND_DOWN)
    if order["side"] == "buy":
        return qty
    others = (row for row in books.open_orders if row["symbol"] == order["symbol"] and row["side"] == "sell")
    taken = sum(shares_of(row) for row in others if row["id"] != order["id"])
    return min(qty, max(Decimal(0), books.held(order["symbol"]) - taken))


def _parts(terms: Terms, order: Row, qty: Decimal, at: datetime) -> Iterator[tuple[Decimal, datetime]]:
    """Give the parts an order is executed in, by the fault it met, or by lot: Alpaca's paper does so one time in ten."""
    step = WHOLE if qty == int(qty) else SHARE_STEP
    if order["fills_only"] is not None:
        if part := (qty * Decimal(order["fills_only"])).quantize(step, ROUND_DOWN):
            yield part, at
        return
    lot = Random(f"{terms.seed}/{order['id']}")  # noqa: S311 - repeatable is what it has to be
    if lot.random() < terms.partial_fills:
        part = (qty * Decimal(str(round(lot.uniform(0.1, 0.9), 4)))).quantize(step, ROUND_DOWN)
        if 0 < part < qty:
            yield part, at
            yield qty - part, at + LATER
            return
    yield qty, at


def _book(account: OpenAccount, symbol: str, change: Decimal, price: Decimal) -> None:
    books = account.books()
    put_cash(account.db, account.team, books.cash - change * price)
    old = books.holdings.get(symbol, Holding(symbol, Decimal(0), Decimal(0), price))
    if old.qty * change >= 0:
        cost = old.cost + change * price
    else:
        cost = (old.cost * (old.qty + change) / old.qty).quantize(FINE)
    put_holding(account.db, account.team, replace(old, qty=old.qty + change, cost=cost))


def _charge(account: OpenAccount, order: Row, qty: Decimal, session: date, at: datetime) -> None:
    books = account.books()
    fee = (qty * books.terms.commission).quantize(CENT, ROUND_HALF_UP)
    if fee:
        put_cash(account.db, account.team, books.cash - fee)
        record(
            account, "FEE", order["symbol"], None, qty, books.terms.commission, -fee, order["id"], session, at
        )


def end(account: OpenAccount, order: Row, status: str, at: str) -> None:
    """Put an order into a state it never leaves."""
    account.db.execute("UPDATE orders SET status = ?, ended_at = ? WHERE id = ?", (status, at, order["id"]))


def record(
    account: OpenAccount,
    kind: str,
    symbol: str,
    side: str | None,
    qty: Decimal,
    price: Decimal,
    amount: Decimal,
    order_id: str | None,
    session: date,
    at: datetime,
    done: tuple[str | None, str | None, str | None] = (None, None, None),
) -> None:
    """Write an activity; `done` is of a fill: the quantity filled so far, what is left, and the costs in its price."""
    what = (account.team, kind, symbol, side, plain(qty), plain(price), plain(amount), order_id)
    account.db.execute(
        "INSERT INTO activities VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*what, session.isoformat(), stamp(at), *done),
    )
