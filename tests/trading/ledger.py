"""The broker's own books, read from its SQLite file behind its back."""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True)
class Ledger:
    """An account as its SQLite file has it: rows as dictionaries."""

    account: dict
    orders: list[dict]
    positions: dict[str, Decimal]
    activities: list[dict]
    equity: dict[str, Decimal]
    prices: dict[str, Decimal]
    cash_at: dict[str, Decimal]

    @property
    def cash(self) -> Decimal:
        return Decimal(self.account["cash"])

    def held_after(self, session: date | str) -> dict[str, Decimal]:
        held: dict[str, Decimal] = defaultdict(Decimal)
        for line in self.activities:
            if line["session"] <= str(session):
                held[line["symbol"]] += change_of(line)
        return {symbol: qty for symbol, qty in held.items() if qty}


def change_of(line: dict) -> Decimal:
    """The shares a line of the ledger added."""
    if line["type"] == "FILL":
        return Decimal(line["qty"]) * (1 if line["side"] == "buy" else -1)
    return Decimal(line["qty"]) if line["type"] == "SPLIT" else Decimal(0)


def ledger(db: Path, team: str) -> Ledger:
    with sqlite3.connect(db) as connection:
        connection.row_factory = sqlite3.Row

        def rows(table: str) -> list[dict]:
            return [dict(row) for row in connection.execute(f"SELECT * FROM {table} WHERE team = ?", (team,))]

        positions = rows("positions")
        return Ledger(
            account=rows("accounts")[0],
            orders=rows("orders"),
            positions={row["symbol"]: Decimal(row["qty"]) for row in positions},
            activities=sorted(rows("activities"), key=lambda row: row["number"]),
            equity={row["session"]: Decimal(row["equity"]) for row in rows("equity")},
            prices={row["symbol"]: Decimal(row["price"]) for row in positions},
            cash_at={row["session"]: Decimal(row["cash"]) for row in rows("equity")},
        )
