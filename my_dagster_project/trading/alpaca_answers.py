"""Alpaca's JSON as our dataclasses. Tolerant of fields that come and go (the pattern-day-trader ones went in 2026-07),
strict about those we trade on."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.trading.broker import Account, Activity, EquityPoint, Order, Position

NEW_YORK = ZoneInfo("America/New_York")
# Splits, spin-offs, mergers, changes of name or symbol, and shares that are moved between accounts.
CHANGE_SHARES = frozenset({"SPLIT", "SSP", "SPIN", "SSO", "MA", "NC", "SC", "REORG", "ACATS", "JNLS"})
BLOCKS = ("account_blocked", "trading_blocked", "trade_suspended_by_user")


def _whole[T](parse: Callable[[Any], T]) -> Callable[[Any], T]:
    """Make a parser raise BrokerError when a field is missing or not what it should be."""

    @wraps(parse)
    def parsed(raw: Any) -> T:
        try:
            return parse(raw)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            kind = parse.__name__
            raise BrokerError(f"the broker answered with something that is no {kind}: {error!r}") from error

    return parsed


@_whole
def clock(raw: Any) -> tuple[bool, date]:
    """Read GET /v2/clock: whether the exchange is open, and the day (New York) of its next open."""
    return bool(raw["is_open"]), instant(raw["next_open"]).astimezone(NEW_YORK).date()


@_whole
def calendar(raw: Any) -> list[str]:
    """Read GET /v2/calendar: the sessions, ISO dates."""
    return [row["date"] for row in raw]


@_whole
def account(raw: Any) -> Account:
    """Read GET /v2/account."""
    blocks = [name for name in BLOCKS if raw.get(name)]
    if raw.get("status", "ACTIVE") != "ACTIVE":
        blocks.append(f"status {raw['status']}")
    return Account(
        id=raw["id"],
        cash=Decimal(raw["cash"]),
        equity=Decimal(raw["equity"]),
        buying_power=Decimal(raw["buying_power"]),
        multiplier=int(Decimal(raw.get("multiplier", "1"))),
        blocked=", ".join(blocks),
        lends=bool(raw.get("shorting_enabled")),
    )


@_whole
def position(raw: Any) -> Position:
    """Read one of GET /v2/positions; a price Alpaca does not know (null) is taken from the entry."""
    qty = Decimal(raw["qty"])
    price = Decimal(raw.get("current_price") or raw["avg_entry_price"])
    return Position(
        symbol=raw["symbol"],
        qty=-abs(qty) if raw.get("side") == "short" else qty,
        qty_available=Decimal(raw.get("qty_available") or raw["qty"]),
        avg_entry_price=Decimal(raw["avg_entry_price"]),
        current_price=price,
        market_value=Decimal(raw.get("market_value") or qty * price),
    )


@_whole
def order(raw: Any) -> Order:
    """Read an order."""
    price = raw.get("filled_avg_price")
    return Order(
        id=raw["id"],
        client_order_id=raw["client_order_id"],
        symbol=raw["symbol"],
        side=raw["side"],
        qty=Decimal(raw["qty"] or "0"),  # null for an order in dollars, which somebody sent by hand
        status=raw["status"],
        submitted_at=instant(raw["submitted_at"]),
        filled_qty=Decimal(raw.get("filled_qty") or "0"),
        filled_avg_price=None if price is None else Decimal(price),
        filled_at=instant(raw["filled_at"]) if raw.get("filled_at") else None,
    )


@_whole
def activity(raw: Any) -> Activity:
    """Read an activity of any type. The `qty` of a fee or a dividend is what it was computed on, no change of shares."""
    kind = raw["activity_type"]
    if kind == "FILL":
        # Alpaca says sell_short for what opens a short; it is a sell all the same.
        signed = Decimal(raw["qty"]) * (1 if raw["side"] == "buy" else -1)
        price, at = Decimal(raw["price"]), instant(raw["transaction_time"])
        costs = raw.get("cost_bps")  # the bundled broker's alone
        return Activity(
            *(raw["id"], kind, at.astimezone(NEW_YORK).date(), raw["symbol"], signed, -signed * price),
            *(raw["order_id"], price, at, None if costs is None else Decimal(costs)),
        )
    return Activity(
        id=raw["id"],
        kind=kind,
        day=date.fromisoformat(raw["date"][:10]),
        symbol=raw.get("symbol") or "",
        qty=Decimal(raw.get("qty") or "0") if kind in CHANGE_SHARES else Decimal(0),
        amount=Decimal(raw.get("net_amount") or "0"),
    )


@_whole
def history(raw: Any) -> list[EquityPoint]:
    """Read GET /v2/account/portfolio/history; points before the account had money are left out."""
    points = zip(raw["timestamp"], raw["equity"], strict=True)
    return [
        EquityPoint(datetime.fromtimestamp(seconds, NEW_YORK).date(), Decimal(str(equity)))
        for seconds, equity in points
        if equity
    ]


def instant(text: str) -> datetime:
    """Read an ISO instant with a zone; Alpaca sends nanoseconds at times, which Python cuts to micro."""
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return when
