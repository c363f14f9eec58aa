"""Round trips: the shares of an account from the order they came with to the order they left with. Pure.

First in, first out: what is sold are the oldest shares. So a round trip has one entry, one exit and one prediction behind each,
and the gains of all trips, of what is still held at today's prices, and of what belongs to no shares (interest, deposits) are
to the last digit what the account's equity has changed by.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from my_dagster_project.domain.lots import NOTHING, Lots, StatementLine, Trip, parts_of

FEES = frozenset({"FEE", "CFEE"})
# Shares that came from, or went to, another account; any other line that changes shares turns old ones into new ones.
_TRANSFERS = frozenset({"ACATS", "JNLS"})


@dataclass(frozen=True)
class Journal:
    """All round trips, those that ended in the order of their ends, and then what is held.

    `other` are the dollars that belong to no shares of the account: interest, deposits, a dividend after the shares had left.
    """

    trips: tuple[Trip, ...] = ()
    other: Decimal = NOTHING

    @property
    def total(self) -> Decimal:
        """Give everything together: the change of the account's equity since its statement began, dollars."""
        return sum((trip.gain for trip in self.trips), self.other)


def journal(statement: Iterable[StatementLine], prices: Mapping[str, Decimal]) -> Journal:
    """Give the round trips of an account's whole statement, oldest line first.

    `prices` (dollars a share) value what is held; a symbol without one is taken at what it cost. A day's fees are shared
    by its executions, of the fee's symbol where it names one, by shares; on a day without any they are of what is held of the
    symbol (or short: borrowing it).
    """
    lines, other = list(statement), NOTHING
    fees, without = _fees(lines)
    book = Lots()
    for line in lines:
        lots = book.lots[line.symbol]
        if line.kind in FEES:
            if line.id in without and lots:
                book.charge(line.symbol, -line.amount)
            elif line.id in without:
                other += line.amount
        elif line.qty and (line.kind == "FILL" or line.kind in _TRANSFERS or not lots):
            book.trade(line, fees[line.id])
        elif line.qty:
            book.exchange(line)
        elif lots:
            book.pay(line.symbol, line.amount)
        else:
            other += line.amount
    return Journal((*_together(book.trips), *_together(book.held(prices))), other)


def _fees(lines: list[StatementLine]) -> tuple[dict[str, Decimal], set[str]]:
    """Give each execution's part of its day's fees, by the line's id, and the ids of fees of days without one."""
    shared: dict[str, Decimal] = defaultdict(Decimal)
    without: set[str] = set()
    filled: dict[date, list[StatementLine]] = defaultdict(list)
    for line in lines:
        if line.kind == "FILL":
            filled[line.day].append(line)
    for fee in (line for line in lines if line.kind in FEES):
        payers = [line for line in filled[fee.day] if not fee.symbol or line.symbol == fee.symbol]
        if not payers:
            without.add(fee.id)
        for line, part in zip(payers, parts_of(-fee.amount, [abs(line.qty) for line in payers]), strict=True):
            shared[line.id] += part
    return shared, without


def _together(trips: Iterable[Trip]) -> list[Trip]:
    """Executions of one order are one: trips with the same entry and the same exit become one trip."""
    found: dict[tuple[object, ...], Trip] = {}
    for trip in trips:
        ends = (trip.symbol, trip.entry_day, trip.entry_order, trip.exit_day, trip.exit_order)
        known = found.get(ends)
        found[ends] = trip if known is None else _sum(known, trip)
    return list(found.values())


def _sum(one: Trip, other: Trip) -> Trip:
    added = ("qty", "paid", "got", "fees", "dividends")
    return replace(one, **{name: getattr(one, name) + getattr(other, name) for name in added})
