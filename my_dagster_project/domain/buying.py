"""The buys of a plan: the strongest prediction first, each as large as cash and limits leave room for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from my_dagster_project.domain.limits import (
    Limits,
    cost,
    exposure,
    fallen,
    free_cash,
    highest_price,
    session_room,
)
from my_dagster_project.domain.plan import Plan, PlannedOrder, Skipped, Snapshot
from my_dagster_project.domain.sizing import Wish


@dataclass
class Room:
    """What buys may still take: dollars, symbols, dollars traded in the session (None: no limit), orders."""

    cash: Decimal
    symbols: int
    value: Decimal | None
    orders: int

    def take(self, order: PlannedOrder, snapshot: Snapshot) -> None:
        """Enter a buy."""
        self.cash -= cost(order, snapshot)
        self.symbols -= order.symbol not in snapshot.shares
        self.orders -= 1
        if self.value is not None:
            self.value -= order.worst

    def take_short(self, order: PlannedOrder, snapshot: Snapshot, limits: Limits) -> None:
        """Enter a short sale: it takes as much cash as if it were bought, for buying back."""
        worth = exposure(order, snapshot, limits)
        self.cash -= worth
        self.symbols -= order.symbol not in snapshot.short
        self.orders -= 1
        if self.value is not None:
            self.value -= worth


def buy_orders(
    plan: Plan, wishes: Sequence[Wish], room: Room, limits: Limits
) -> tuple[list[PlannedOrder], list[Skipped]]:
    """Give the buys that there is room for, and what did not fit."""
    held = plan.snapshot.held
    too_deep = fallen(plan.snapshot, limits)
    buys: list[PlannedOrder] = []
    unmet: list[Skipped] = []
    for wish in sorted(wishes, key=lambda wish: (-wish.signal.value, wish.symbol)):
        if wish.qty <= held.get(wish.symbol, 0):
            continue
        new = wish.symbol not in plan.snapshot.shares
        reason = too_deep or full(room, limits, new=new)
        order, reason = (None, reason) if reason else _buy(plan, wish, limits, room)
        if order is None:
            unmet.append(Skipped(wish.symbol, f"{wish.why}; not bought: {reason}"))
            continue
        room.take(order, plan.snapshot)
        buys.append(order)
    return buys, unmet


def room_for(plan: Plan, before: Sequence[PlannedOrder], limits: Limits) -> Room:
    """Give what new positions may take beside the orders `before` them: all that closes something, and what stands."""
    snapshot, held = plan.snapshot, plan.snapshot.shares
    sells = [order for order in before if order.side == "sell" and not snapshot.opens_short(order)]
    gone = {order.symbol for order in sells if order.qty >= held.get(order.symbol, 0)}
    everything = len(snapshot.closes) + len(before) + len(held) + len(snapshot.short)
    most = everything if limits.max_symbols is None else limits.max_symbols
    value, _ = session_room(snapshot, limits)
    room = Room(
        cash=free_cash(snapshot, sells),
        symbols=most - len(set(held) - gone) - len(snapshot.short),
        value=None if value is None else value - sum((order.value for order in sells), Decimal(0)),
        orders=(everything if limits.session_orders is None else limits.session_orders) - len(sells),
    )
    for order in before:
        if snapshot.opens_short(order):
            room.take_short(order, snapshot, limits)
        elif snapshot.covers(order):
            room.orders -= 1
            room.value = None if room.value is None else room.value - order.worst
        elif order.side == "buy":
            room.take(order, snapshot)
    return room


def full(room: Room, limits: Limits, *, new: bool) -> str:
    """Say why not even one share may be bought; '' when it may."""
    if room.orders <= 0:
        return f"the limit of {limits.session_orders} orders a session is reached"
    if new and room.symbols <= 0:
        return f"the limit of {limits.max_symbols} symbols held is reached"
    return ""


def _buy(plan: Plan, wish: Wish, limits: Limits, room: Room) -> tuple[PlannedOrder | None, str]:
    """Give the buy that cash and limits allow, else None and the reason."""
    price = plan.snapshot.closes[wish.symbol]
    wanted = wish.qty - plan.snapshot.held.get(wish.symbol, 0)
    one = PlannedOrder("", wish.symbol, "buy", 1, price, "", limit=highest_price(price, limits))
    qty, dollars, what = min(_caps(plan.snapshot, one, limits, room), default=(wanted, Decimal(0), ""))
    if qty >= wanted:
        qty, what = wanted, ""
    if qty <= 0:
        return None, f"one share costs {price:,.2f}{_at_most(one)}, {_left(what)} {dollars:,.2f}"
    note = f"; {qty} instead of {wanted}: {what}" if what else ""
    return replace(plan.order(wish.symbol, "buy", qty, wish.why + note, wish.signal), limit=one.limit), ""


def _caps(
    snapshot: Snapshot, one: PlannedOrder, limits: Limits, room: Room
) -> list[tuple[int, Decimal, str]]:
    """Give what bounds a buy, of which `one` is one share: whole shares, the dollars behind them, and what it is called."""
    caps = [(int(room.cash / cost(one, snapshot)), room.cash, "cash")]
    if limits.order_value is not None:
        caps.append((int(limits.order_value / one.worst), limits.order_value, "order limit"))
    if room.value is not None:
        caps.append((int(room.value / one.worst), room.value, session_room(snapshot, limits)[1]))
    if limits.position_share is not None:
        most = limits.position_share * max(snapshot.equity, Decimal(0))
        left = most - snapshot.shares.get(one.symbol, 0) * one.worst
        caps.append((int(left / one.worst), left, "symbol limit"))
    return caps


def _at_most(one: PlannedOrder) -> str:
    return "" if one.limit is None else f" (at most {one.limit:,.2f})"


def _left(what: str) -> str:
    return "cash free" if what == "cash" else f"{what}{'' if what == 'order limit' else ' leaves'}"
