"""What an account is worth and may spend: arithmetic over the rows of one transaction. Dollars, exact decimals."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal

from my_dagster_project.paper_broker.refusals import unprocessable

OPEN = "accepted"
BPS = Decimal(10_000)
CENT = Decimal("0.01")
FINE = Decimal("0.000001")
SHARE_STEP = Decimal("0.000000001")  # Alpaca counts shares to nine decimals.


@dataclass(frozen=True)
class Holding:
    """Shares held; `cost` is what they cost in all, `price` the last close seen, adjusted for splits since."""

    symbol: str
    qty: Decimal
    cost: Decimal
    price: Decimal

    @property
    def value(self) -> Decimal:
        """Give the market value at the last close."""
        return self.qty * self.price


@dataclass(frozen=True)
class Costs:
    """What a symbol's prices are worse by: half the spread (hundredths of a per cent), and the coefficient of impact."""

    cost_bps: Decimal
    impact: Decimal = Decimal(0)


@dataclass(frozen=True)
class Terms:
    """What trading costs an account, and how its orders are executed; see `costs` and `executions`.

    `cost_bps` (half the spread, hundredths of a per cent) worsens every price, `impact` it by the size of the order, unless
    `symbols` says otherwise of a symbol; `commission` is dollars a share; `partial_fills` is the share of orders executed in
    two parts, which ones follows from `seed`. `borrow_fee` is what shares that are sold short cost, a fraction of their value
    a year; None: nobody lends any.
    """

    cost_bps: Decimal
    commission: Decimal
    partial_fills: Decimal
    seed: int
    impact: Decimal = Decimal(0)
    symbols: Mapping[str, Costs] = field(default_factory=dict)
    borrow_fee: Decimal | None = None

    def of(self, symbol: str) -> Costs:
        """Give what a symbol costs."""
        return self.symbols.get(symbol, Costs(self.cost_bps, self.impact))


@dataclass(frozen=True)
class Books:
    """An account with everything that follows from it. `session` is the last one whose close it stands after."""

    team: str
    id: str
    session: date | None
    cash: Decimal
    multiplier: int
    terms: "Terms"
    starting_cash: Decimal
    blocked: bool
    holdings: dict[str, Holding]
    open_orders: tuple[sqlite3.Row, ...]

    @property
    def long_value(self) -> Decimal:
        """Give the market value of all shares held."""
        return sum((one.value for one in self.holdings.values() if one.qty > 0), Decimal(0))

    @property
    def short_value(self) -> Decimal:
        """Give the market value of all shares sold short, negative."""
        return sum((one.value for one in self.holdings.values() if one.qty < 0), Decimal(0))

    @property
    def equity(self) -> Decimal:
        """Give cash plus market value, less that of what was sold short."""
        return self.cash + self.long_value + self.short_value

    @property
    def lends(self) -> bool:
        """Tell whether the account may sell short."""
        return self.terms.borrow_fee is not None and self.multiplier > 1

    @property
    def reserved(self) -> Decimal:
        """Give what open orders that add to a position keep back, at the close they were submitted after."""
        return sum((cost_of(row) for row in self.open_orders if self._adds(row)), Decimal(0))

    def _adds(self, order: sqlite3.Row) -> bool:
        held = self.held(order["symbol"])
        return held >= 0 if order["side"] == "buy" else held <= 0

    @property
    def buying_power(self) -> Decimal:
        """Give what new buys may cost; sells do not add to it before they are executed.

        Regulation T as Alpaca computes it: multiplier x (equity - initial margin of value / multiplier), of both sides.
        """
        gross = self.long_value - self.short_value
        return max(Decimal(0), self.multiplier * self.equity - gross - self.reserved)

    def held(self, symbol: str) -> Decimal:
        """Give the shares held."""
        return self.holdings[symbol].qty if symbol in self.holdings else Decimal(0)

    def available(self, symbol: str) -> Decimal:
        """Give the shares, held or short, that no open order closes yet."""
        held = self.held(symbol)
        side = "sell" if held > 0 else "buy"
        closing = (row for row in self.open_orders if row["symbol"] == symbol and row["side"] == side)
        return max(Decimal(0), abs(held) - sum(map(shares_of, closing)))

    def stands_at(self) -> date:
        """Give the session; raises 422 when the clock has never been set."""
        if self.session is None:
            raise unprocessable(
                f"account {self.team} has no clock yet: put it at the close of a session first"
            )
        return self.session


def books(db: sqlite3.Connection, team: str) -> Books:
    """Read a team's account; the team must exist."""
    row = db.execute("SELECT * FROM accounts WHERE team = ?", (team,)).fetchone()
    return Books(
        team=team,
        id=row["id"],
        session=date.fromisoformat(row["session"]) if row["session"] else None,
        cash=Decimal(row["cash"]),
        multiplier=row["multiplier"],
        terms=_terms(row),
        starting_cash=Decimal(row["starting_cash"]),
        blocked=bool(row["blocked"]),
        holdings={holding.symbol: holding for holding in _holdings(db, team)},
        open_orders=tuple(
            db.execute("SELECT * FROM orders WHERE team = ? AND status = ? ORDER BY number", (team, OPEN))
        ),
    )


def _terms(row: sqlite3.Row) -> Terms:
    symbols = {
        symbol: Costs(*map(Decimal, costs)) for symbol, costs in json.loads(row["symbol_costs"]).items()
    }
    names = ("cost_bps", "commission", "partial_fills", "impact")
    figures = {name: Decimal(row[name]) for name in names}
    fee = None if row["borrow_fee"] is None else Decimal(row["borrow_fee"])
    return Terms(**figures, seed=row["seed"], symbols=symbols, borrow_fee=fee)


def symbol_costs(terms: Terms) -> str:
    """Give the costs of single symbols as stored."""
    symbols = terms.symbols.items()
    return json.dumps({symbol: [plain(one.cost_bps), plain(one.impact)] for symbol, one in symbols})


def _holdings(db: sqlite3.Connection, team: str) -> list[Holding]:
    rows = db.execute("SELECT * FROM positions WHERE team = ? ORDER BY symbol", (team,))
    return [
        Holding(row["symbol"], Decimal(row["qty"]), Decimal(row["cost"]), Decimal(row["price"]))
        for row in rows
    ]


def cost_of(order: sqlite3.Row) -> Decimal:
    """Give the dollars an order is valued at until it is executed."""
    return (
        Decimal(order["notional"]) if order["notional"] else Decimal(order["qty"]) * Decimal(order["price"])
    )


def shares_of(order: sqlite3.Row) -> Decimal:
    """Give the shares an order asks for; for one in dollars as many as they are at its valuation."""
    if order["qty"] is not None:
        return Decimal(order["qty"])
    return (Decimal(order["notional"]) / Decimal(order["price"])).quantize(SHARE_STEP, ROUND_CEILING)


def plain(value: Decimal) -> str:
    """Give a Decimal as Alpaca writes money: plain digits, no exponent, no trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def put_holding(db: sqlite3.Connection, team: str, holding: Holding) -> None:
    """Write a position; one of zero shares disappears."""
    if holding.qty == 0:
        db.execute("DELETE FROM positions WHERE team = ? AND symbol = ?", (team, holding.symbol))
        return
    db.execute(
        "INSERT INTO positions VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET qty=excluded.qty, cost=excluded.cost,"
        " price=excluded.price",
        (team, holding.symbol, plain(holding.qty), plain(holding.cost), plain(holding.price)),
    )


def put_cash(db: sqlite3.Connection, team: str, cash: Decimal) -> None:
    """Write the account's cash."""
    db.execute("UPDATE accounts SET cash = ? WHERE team = ?", (plain(cash), team))
