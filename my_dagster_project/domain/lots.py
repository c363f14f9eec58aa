"""Lots: the shares of an account by the order they came with, less what has left; the oldest leave first. Pure."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Protocol

NOTHING = Decimal(0)
_FINE = Decimal("0.000001")
_SHARE_STEP = Decimal("0.000000001")


class StatementLine(Protocol):
    """What a journal reads of a line of the statement (`trading.broker.Activity` fits): changes of shares and of dollars."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def day(self) -> date: ...  # noqa: D102
    @property
    def symbol(self) -> str: ...  # noqa: D102
    @property
    def qty(self) -> Decimal: ...  # noqa: D102
    @property
    def amount(self) -> Decimal: ...  # noqa: D102
    @property
    def order_id(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Trip:
    """Shares of a symbol that came with one order and left with another, or are `held` still.

    `qty` is negative for shares sold short, and counts shares of the day they left (of today while held): a split changes it.
    `paid` are the dollars the shares cost, `got` those they brought, or are worth while held; both negative when short.
    `dividends` hold the cash of splits for fractions too. Orders are the broker's ids, '' where there was none.
    """

    symbol: str
    qty: Decimal
    entry_day: date
    entry_order: str
    paid: Decimal
    got: Decimal
    fees: Decimal
    dividends: Decimal
    exit_day: date | None = None
    exit_order: str = ""

    @property
    def held(self) -> bool:
        """Tell whether the account has these shares still."""
        return self.exit_day is None

    @property
    def gain(self) -> Decimal:
        """Give what the shares earned in all, after fees and with dividends, dollars."""
        return self.got - self.paid + self.dividends - self.fees

    @property
    def fraction(self) -> Decimal | None:
        """Give the gain as a fraction of what the shares cost (or brought, when short); None when that was nothing."""
        return self.gain / abs(self.paid) if self.paid else None

    @property
    def entry_price(self) -> Decimal:
        """Give the dollars a share at the entry, in shares of the day of the exit."""
        return self.paid / self.qty

    @property
    def exit_price(self) -> Decimal:
        """Give the dollars a share at the exit; while held, what a share is worth."""
        return self.got / self.qty


def parts_of(amount: Decimal, shares: list[Decimal]) -> list[Decimal]:
    """Give an amount in parts in proportion to shares; the last one takes what rounding leaves, so that none is lost."""
    whole, parts = sum(shares, NOTHING), []
    for qty in shares[:-1]:
        parts.append((amount * qty / whole).quantize(_FINE))
    return [*parts, amount - sum(parts, NOTHING)] if shares else []


@dataclass
class Lot:
    """Shares that came with one order, less what has left; negative when short."""

    day: date
    order: str
    qty: Decimal
    paid: Decimal
    fees: Decimal
    dividends: Decimal = NOTHING

    def take(self, qty: Decimal) -> "Lot":
        """Take some of the shares out, with their part of everything."""
        rest = self.qty - qty
        paid, fees, dividends = (
            parts_of(amount, [abs(rest), abs(qty)])[1] for amount in (self.paid, self.fees, self.dividends)
        )
        taken = replace(self, qty=qty, paid=paid, fees=fees, dividends=dividends)
        self.add(replace(self, qty=-qty, paid=-paid, fees=-fees, dividends=-dividends))
        return taken

    def add(self, other: "Lot") -> None:
        """Take in shares of another lot, with what they cost and brought."""
        self.qty += other.qty
        self.paid += other.paid
        self.fees += other.fees
        self.dividends += other.dividends

    def trip(self, symbol: str, got: Decimal, fee: Decimal, day: date | None, order: str = "") -> Trip:
        """Give the round trip that ends here."""
        fees = self.fees + fee
        entry = (self.day, self.order, self.paid)
        return Trip(symbol, self.qty, *entry, got, fees, self.dividends, day, order)


@dataclass
class Lots:
    """The lots of each symbol, oldest first, and the trips that have ended."""

    lots: dict[str, deque[Lot]] = field(default_factory=lambda: defaultdict(deque))
    trips: list[Trip] = field(default_factory=list)

    def trade(self, line: StatementLine, fee: Decimal) -> None:
        """Close the oldest shares on the other side; what is left over is a new lot."""
        lots, left, amount = self.lots[line.symbol], line.qty, line.amount
        while left and lots and (lots[0].qty > 0) != (left > 0):
            qty = min(abs(left), abs(lots[0].qty)).copy_sign(left)
            got, paid = (parts_of(one, [abs(left - qty), abs(qty)])[1] for one in (amount, fee))
            closed = lots[0].take(-qty)
            self.trips.append(closed.trip(line.symbol, got, paid, line.day, line.order_id))
            left, amount, fee = left - qty, amount - got, fee - paid
            if not lots[0].qty:
                lots.popleft()
        if left:
            lots.append(Lot(line.day, line.order_id, left, -amount, fee))

    def exchange(self, line: StatementLine) -> None:
        """Turn old shares into new ones (a split); what was paid for a fraction is income, or all they brought."""
        lots = self.lots[line.symbol]
        before = sum((lot.qty for lot in lots), NOTHING)
        after = before + line.qty
        if not after:
            for lot, got in zip(lots, parts_of(line.amount, [abs(lot.qty) for lot in lots]), strict=True):
                self.trips.append(lot.trip(line.symbol, got, NOTHING, line.day))
            lots.clear()
            return
        step = Decimal(1) if after == int(after) else _SHARE_STEP
        old = new = NOTHING
        kept: deque[Lot] = deque()
        carried: Lot | None = None
        for lot in lots:
            old += lot.qty
            edge = after if old == before else (old * after / before).quantize(step, ROUND_DOWN)
            lot.qty, new = edge - new, edge
            if carried:
                lot.add(carried)
            # A lot too small for one new share goes with the next one; the last one always has some.
            carried = None if lot.qty else lot
            if lot.qty:
                kept.append(lot)
        self.lots[line.symbol] = kept
        self.pay(line.symbol, line.amount)

    def pay(self, symbol: str, amount: Decimal) -> None:
        """Book cash to the shares that earned it."""
        lots = self.lots[symbol]
        for lot, part in zip(lots, parts_of(amount, [abs(lot.qty) for lot in lots]), strict=True):
            lot.dividends += part

    def charge(self, symbol: str, fee: Decimal) -> None:
        """Book a fee to the shares it was taken for."""
        lots = self.lots[symbol]
        for lot, part in zip(lots, parts_of(fee, [abs(lot.qty) for lot in lots]), strict=True):
            lot.fees += part

    def held(self, prices: Mapping[str, Decimal]) -> list[Trip]:
        """Give what has not ended, at these prices."""
        return [
            lot.trip(symbol, lot.qty * prices[symbol] if symbol in prices else lot.paid, NOTHING, None)
            for symbol, lots in sorted(self.lots.items())
            for lot in lots
        ]
