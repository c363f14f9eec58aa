"""Rows as Alpaca's JSON: money and quantities are strings, instants UTC with Z, what we lack is null."""

from decimal import Decimal
from sqlite3 import Row
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from my_dagster_project.paper_broker.ledger import CENT, FINE, Books, Holding, plain

HALF = Decimal("0.5")
_NO_DIGITS = str.maketrans("", "", "-T:.Z")
EXCHANGE = "NYSE"  # Clients know a fixed list of exchanges; the bars do not say which one it was.


def asset_id(symbol: str) -> str:
    """Give the id of an asset, the same everywhere."""
    return str(uuid5(NAMESPACE_URL, f"paper-asset/{symbol}"))


def account_view(books: Books, last_equity: Decimal) -> dict[str, Any]:
    """GET /v2/account."""
    value = plain(books.long_value)
    return {
        "id": books.id,
        "account_number": f"PA-{books.team.upper()}",
        "status": "ACTIVE",
        "currency": "USD",
        "cash": plain(books.cash),
        "equity": plain(books.equity),
        "portfolio_value": plain(books.equity),
        "last_equity": plain(last_equity),
        "long_market_value": value,
        "position_market_value": plain(books.long_value + books.short_value),
        "short_market_value": plain(books.short_value),
        "buying_power": plain(books.buying_power),
        "regt_buying_power": plain(books.buying_power),
        "non_marginable_buying_power": plain(max(Decimal(0), books.cash - books.reserved)),
        "initial_margin": plain((books.long_value - books.short_value) * HALF),
        "maintenance_margin": plain(((books.long_value - books.short_value) * Decimal("0.3")).quantize(CENT)),
        "multiplier": str(books.multiplier),
        "accrued_fees": "0",
        "shorting_enabled": books.lends,
        "trading_blocked": books.blocked,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": False,
        "balance_asof": books.session.isoformat() if books.session else None,
    }


def position_view(holding: Holding, available: Decimal, lastday: Decimal) -> dict[str, Any]:
    """GET /v2/positions, one of them; `lastday` is the close of the session before, in today's shares."""
    gain, today = holding.value - holding.cost, (holding.price - lastday) * holding.qty
    return {
        "asset_id": asset_id(holding.symbol),
        "symbol": holding.symbol,
        "exchange": EXCHANGE,
        "asset_class": "us_equity",
        "asset_marginable": True,
        "qty": plain(holding.qty),
        "qty_available": plain(available),
        "side": "long" if holding.qty > 0 else "short",
        "avg_entry_price": plain((holding.cost / holding.qty).quantize(FINE)),
        "cost_basis": plain(holding.cost),
        "market_value": plain(holding.value),
        "current_price": plain(holding.price),
        "lastday_price": plain(lastday),
        "change_today": plain((holding.price / lastday - 1).quantize(FINE)),
        "unrealized_pl": plain(gain),
        "unrealized_plpc": plain((gain / abs(holding.cost)).quantize(FINE)) if holding.cost else "0",
        "unrealized_intraday_pl": plain(today),
        "unrealized_intraday_plpc": plain((holding.price / lastday - 1).quantize(FINE)),
    }


def order_view(row: Row) -> dict[str, Any]:
    """An order, in every answer that has one."""
    ended = row["ended_at"]
    return {
        "id": row["id"],
        "client_order_id": row["client_order_id"],
        "created_at": row["submitted_at"],
        "updated_at": ended or row["submitted_at"],
        "submitted_at": row["submitted_at"],
        "filled_at": ended if row["status"] == "filled" else None,
        "expired_at": ended if row["status"] == "expired" else None,
        "canceled_at": ended if row["status"] == "canceled" else None,
        "failed_at": None,
        "replaced_at": None,
        "replaced_by": None,
        "replaces": None,
        "asset_id": asset_id(row["symbol"]),
        "symbol": row["symbol"],
        "asset_class": "us_equity",
        "notional": row["notional"],
        "qty": row["qty"],
        "filled_qty": row["filled_qty"],
        "filled_avg_price": row["filled_avg_price"],
        "order_class": "",
        "order_type": row["type"],
        "type": row["type"],
        "side": row["side"],
        "time_in_force": row["time_in_force"],
        "limit_price": row["limit_price"],
        "stop_price": None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
        "status": row["status"],
        "extended_hours": False,
        "legs": None,
    }


def activity_id(row: Row) -> str:
    """Give an id that sorts by time as Alpaca's do: yyyymmddhhmmssmmm::something."""
    return f"{row['at'].translate(_NO_DIGITS)[:17]}::{row['number']:012d}"


def fill_view(row: Row) -> dict[str, Any]:
    """An activity of type FILL."""
    partial = row["leaves_qty"] != "0"
    return {
        "id": activity_id(row),
        "activity_type": "FILL",
        "transaction_time": row["at"],
        "type": "partial_fill" if partial else "fill",
        "order_id": row["order_id"],
        "order_status": "partially_filled" if partial else "filled",
        "symbol": row["symbol"],
        "side": row["side"],
        "qty": row["qty"],
        "cum_qty": row["cum_qty"],
        "leaves_qty": row["leaves_qty"],
        "price": row["price"],
        # Ours: half spread and impact in this price, hundredths of a per cent of it.
        "cost_bps": row["cost_bps"],
    }


def cash_view(row: Row) -> dict[str, Any]:
    """An activity that is no trade.

    SPLIT: the change in shares, and the cash paid for a fraction of one. DIV: `qty` shares were paid `price` each.
    FEE: the commission of an execution, or what shares sold short cost over a close.
    """
    fee = f"commission of order {row['order_id']}" if row["order_id"] else "borrowing of shares sold short"
    return {
        "id": activity_id(row),
        "activity_type": row["type"],
        "date": row["session"],
        "symbol": row["symbol"],
        "qty": row["qty"],
        "price": row["price"],
        "net_amount": row["amount"],
        "description": fee if row["type"] == "FEE" else "",
        "status": "executed",
    }
