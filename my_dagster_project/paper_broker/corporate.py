"""Splits and dividends, before the open: old shares become new ones, held ones and those of queued orders; then cash is paid."""

from dataclasses import replace
from datetime import date
from decimal import ROUND_DOWN, Decimal
from sqlite3 import Row

from my_dagster_project.paper_broker.executions import PRICE_STEP, end, record
from my_dagster_project.paper_broker.feed import NO_SPLIT
from my_dagster_project.paper_broker.ledger import (
    CENT,
    FINE,
    SHARE_STEP,
    Holding,
    plain,
    put_cash,
    put_holding,
)
from my_dagster_project.paper_broker.open_account import OpenAccount, stamp


def act_all(account: OpenAccount, session: date) -> None:
    """Carry out every split, then every dividend, effective at the open of `session` that concerns this account."""
    split_all(account, session)
    for holding in account.books().holdings.values():
        if each := account.feed.dividend(holding.symbol, session):
            _pay(account, holding, each, session)


def _pay(account: OpenAccount, holding: Holding, each: Decimal, session: date) -> None:
    """Pay a dividend. Until it trades again a share is worth so much less than at its last close."""
    amount = (holding.qty * each).quantize(CENT)
    put_holding(account.db, account.team, replace(holding, price=max(holding.price - each, Decimal(0))))
    put_cash(account.db, account.team, account.books().cash + amount)
    at = account.calendar.open_at(session)
    record(account, "DIV", holding.symbol, None, holding.qty, each, amount, None, session, at)


def split_all(account: OpenAccount, session: date) -> None:
    """Carry out every split effective at the open of `session` that concerns this account."""
    books = account.books()
    for symbol in sorted({*books.holdings, *(order["symbol"] for order in books.open_orders)}):
        ratio = account.feed.split_ratio(symbol, session)
        if ratio == NO_SPLIT:
            continue
        for order in (order for order in books.open_orders if order["symbol"] == symbol):
            _split_order(account, order, ratio, session)
        if symbol in books.holdings:
            _split_holding(account, books.holdings[symbol], ratio, session)


def _split_order(account: OpenAccount, order: Row, ratio: Decimal, session: date) -> None:
    """Queued orders change with the shares (FINRA rule 5330): selling all stays selling all."""
    qty = None if order["qty"] is None else _shares(Decimal(order["qty"]), ratio)[0]
    price = plain((Decimal(order["price"]) / ratio).quantize(FINE))
    limit = order["limit_price"] and plain((Decimal(order["limit_price"]) / ratio).quantize(PRICE_STEP))
    account.db.execute(
        "UPDATE orders SET qty = ?, price = ?, limit_price = ? WHERE id = ?",
        (None if qty is None else plain(qty), price, limit, order["id"]),
    )
    if qty == 0:
        end(account, order, "canceled", stamp(account.calendar.open_at(session)))


def _split_holding(account: OpenAccount, old: Holding, ratio: Decimal, session: date) -> None:
    """A fraction that whole shares leave over is paid out at the last close (cash in lieu)."""
    qty, fraction = _shares(old.qty, ratio)
    price = (old.price / ratio).quantize(FINE)
    amount = (fraction * price).quantize(CENT)
    put_holding(account.db, account.team, replace(old, qty=qty, price=price))
    put_cash(account.db, account.team, account.books().cash + amount)
    at = account.calendar.open_at(session)
    record(account, "SPLIT", old.symbol, None, qty - old.qty, price, amount, None, session, at)


def _shares(qty: Decimal, ratio: Decimal) -> tuple[Decimal, Decimal]:
    """Give the new shares and the fraction to pay out: whole shares stay whole, fractional ones stay fractional."""
    # Rounded first: 3 shares at 4:3 are 4, not the 3 that 3.9999... would give.
    exact = (qty * ratio).quantize(FINE)
    if qty != int(qty):
        return (qty * ratio).quantize(SHARE_STEP, ROUND_DOWN), Decimal(0)
    return Decimal(int(exact)), exact % 1
