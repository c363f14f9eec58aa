"""Rows as Alpaca's JSON: money and quantities are strings, instants UTC with Z, what we lack is null."""

from decimal import Decimal
from sqlite3 import Row
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from my_dagster_project.broker.paper.ledger import Books, Holding, plain

FINE = Decimal("0.000001")
HALF = Decimal("0.5")
CENT = Decimal("0.01")


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
        "position_market_value": value,
        "short_market_value": "0",
        "buying_power": plain(books.buying_power),
        "regt_buying_power": plain(books.buying_power),
        "non_marginable_buying_power": plain(max(Decimal(0), books.cash - books.reserved)),
        "initial_margin": plain(books.long_value * HALF),
        "maintenance_margin": plain((books.long_value * Decimal("0.3")).quantize(CENT)),
        "multiplier": str(books.multiplier),
        "accrued_fees": "0",
        "shorting_enabled": False,
        "trading_blocked": False,
        "transfers_blocked": False,
        "account_blocked": False,
        "trade_suspended_by_user": False,
        "balance_asof": books.session.isoformat() if books.session else None,
    }


def position_view(holding: Holding, available: int) -> dict[str, Any]:
    """GET /v2/positions, one of them."""
    gain = holding.value - holding.cost
    return {
        "asset_id": asset_id(holding.symbol),
        "symbol": holding.symbol,
        "exchange": "XNYS",
        "asset_class": "us_equity",
        "asset_marginable": True,
        "qty": str(holding.qty),
        "qty_available": str(available),
        "side": "long",
        "avg_entry_price": plain((holding.cost / holding.qty).quantize(FINE)),
        "cost_basis": plain(holding.cost),
        "market_value": plain(holding.value),
        "current_price": plain(holding.price),
        "unrealized_pl": plain(gain),
        "unrealized_plpc": plain((gain / holding.cost).quantize(FINE)) if holding.cost else "0",
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
        "notional": None,
        "qty": str(row["qty"]),
        "filled_qty": str(row["filled_qty"]),
        "filled_avg_price": row["filled_avg_price"],
        "order_class": "",
        "order_type": "market",
        "type": "market",
        "side": row["side"],
        "time_in_force": "day",
        "limit_price": None,
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
    digits = "".join(letter for letter in row["at"] if letter.isdigit())[:17]
    return f"{digits}::{row['number']:012d}"


def fill_view(row: Row) -> dict[str, Any]:
    """An activity of type FILL."""
    return {
        "id": activity_id(row),
        "activity_type": "FILL",
        "transaction_time": row["at"],
        "type": "fill",
        "order_id": row["order_id"],
        "order_status": "filled",
        "symbol": row["symbol"],
        "side": row["side"],
        "qty": str(row["qty"]),
        "cum_qty": str(row["qty"]),
        "leaves_qty": "0",
        "price": row["price"],
    }


def split_view(row: Row) -> dict[str, Any]:
    """An activity of type SPLIT: the change in shares, and the cash paid for a fraction of a share."""
    return {
        "id": activity_id(row),
        "activity_type": "SPLIT",
        "date": row["session"],
        "symbol": row["symbol"],
        "qty": str(row["qty"]),
        "price": row["price"],
        "net_amount": row["amount"],
        "status": "executed",
    }
