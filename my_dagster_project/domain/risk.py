"""The risk gate: the last pure check before orders leave the house. It trusts nothing that planning computed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from my_dagster_project.domain.plan import Limits, Plan, PlannedOrder, Skipped

GATE = "risk gate"


def strictest(*limits: Limits) -> Limits:
    """Give the minimum of several limits (the organiser's and the team's), field by field; None is no limit."""

    return Limits(
        max_symbols=min(
            (given.max_symbols for given in limits if given.max_symbols is not None), default=None
        ),
        position_share=_least(given.position_share for given in limits),
        order_value=_least(given.order_value for given in limits),
    )


def _least(values: Iterable[Decimal | None]) -> Decimal | None:
    return min((value for value in values if value is not None), default=None)


@dataclass
class _Book:
    """The account as it will stand when the orders let through so far are filled at their planned prices."""

    held: dict[str, int]
    cash: Decimal
    ids: set[str] = field(default_factory=set)
    symbols: set[str] = field(default_factory=set)


_Check = Callable[[PlannedOrder, _Book, Plan, Limits], str]


def gate(plan: Plan, limits: Limits) -> Plan:
    """Give the plan with only the orders that `limits`, holdings and cash allow; each refusal is in `skipped`.

    The gate never changes the size of an order: one that is too large is refused, because it should not have
    been planned. Idempotent: a plan that passed passes again unchanged.
    """
    book = _Book(dict(plan.snapshot.held), plan.snapshot.cash)
    passed: list[PlannedOrder] = []
    refused: list[Skipped] = []
    # Sells first, whatever the plan's order: the cash of a sell that is refused must not pay for a buy.
    for order in sorted(plan.orders, key=lambda order: order.side == "buy"):
        reason = _first_refusal(order, book, plan, limits)
        if reason:
            refused.append(Skipped(order.symbol, f"{order.side} {order.qty} refused: {reason}", GATE))
            continue
        passed.append(order)
        _enter(order, book, plan)
    return replace(plan, orders=tuple(passed), skipped=(*plan.skipped, *refused))


def refusals(plan: Plan) -> list[Skipped]:
    """Give what the gate refused."""
    return [skip for skip in plan.skipped if skip.by == GATE]


def _first_refusal(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    common: Iterable[_Check] = (_sane, _once)
    checks = (*common, _held) if order.side == "sell" else (*common, _value, _share, _symbols, _cash)
    return next((reason for check in checks if (reason := check(order, book, plan, limits))), "")


def _enter(order: PlannedOrder, book: _Book, plan: Plan) -> None:
    signed = order.qty if order.side == "buy" else -order.qty
    book.held[order.symbol] = book.held.get(order.symbol, 0) + signed
    book.ids.add(order.client_order_id)
    book.symbols.add(order.symbol)
    if order.side == "buy":
        book.cash -= order.value * (1 + plan.snapshot.cash_margin)
    elif plan.snapshot.spendable_proceeds:
        book.cash += order.value * (1 - plan.snapshot.cash_margin)


def _sane(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    close = plan.snapshot.closes.get(order.symbol)
    if order.qty < 1:
        return f"{order.qty} shares is no order"
    if close is None or order.price != close:
        return f"it was sized at {order.price}, the close of {plan.session} is {close}"
    return ""


def _once(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    if order.client_order_id in book.ids or order.symbol in book.symbols:
        return f"there is another order for {order.symbol} in this plan"
    return ""


def _held(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    held = book.held.get(order.symbol, 0)
    return f"only {held} held" if order.qty > held else ""


def _value(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    if limits.order_value is not None and order.value > limits.order_value:
        return f"it is worth {order.value:,.2f}, the limit per order is {limits.order_value:,.2f}"
    return ""


def _share(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    if limits.position_share is None:
        return ""
    value = (book.held.get(order.symbol, 0) + order.qty) * order.price
    if value > limits.position_share * plan.snapshot.equity:
        return (
            f"{order.symbol} would be worth {value:,.2f}, more than {limits.position_share:.1%} of the equity"
            f" {plan.snapshot.equity:,.2f}"
        )
    return ""


def _symbols(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    after = {symbol for symbol, qty in book.held.items() if qty > 0} | {order.symbol}
    if (
        limits.max_symbols is not None
        and book.held.get(order.symbol, 0) == 0
        and len(after) > limits.max_symbols
    ):
        return f"{len(after)} symbols would be held, the limit is {limits.max_symbols}"
    return ""


def _cash(order: PlannedOrder, book: _Book, plan: Plan, limits: Limits) -> str:
    cost = order.value * (1 + plan.snapshot.cash_margin)
    if cost > book.cash:
        return f"it may cost {cost:,.2f} with the margin for costs and gap, {book.cash:,.2f} is free"
    return ""
