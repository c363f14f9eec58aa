"""The risk gate: the last pure check before orders leave the house. It trusts nothing that planning computed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from my_dagster_project.domain.limits import (
    cost,
    exposure,
    fallen,
    highest_price,
    price_gap,
    proceeds,
    session_room,
)
from my_dagster_project.domain.plan import Limits, Plan, PlannedOrder, Skipped

GATE = "risk gate"


@dataclass
class _Book:
    """The account as it will stand when the orders let through so far are filled at the worst prices they may fill at."""

    held: dict[str, Decimal]
    cash: Decimal
    traded: Decimal = Decimal(0)
    ids: set[str] = field(default_factory=set)
    symbols: set[str] = field(default_factory=set)


_Check = Callable[[PlannedOrder, _Book, Plan, Limits], str]


def gate(plan: Plan, limits: Limits) -> Plan:
    """Give the plan with only the orders that `limits`, holdings and cash allow; each refusal is in `skipped`.

    The gate never changes the size of an order: one that is too large is refused, because it should not have
    been planned. Idempotent: a plan that passed passes again unchanged. An order that stands at the broker already
    cannot be refused any more; it passes, and counts.
    """
    book = _Book(plan.snapshot.signed, plan.snapshot.own_cash)
    standing = {one.client_order_id for one in plan.snapshot.standing}
    passed: list[PlannedOrder] = []
    refused: list[Skipped] = []
    # Sells first, whatever the plan's order: the cash of a sell that is refused must not pay for a buy.
    for order in sorted(plan.orders, key=lambda o: (o.side == "buy", o.client_order_id not in standing)):
        there = order.client_order_id in standing and order.client_order_id not in book.ids
        reason = "" if there else _first_refusal(order, book, plan, limits)
        if reason:
            refused.append(_refusal(order, reason))
            continue
        passed.append(order)
        _enter(order, book, plan, limits)
    return replace(plan, orders=tuple(passed), skipped=(*plan.skipped, *refused))


def refuse_all(plan: Plan, reason: str) -> Plan:
    """Give the plan without any order, each on record as refused for this reason."""
    refused = tuple(_refusal(order, reason) for order in plan.orders)
    return replace(plan, orders=(), skipped=(*plan.skipped, *refused))


def refusals(plan: Plan) -> list[Skipped]:
    """Give what the gate refused."""
    return [skip for skip in plan.skipped if skip.by == GATE]


def _refusal(order: PlannedOrder, reason: str) -> Skipped:
    return Skipped(order.symbol, f"{order.side} {order.qty} refused: {reason}", GATE)


def _first_refusal(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    if order.side == "sell":
        short = plan.snapshot.lends and plan.snapshot.opens_short(order)
        checks = _SHORT_CHECKS if short else _SELL_CHECKS
    else:
        checks = _COVER_CHECKS if plan.snapshot.covers(order) else _BUY_CHECKS
    return next((reason for check in checks if (reason := check(order, book, plan, limits))), "")


def _enter(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> None:
    signed = order.qty if order.side == "buy" else -order.qty
    book.held[order.symbol] = book.held.get(order.symbol, Decimal(0)) + signed
    book.ids.add(order.client_order_id)
    book.symbols.add(order.symbol)
    book.traded += exposure(order, plan.snapshot, limits)
    if plan.snapshot.covers(order):
        return  # what it frees is there after the open
    if order.side == "buy" or plan.snapshot.opens_short(order):
        book.cash -= _taken(order, plan, limits)
    else:
        book.cash += proceeds([order], plan.snapshot)


def _taken(order: PlannedOrder, plan: Plan, limits: Limits) -> Decimal:
    return cost(order, plan.snapshot) if order.side == "buy" else exposure(order, plan.snapshot, limits)


def _sane(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    close = plan.snapshot.closes.get(order.symbol)
    if order.qty < 1:
        return f"{order.qty} shares is no order"
    closing = order.side == "sell" or plan.snapshot.covers(order)
    if close is None and closing and order.price == plan.snapshot.marks.get(order.symbol):
        return ""
    if close is None or order.price != close:
        return f"it was sized at {order.price}, the close of {plan.session} is {close}"
    return ""


def _once(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    if order.client_order_id in book.ids or order.symbol in book.symbols:
        return f"there is another order for {order.symbol} in this plan"
    return ""


def _recent(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    if order.basis is not None and order.basis != plan.session:
        return f"it follows from a prediction of session {order.basis}, not {plan.session}"
    return ""


def _held(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    held = book.held.get(order.symbol, 0)
    return f"only {held} held" if order.qty > held else ""


def _covered(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    short = -book.held.get(order.symbol, Decimal(0))
    return f"only {short} sold short" if order.qty > short else ""


def _price(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    # Selling all that is held needs no price; any other size is computed from one.
    if order.side == "sell" and order.qty == int(book.held.get(order.symbol, 0)):
        return ""
    return price_gap(order.symbol, order.price, plan.snapshot, limits)


def _limit(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    highest = highest_price(order.price, limits)
    if highest is None or (order.limit is not None and order.limit <= highest):
        return ""
    return f"it may cost {order.limit} a share; at most {highest} is allowed"


def _drawdown(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    return fallen(plan.snapshot, limits)


def _value(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    worth = exposure(order, plan.snapshot, limits)
    if limits.order_value is not None and worth > limits.order_value:
        return f"it is worth {worth:,.2f}, the limit per order is {limits.order_value:,.2f}"
    return ""


def _session(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    room, what = session_room(plan.snapshot, limits)
    after = book.traded + exposure(order, plan.snapshot, limits)
    if room is not None and after > room:
        return f"the session's orders would be worth {after:,.2f}, the {what} is {room:,.2f}"
    return ""


def _count(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    if limits.session_orders is not None and len(book.ids) >= limits.session_orders:
        return f"the session has {len(book.ids)} orders already, the limit is {limits.session_orders}"
    return ""


def _share(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    if limits.position_share is None:
        return ""
    each = exposure(replace(order, qty=1), plan.snapshot, limits)
    value = (abs(book.held.get(order.symbol, Decimal(0))) + order.qty) * each
    if value > limits.position_share * plan.snapshot.equity:
        return (
            f"{order.symbol} would be worth {value:,.2f}, more than {limits.position_share:.1%} of the equity"
            f" {plan.snapshot.equity:,.2f}"
        )
    return ""


def _symbols(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    if limits.max_symbols is None or book.held.get(order.symbol, 0) != 0:
        return ""
    after = 1 + sum(qty != 0 for qty in book.held.values())
    if after > limits.max_symbols:
        return f"{after} symbols would be held, the limit is {limits.max_symbols}"
    return ""


def _cash(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    most = _taken(order, plan, limits)
    if most > book.cash:
        return f"it may cost {most:,.2f} with the margin for costs and gap, {book.cash:,.2f} is free"
    return ""


_BOTH: tuple[_Check, ...] = (_sane, _once, _recent)
_SELL_CHECKS = (*_BOTH, _held, _price)
_COVER_CHECKS = (*_BOTH, _covered)
_SHORT_CHECKS = (*_BOTH, _drawdown, _price, _value, _share, _symbols, _cash, _count, _session)
_BUY_CHECKS = (*_BOTH, _drawdown, _price, _limit, _value, _share, _symbols, _cash, _count, _session)
