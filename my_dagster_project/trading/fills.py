"""What became of a session's orders at the next open: executions, slippage, costs, and why the rest did not fill. Pure.

Slippage is against the raw close an order was sized at: what the night and the half spread did, positive when it was worse
for the team.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from my_dagster_project.domain.limits import Limits
from my_dagster_project.domain.plan import Side
from my_dagster_project.domain.round_trips import FEES
from my_dagster_project.trading.broker import Activity, Order

NOTHING = Decimal(0)
_BPS = Decimal(10_000)
# What an order's status is when no broker ever had it.
NEVER_SENT = frozenset({"refused", "not sent", "halted", "unknown"})
_NO_RECORD = "sent by a run that ended before it could write its record; found at the broker"


NO_RECORD = "no record"
"""The mode of a session whose orders nobody wrote down."""


@dataclass(frozen=True)
class Execution:
    """Shares at a price (raw dollars a share, costs in it), at an instant (ISO, UTC).

    `cost_bps` of the price are spread and impact, hundredths of a per cent; None where the broker does not say.
    """

    qty: Decimal
    price: Decimal
    at: str
    cost_bps: Decimal | None = None


@dataclass(frozen=True)
class SettledOrder:
    """An order and what became of it.

    `qty` is what was asked for in shares of the day it filled on, `planned_price` the close in those shares too (None when
    no record says). `slippage_bps` is per price, `slippage` dollars. `reason` says why it did not fill whole; '' when it did.
    """

    client_order_id: str
    symbol: str
    side: Side
    status: str
    qty: Decimal
    filled_qty: Decimal
    planned_price: Decimal | None
    price: Decimal | None
    slippage_bps: Decimal | None
    slippage: Decimal
    executions: tuple[Execution, ...]
    reason: str = ""


@dataclass(frozen=True)
class Settlement:
    """A session's orders, all in a state they never leave. `filled_in` is the session after it; dollars.

    `equity` is the account's at that session's close, None when the broker does not say. `spread_bps` is the half spread
    that the bundled broker took from every price (hundredths of a per cent); elsewhere it is in the slippage alone.
    `breaches` say which limits did not hold at the prices of the open.
    """

    team: str
    session: date
    filled_in: date
    mode: str
    orders: tuple[SettledOrder, ...]
    fees: Decimal
    equity: Decimal | None
    spread_bps: Decimal = NOTHING
    breaches: tuple[str, ...] = ()

    @property
    def slippage(self) -> Decimal:
        """Give the slippage of all executions, dollars."""
        return sum((order.slippage for order in self.orders), NOTHING)

    @property
    def traded(self) -> Decimal:
        """Give the value of all executions, dollars."""
        return sum((one.qty * one.price for order in self.orders for one in order.executions), NOTHING)

    @property
    def costs(self) -> Decimal:
        """Give what trading cost: spread, impact and fees, dollars; the half spread where the broker does not say."""
        every = (one for order in self.orders for one in order.executions)
        bps = ((one, self.spread_bps if one.cost_bps is None else one.cost_bps) for one in every)
        return sum((one.qty * one.price * each / _BPS for one, each in bps), self.fees)

    @property
    def unfilled(self) -> list[SettledOrder]:
        """Give the orders that did not fill whole."""
        return [order for order in self.orders if order.reason]

    def to_json(self) -> bytes:
        """Give the settlement as stored: money as text."""
        sums = {"slippage": self.slippage, "traded": self.traded, "costs": self.costs}
        return json.dumps(asdict(self) | sums, default=str, indent=1, sort_keys=True).encode()


def settle(
    team: str,
    session: date,
    filled_in: date,
    record: Mapping[str, Any] | None,
    orders: Iterable[Order],
    statement: Iterable[Activity],
    ratios: Mapping[str, Decimal],
    equity: Decimal | None,
    spread_bps: Decimal = NOTHING,
    limits: Limits | None = None,
) -> Settlement:
    """Give what became of the orders that a team decided on after `session`, and which `limits` did not hold at the open.

    `record` is the session's record (trading.records), None when there is none; `orders` are the broker's of that session,
    `statement` the account's lines since; `ratios` are new shares per old for symbols that split before the next open.
    """
    lines, known = list(statement), {order.client_order_id: order for order in orders}
    outcomes = {one["planned"]["client_order_id"]: one for one in (record or {}).get("outcomes", ())}
    settled = [
        _order(name, outcomes.get(name), known.get(name), lines, ratios)
        for name in sorted({*outcomes, *known}, key=lambda name: (name not in outcomes, name))
    ]
    fees = -sum((line.amount for line in lines if line.kind in FEES and line.day == filled_in), NOTHING)
    mode = str(record["mode"]) if record else NO_RECORD
    breaches = _breaches(record["plan"]["snapshot"], settled, fees, ratios, limits) if record else ()
    return Settlement(team, session, filled_in, mode, tuple(settled), fees, equity, spread_bps, breaches)


def _breaches(
    seen: Mapping[str, Any],
    settled: Iterable[SettledOrder],
    fees: Decimal,
    ratios: Mapping[str, Decimal],
    limits: Limits | None,
) -> tuple[str, ...]:
    """Say what the fills did that no plan may: cash below nothing, more of a bought symbol than its limit. `seen` is the plan's."""
    prices = {symbol: Decimal(price) for symbol, price in (seen.get("marks", {}) | seen["closes"]).items()}
    held = {symbol: Decimal(qty) for symbol, qty in seen["held"].items()}
    for symbol, part in seen.get("fractions", {}).items():
        held[symbol] = held.get(symbol, NOTHING) + Decimal(part)
    held |= {symbol: -Decimal(qty) for symbol, qty in seen.get("short", {}).items()}
    worth = {symbol: qty * prices.get(symbol, NOTHING) for symbol, qty in held.items()}
    held = {symbol: qty * ratios.get(symbol, Decimal(1)) for symbol, qty in held.items()}
    cash, bought = Decimal(seen["cash"]) - fees, set()
    for order in settled:
        if not order.filled_qty or order.price is None:
            continue
        signed = order.filled_qty if order.side == "buy" else -order.filled_qty
        cash -= signed * order.price
        held[order.symbol] = held.get(order.symbol, NOTHING) + signed
        worth[order.symbol] = held[order.symbol] * order.price
        # What was sold short is more of a symbol too.
        bought |= {order.symbol} if signed * held[order.symbol] > 0 else set()
    equity = cash + sum(worth.values(), NOTHING)
    told = [f"cash {cash:,.2f} after the fills: bought on credit"] if cash < 0 else []
    share = limits.position_share if limits else None
    told += [
        f"{symbol} worth {worth[symbol]:,.2f} at the fill, {abs(worth[symbol]) / equity:.1%} of equity {equity:,.2f}; the"
        f" limit is {share:.1%}"
        for symbol in sorted(bought)
        if share is not None and equity > 0 and abs(worth[symbol]) > share * equity
    ]
    return tuple(told)


def costs_of(stored: Mapping[str, Any], spread_bps: Decimal) -> Decimal:
    """Give the costs of a settlement as it is stored; for one from before it had any, at this half spread."""
    if "costs" in stored:
        return Decimal(stored["costs"])
    return Decimal(stored["traded"]) * spread_bps / _BPS + Decimal(stored["fees"])


def settled_order(stored: Mapping[str, Any]) -> SettledOrder:
    """Give an order of a settlement as it is stored; KeyError, ValueError or ArithmeticError where it is none."""
    amounts = ("qty", "filled_qty", "planned_price", "price", "slippage_bps", "slippage")
    read = {name: None if stored[name] is None else Decimal(stored[name]) for name in amounts}
    executions = tuple(
        Execution(Decimal(one["qty"]), Decimal(one["price"]), one["at"], _cost(one))
        for one in stored["executions"]
    )
    return SettledOrder(**{**stored, **read, "executions": executions})


def _cost(execution: Mapping[str, Any]) -> Decimal | None:
    """Executions from before brokers said what they cost have none."""
    bps = execution.get("cost_bps")
    return None if bps is None else Decimal(bps)


def _order(
    name: str,
    outcome: Mapping[str, Any] | None,
    order: Order | None,
    lines: list[Activity],
    ratios: Mapping[str, Decimal],
) -> SettledOrder:
    planned = outcome["planned"] if outcome else None
    symbol: str = order.symbol if order else planned["symbol"]  # type: ignore[index]  # one of the two is there
    side: Side = order.side if order else planned["side"]  # type: ignore[index]
    close = Decimal(planned["price"]) / ratios.get(symbol, Decimal(1)) if planned else None
    done = [line for line in lines if order is not None and line.kind == "FILL" and line.order_id == order.id]
    price = order.filled_avg_price if order else None
    worse = None if price is None or not close else (price - close) * (1 if side == "buy" else -1)
    filled = order.filled_qty if order else NOTHING
    return SettledOrder(
        client_order_id=name,
        symbol=symbol,
        side=side,
        status=order.status if order else outcome["status"],  # type: ignore[index]
        qty=order.qty if order else Decimal(planned["qty"]),  # type: ignore[index]
        filled_qty=filled,
        planned_price=close,
        price=price,
        slippage_bps=None if worse is None or not close else (worse / close * _BPS).quantize(Decimal("0.1")),
        slippage=NOTHING if worse is None else (worse * filled).quantize(Decimal("0.01")),
        executions=tuple(_execution(line) for line in done),
        reason=_reason(outcome, order),
    )


def _execution(line: Activity) -> Execution:
    at = line.at.isoformat() if line.at else ""
    return Execution(abs(line.qty), line.price or NOTHING, at, line.cost_bps)


def _reason(outcome: Mapping[str, Any] | None, order: Order | None) -> str:
    if order is None:
        return f"{outcome['status']}: {outcome['detail']}" if outcome else ""
    if order.filled_qty == order.qty:
        return "" if outcome else _NO_RECORD
    part = f"{order.filled_qty} of {order.qty} filled" if order.filled_qty else "nothing filled"
    why = {
        "expired": "the day order expired at the close" + ("" if order.filled_qty else _nothing(outcome)),
        "canceled": "cancelled at the broker",
        "rejected": "rejected by the broker",
    }
    return f"{part}: {why.get(order.status, order.status)}"


def _nothing(outcome: Mapping[str, Any] | None) -> str:
    limit = outcome["planned"].get("limit") if outcome else None
    return f"; it opened above {limit}, or was halted" if limit else "; was it halted?"
