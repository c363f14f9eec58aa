"""What an account must hold by our own records, and where the broker says otherwise. Pure.

Known is what the account held when it was last found in order. Since then only what our own orders did may have changed it,
and what the broker's statement says by itself: splits, dividends, fees, interest.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from my_dagster_project.trading.broker import Account, Activity, Order, Position

CENT = Decimal("0.01")
# A dividend may be booked some days late, with the day it was due: lines are known by their id, not by their date.
LOOK_BACK = timedelta(days=7)
# Money or shares that somebody moved: they are on the statement, and nobody but a person can say that it is right.
MOVED = frozenset({"ACATC", "ACATS", "CSD", "CSW", "CSR", "JNL", "JNLC", "JNLS", "TRANS", "MISC"})


@dataclass(frozen=True)
class Books:
    """An account as it was found in order after the close of `session`: dollars, shares by symbol.

    `lines` are the ids of the statement's lines since `since` that are in these figures already; `orders` those of orders
    that are not ours and that a person has accepted. `peak` is the highest equity up to then; None where nobody asked.
    """

    account: str
    session: date
    cash: Decimal
    held: Mapping[str, Decimal]
    since: date
    lines: frozenset[str] = frozenset()
    orders: frozenset[str] = frozenset()
    peak: Decimal | None = None


@dataclass(frozen=True)
class Statement:
    """The account as the broker has it now: what it holds, the lines of its statement and its orders of late.

    `ours` are the broker's ids of those orders that our own records have (`trading.sent`).
    """

    account: Account
    positions: Sequence[Position]
    lines: Sequence[Activity]
    orders: Sequence[Order] = ()
    ours: Set[str] = frozenset()

    @property
    def held(self) -> dict[str, Decimal]:
        """Give the shares by symbol, negative when short."""
        return {position.symbol: position.qty for position in self.positions if position.qty}


@dataclass(frozen=True)
class Difference:
    """One thing that our records do not explain; `what` is a symbol, 'cash', or an order's id."""

    what: str
    words: str

    def __str__(self) -> str:
        return f"{self.what}: {self.words}"


def closed(
    session: date,
    since: date,
    found: Statement,
    accepted: Iterable[Order] = (),
    before: Books | None = None,
    peak: Decimal | None = None,
) -> Books:
    """Give the books as of now: what was found is what is known from here on."""
    known = before.orders if before else frozenset()
    return Books(
        account=found.account.id,
        session=session,
        cash=found.account.cash,
        held=found.held,
        since=since,
        lines=frozenset(line.id for line in found.lines if line.day >= since),
        orders=known | {order.id for order in accepted},
        peak=peak,
    )


def strangers(books: Books | None, found: Statement) -> list[Order]:
    """Give the orders that are not ours, nor accepted, and that may still fill or have filled since."""
    filled = {line.order_id for line in _new(books, found)} if books else set()
    accepted = books.orders if books else frozenset()
    return [
        order
        for order in found.orders
        if order.id not in found.ours and order.id not in accepted and (order.is_open or order.id in filled)
    ]


def differences(books: Books, found: Statement) -> list[Difference]:
    """Give everything our records do not explain: orders first, then shares by symbol, then cash beyond a cent."""
    new = _new(books, found)
    known = found.ours | books.orders
    good = [
        line for line in new if (line.order_id in known if line.kind == "FILL" else line.kind not in MOVED)
    ]
    told = [_of_order(order) for order in strangers(books, found)]
    told += [_of_line(line) for line in new if line.kind in MOVED]
    told += _of_shares(books, good, found.held)
    expected = books.cash + sum((line.amount for line in good), Decimal(0))
    if abs(gap := found.account.cash - expected) > CENT:
        words = f"{expected:,.2f} expected ({books.cash:,.2f} after {books.session}), {found.account.cash:,.2f} there"
        told.append(Difference("cash", f"{words}: {abs(gap):,.2f} {'more' if gap > 0 else 'less'}"))
    return told


def _new(books: Books, found: Statement) -> list[Activity]:
    return [line for line in found.lines if line.id not in books.lines]


def _of_order(order: Order) -> Difference:
    what = f"{order.side} {order.qty} {order.symbol}, {order.status}, {order.filled_qty} filled"
    return Difference(f"order {order.client_order_id}", f"{what}; it is not one of ours")


def _of_line(line: Activity) -> Difference:
    shares = f"{line.qty} {line.symbol} and " if line.qty else ""
    return Difference(f"{line.kind} of {line.day}", f"{shares}{line.amount:,.2f} dollars moved by somebody")


def _of_shares(books: Books, good: Iterable[Activity], held: Mapping[str, Decimal]) -> list[Difference]:
    expected = defaultdict(Decimal, books.held)
    for line in good:
        expected[line.symbol] += line.qty
    symbols = sorted({*expected, *held})
    gaps = {symbol: (expected[symbol], held.get(symbol, Decimal(0))) for symbol in symbols}
    was = {symbol: books.held.get(symbol, Decimal(0)) for symbol in symbols}
    return [
        Difference(
            symbol,
            f"{wanted} shares expected ({was[symbol]} after {books.session}, and what our orders and the broker's"
            f" statement changed since), {there} held",
        )
        for symbol, (wanted, there) in gaps.items()
        if wanted != there
    ]
