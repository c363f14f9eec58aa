"""What opens positions: the strongest prediction first, each as large as cash and limits leave room for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from my_dagster_project.domain.accounts import Accounts, whole

if TYPE_CHECKING:
    from my_dagster_project.domain.accounts import Flags, Floats


@dataclass
class Room:
    """What new positions may still take, by account: dollars, symbols, dollars traded in the session, orders."""

    cash: Floats
    symbols: Floats
    value: Floats
    orders: Floats

    def copy(self) -> Room:
        """Give the room as it is now."""
        return Room(self.cash.copy(), self.symbols.copy(), self.value.copy(), self.orders.copy())


@dataclass(frozen=True)
class Closing:
    """Whole shares, by account and symbol, of orders that come before any that opens a position.

    `sold` closes what is held, `covered` what is short; `bought` and `shorted` open, and stand at the broker already.
    """

    sold: Floats
    covered: Floats
    bought: Floats | None = None
    shorted: Floats | None = None


@dataclass(frozen=True)
class Wanted:
    """What is to be opened: shares, dollars that one takes of the cash and of what may be traded, and its bound by other limits.

    `refused` is what is not opened however much room there is, `new` what is no position yet. `before` says which come first:
    the lowest.
    """

    qty: Floats
    cost: Floats
    worst: Floats
    bound: Floats
    refused: Flags
    new: Flags
    before: Floats


@dataclass(frozen=True)
class Opened:
    """Whole shares opened, and the room that each found, in turn: (account, place) of `order` is its symbol's column."""

    qty: Floats
    order: Floats
    found: list[Room] = field(default_factory=list)


def room_for(accounts: Accounts, closing: Closing) -> Room:
    """Give what new positions may take beside all that closes something, and what stands at the broker."""
    import numpy as np

    def total(values: Floats) -> Floats:
        found: Floats = np.nansum(values, axis=1)
        return found

    limits, sold, covered = accounts.limits, closing.sold, closing.covered
    gone = (sold > 0) & (sold >= accounts.shares)
    # A symbol without a close of the session is halted, or not followed any more: its sell may not be executed.
    brought = (
        total(sold * accounts.closes) * (1 - accounts.rules.cash_margin[:, 0]) * accounts.spendable[:, 0]
    )
    holds = (accounts.shares > 0).sum(axis=1) - gone.sum(axis=1) + (accounts.short > 0).sum(axis=1)
    room = Room(
        cash=accounts.own_cash[:, 0] + brought,
        symbols=limits.max_symbols[:, 0] - holds,
        value=accounts.session_room[:, 0] - total((sold + covered) * accounts.prices),
        orders=limits.session_orders[:, 0] - (sold > 0).sum(axis=1) - (covered > 0).sum(axis=1),
    )
    for opened, takes, there in (
        (closing.bought, accounts.cost, accounts.shares > 0),
        (closing.shorted, accounts.worst, accounts.short > 0),
    ):
        if opened is not None:
            room.cash -= total(opened * takes)
            room.value -= total(opened * accounts.worst)
            room.symbols -= ((opened > 0) & ~there).sum(axis=1)
            room.orders -= (opened > 0).sum(axis=1)
    return room


def to_buy(accounts: Accounts, qty: Floats, trades: Flags, values: Floats) -> Wanted:
    """Give what is to be bought of what is wanted (whole shares), the strongest prediction first."""
    import numpy as np

    limits, worst = accounts.limits, accounts.worst
    more = np.where(trades, np.maximum(qty - accounts.held, 0.0), 0.0)
    most = limits.position_share * accounts.worth
    with np.errstate(invalid="ignore"):
        left = np.where(np.isinf(most), np.inf, most - accounts.shares * worst)
    bound = np.minimum(whole(limits.order_value / worst), whole(left / worst))
    refused = np.broadcast_to(accounts.too_deep, more.shape)
    return Wanted(more, accounts.cost, worst, bound, refused, accounts.shares == 0, -values)


def opened(wanted: Wanted, room: Room) -> Opened:
    """Open what is wanted, in its order, as far as there is room; `room` is what is left afterwards."""
    import numpy as np

    many = (wanted.qty > 0).sum(axis=1)
    turns = int(many.max(initial=0))
    qty = np.zeros_like(wanted.qty)
    order = np.argsort(np.where(wanted.qty > 0, wanted.before, np.inf), axis=1, kind="stable")[:, :turns]
    result = Opened(qty, order)
    if not turns:
        return result
    rows = np.arange(len(qty))
    shape = qty.shape
    each = [
        np.broadcast_to(one, shape)[rows[:, None], order].T
        for one in (wanted.qty, wanted.cost, wanted.worst, wanted.bound, wanted.refused, wanted.new)
    ]
    for turn, (more, cost, worst, bound, refused, new) in enumerate(zip(*each, strict=True)):
        result.found.append(room.copy())
        closed = refused | (room.orders <= 0) | (new & (room.symbols <= 0)) | (turn >= many)
        most = np.minimum(whole(room.cash / cost), whole(room.value / worst))
        taken = np.where(closed, 0.0, np.maximum(np.minimum(np.minimum(most, bound), more), 0.0))
        some = taken > 0
        room.cash -= np.where(some, taken * cost, 0.0)
        room.value -= np.where(some, taken * worst, 0.0)
        room.symbols -= some & new
        room.orders -= some
        qty[rows[some], order[some, turn]] = taken[some]
    return result
