"""The risk gate: the last pure check before orders leave the house. It trusts nothing that planning computed."""

from dataclasses import replace
from decimal import Decimal

from my_dagster_project.domain.limits import (
    LIMITS,
    AccountAfter,
    Check,
    Limits,
    exposure,
    far_price,
    proceeds,
    taken,
)
from my_dagster_project.domain.plan import Plan, PlannedOrder, Skipped

GATE = "risk gate"


def gate(plan: Plan, limits: Limits) -> Plan:
    """Give the plan with only the orders that `limits`, holdings and cash allow; each refusal is in `skipped`.

    The gate never changes the size of an order: one that is too large is refused, because it should not have
    been planned. Idempotent: a plan that passed passes again unchanged. An order that stands at the broker already
    cannot be refused any more; it passes, and counts.
    """
    book = AccountAfter(plan.snapshot.signed, plan.snapshot.own_cash)
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


def _first_refusal(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    if order.side == "sell":
        short = plan.snapshot.lends and plan.snapshot.opens_short(order)
        checks = _OPENING_CHECKS if short else _SELL_CHECKS
    else:
        checks = _COVER_CHECKS if plan.snapshot.covers(order) else _OPENING_CHECKS
    return next((reason for check in checks if (reason := check(order, book, plan, limits))), "")


def _enter(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> None:
    signed = order.qty if order.side == "buy" else -order.qty
    book.held[order.symbol] = book.held.get(order.symbol, Decimal(0)) + signed
    book.ids.add(order.client_order_id)
    book.symbols.add(order.symbol)
    book.traded += exposure(order, plan.snapshot, limits)
    if plan.snapshot.covers(order):
        return  # what it frees is there after the open
    if order.side == "buy" or plan.snapshot.opens_short(order):
        book.cash -= taken(order, plan, limits)
    else:
        book.cash += proceeds([order], plan.snapshot)


def _sane(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    close = plan.snapshot.closes.get(order.symbol)
    if order.qty < 1:
        return f"{order.qty} shares is no order"
    closing = order.side == "sell" or plan.snapshot.covers(order)
    if close is None and closing and order.price == plan.snapshot.marks.get(order.symbol):
        return ""
    if close is None or order.price != close:
        return f"it was sized at {order.price}, the close of {plan.session} is {close}"
    return ""


def _once(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    if order.client_order_id in book.ids or order.symbol in book.symbols:
        return f"there is another order for {order.symbol} in this plan"
    return ""


def _recent(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    if order.basis is not None and order.basis != plan.session:
        return f"it follows from a prediction of session {order.basis}, not {plan.session}"
    return ""


def _held(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    held = book.held.get(order.symbol, 0)
    return f"only {held} held" if order.qty > held else ""


def _covered(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    short = -book.held.get(order.symbol, Decimal(0))
    return f"only {short} sold short" if order.qty > short else ""


_BOTH: tuple[Check, ...] = (_sane, _once, _recent)
_SELL_CHECKS = (*_BOTH, _held, far_price)
_COVER_CHECKS = (*_BOTH, _covered)
_OPENING_CHECKS = (*_BOTH, *LIMITS)
