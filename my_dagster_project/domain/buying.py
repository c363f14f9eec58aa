"""What opens positions: the strongest prediction first, each as large as cash and limits leave room for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from my_dagster_project.domain.account_columns import Accounts, whole

if TYPE_CHECKING:
    from my_dagster_project.domain.account_columns import Flags, Floats


@dataclass(frozen=True)
class Room:
    """What new positions may still take, by account: dollars, dollars traded in the session, symbols, orders (rows of `left`)."""

    left: Floats

    @property
    def cash(self) -> float:
        """Give the first account's dollars."""
        return float(self.left[0, 0])

    @property
    def value(self) -> float:
        """Give the dollars that the first account may still trade in the session."""
        return float(self.left[1, 0])

    @property
    def symbols(self) -> float:
        """Give how many more symbols the first account may hold."""
        return float(self.left[2, 0])

    @property
    def orders(self) -> float:
        """Give how many more orders the first account may send."""
        return float(self.left[3, 0])


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
    left = np.stack(
        [
            accounts.own_cash[:, 0] + brought,
            accounts.session_room[:, 0] - total((sold + covered) * accounts.prices),
            limits.max_symbols[:, 0] - holds,
            limits.session_orders[:, 0] - (sold > 0).sum(axis=1) - (covered > 0).sum(axis=1),
        ]
    )
    for opened, takes, there in (
        (closing.bought, accounts.cost, accounts.shares > 0),
        (closing.shorted, accounts.worst, accounts.short > 0),
    ):
        if opened is not None:
            some = opened > 0
            left -= [
                total(opened * takes),
                total(opened * accounts.worst),
                (some & ~there).sum(axis=1),
                some.sum(axis=1),
            ]
    return Room(left)


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


def opened(wanted: Wanted, room: Room) -> tuple[Opened, Room]:
    """Open what is wanted, in its order, as far as there is room; give the room that is left, too."""
    import numpy as np

    many = (wanted.qty > 0).sum(axis=1)
    turns, qty = int(many.max(initial=0)), np.zeros_like(wanted.qty)
    if not turns:
        return Opened(qty, np.zeros((len(qty), 0), int)), room
    order = np.argsort(np.where(wanted.qty > 0, wanted.before, np.inf), axis=1, kind="stable")[:, :turns]
    rows = np.arange(len(qty))[:, None]
    # What an account wants no more of takes nothing; whatever its price is.
    there = (np.arange(turns) < many[:, None]).T
    cost, worst = (
        np.where(there, _in_turn(one, qty, rows, order), 1.0) for one in (wanted.cost, wanted.worst)
    )
    bound = np.where(wanted.refused, 0.0, np.minimum(wanted.bound, wanted.qty))
    most = np.where(there, _in_turn(bound, qty, rows, order), 0.0)
    new = _in_turn(wanted.new, qty, rows, order)
    taken, found, left = np.zeros_like(most), [], room.left.copy()
    cash, value, symbols, orders = left
    for turn in range(turns):
        found.append(Room(left.copy()))
        shares = whole(np.minimum(cash / cost[turn], value / worst[turn]))
        shares = np.maximum(np.minimum(shares, most[turn]), 0.0)
        shares *= (orders > 0) & ((symbols > 0) | ~new[turn])
        cash -= shares * cost[turn]
        value -= shares * worst[turn]
        some = shares > 0
        symbols -= some & new[turn]
        orders -= some
        taken[turn] = shares
    qty[rows, order] = taken.T
    return Opened(qty, order, found), Room(left)


def _in_turn(values: Floats, like: Floats, rows: Floats, order: Floats) -> Floats:
    import numpy as np

    found: Floats = np.broadcast_to(values, like.shape)[rows, order].T
    return found
