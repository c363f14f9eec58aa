"""The buys of a plan: the strongest prediction first, each as large as cash and limits leave room for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from my_dagster_project.domain.limits import cost, fallen, free_cash, highest_price, session_room
from my_dagster_project.domain.plan import Limits, Plan, PlannedOrder, Skipped, Snapshot
from my_dagster_project.domain.sizing import Wish


@dataclass
class _Room:
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


def buy_orders(
    plan: Plan, wishes: Sequence[Wish], before: Sequence[PlannedOrder], limits: Limits
) -> tuple[list[PlannedOrder], list[Skipped]]:
    """Give the buys that fit beside the orders `before` them (all sells, and buys that stand), and what did not fit."""
    held = plan.snapshot.held
    room = _room(plan, wishes, before, limits)
    too_deep = fallen(plan.snapshot, limits)
    buys: list[PlannedOrder] = []
    unmet: list[Skipped] = []
    for wish in sorted(wishes, key=lambda wish: (-wish.signal.value, wish.symbol)):
        if wish.qty <= held.get(wish.symbol, 0):
            continue
        new = wish.symbol not in plan.snapshot.shares
        reason = too_deep or _full(room, limits, new=new)
        order, reason = (None, reason) if reason else _buy(plan, wish, limits, room)
        if order is None:
            unmet.append(Skipped(wish.symbol, f"{wish.why}; not bought: {reason}"))
            continue
        room.take(order, plan.snapshot)
        buys.append(order)
    return buys, unmet


def _room(plan: Plan, wishes: Sequence[Wish], before: Sequence[PlannedOrder], limits: Limits) -> _Room:
    held = plan.snapshot.shares
    sells = [order for order in before if order.side == "sell"]
    gone = {order.symbol for order in sells if order.qty >= held.get(order.symbol, 0)}
    everything = len(wishes) + len(before) + len(held)
    most = everything if limits.max_symbols is None else limits.max_symbols
    value, _ = session_room(plan.snapshot, limits)
    room = _Room(
        cash=free_cash(plan.snapshot, sells),
        symbols=most - len(set(held) - gone),
        value=None if value is None else value - sum((order.value for order in sells), Decimal(0)),
        orders=(everything if limits.session_orders is None else limits.session_orders) - len(sells),
    )
    for order in before:
        if order.side == "buy":
            room.take(order, plan.snapshot)
    return room


def _full(room: _Room, limits: Limits, *, new: bool) -> str:
    """Say why not even one share may be bought; '' when it may."""
    if room.orders <= 0:
        return f"the limit of {limits.session_orders} orders a session is reached"
    if new and room.symbols <= 0:
        return f"the limit of {limits.max_symbols} symbols held is reached"
    return ""


def _buy(plan: Plan, wish: Wish, limits: Limits, room: _Room) -> tuple[PlannedOrder | None, str]:
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
    name, why, said = plan.order_id(wish.symbol, "buy"), wish.why + note, wish.signal
    bought = replace(one, client_order_id=name, qty=qty, reason=why)
    return replace(bought, basis=said.session, prediction=said.value), ""


def _caps(
    snapshot: Snapshot, one: PlannedOrder, limits: Limits, room: _Room
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
