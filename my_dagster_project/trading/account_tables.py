"""Accounts as tables, for `trading account` and for Dagit: one declared list of columns each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from my_dagster_project.domain.plan import Snapshot
from my_dagster_project.reports.columns import Column, markdown_table
from my_dagster_project.reports.markdown import NONE, table
from my_dagster_project.trading.alpaca_answers import NEW_YORK
from my_dagster_project.trading.broker import Account, Activity, Order, Position
from my_dagster_project.trading.records import Stopped
from my_dagster_project.trading.watch import AccountState


@dataclass(frozen=True)
class AccountRow:
    """A team's account, and the cash it began with (dollars)."""

    state: AccountState
    account: Account
    start: Decimal


@dataclass(frozen=True)
class Row[Entry]:
    """Something of a team's account."""

    state: AccountState
    entry: Entry


def dollars(value: Decimal) -> str:
    """An amount with cents."""
    return f"{value:,.2f}"


def shares(value: Decimal) -> str:
    """A number of shares, without zeros at its end."""
    return f"{value.normalize():f}"


def change(now: Decimal, before: Decimal | None) -> str:
    """How much more `now` is than `before`; a dash where there is nothing to compare with."""
    return f"{now / before - 1:+.2%}" if before else NONE


def _team(team: str, blocked: str) -> str:
    return team + (f" BLOCKED: {blocked}" if blocked else "")


def _day(session: date | None) -> str:
    return NONE if session is None else session.isoformat()


def _before(state: AccountState) -> Decimal | None:
    return state.curve[-2].equity if len(state.curve) > 1 else None


ACCOUNT_COLUMNS: tuple[Column[AccountRow], ...] = (
    Column("team", lambda row: (row.state.team, row.account.blocked), _team, text=True, key=True),
    Column("as of", lambda row: row.state.curve[-1].session if row.state.curve else None, _day, text=True),
    Column("cash", lambda row: row.account.cash, dollars),
    Column("equity", lambda row: row.account.equity, dollars),
    Column("day", lambda row: (row.account.equity, _before(row.state)), change),
    Column("return", lambda row: (row.account.equity, row.start), change),
    Column("buying power", lambda row: row.account.buying_power, dollars),
    Column("positions", lambda row: len(row.state.positions)),
    Column("open orders", lambda row: len(row.state.open_orders)),
)


def _of_team() -> Column[Row[Any]]:
    return Column("team", lambda row: row.state.team, text=True, key=True)


def _share(value: Decimal, equity: Decimal | None) -> str:
    return f"{value / equity:.1%}" if equity else NONE


def _worth(held: Position) -> Decimal:
    """What a share is worth to who has it: sold short it gains what its price loses."""
    return held.current_price if held.qty > 0 else 2 * held.avg_entry_price - held.current_price


POSITION_COLUMNS: tuple[Column[Row[Position]], ...] = (
    _of_team(),
    Column("symbol", lambda row: row.entry.symbol, text=True, key=True),
    Column("shares", lambda row: row.entry.qty, shares),
    Column("entry", lambda row: row.entry.avg_entry_price, dollars),
    Column("price", lambda row: row.entry.current_price, dollars),
    Column("value", lambda row: row.entry.market_value, dollars),
    Column(
        "share", lambda row: (row.entry.market_value, row.state.account and row.state.account.equity), _share
    ),
    Column("gain", lambda row: (_worth(row.entry), row.entry.avg_entry_price), change),
)


def _sent(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


ORDER_COLUMNS: tuple[Column[Row[Order]], ...] = (
    _of_team(),
    Column("order", lambda row: row.entry.client_order_id, text=True, key=True),
    Column("side", lambda row: row.entry.side, text=True),
    Column("shares", lambda row: row.entry.qty, shares),
    Column("symbol", lambda row: row.entry.symbol, text=True),
    Column("status", lambda row: row.entry.status, text=True),
    Column("filled", lambda row: row.entry.filled_qty, shares),
    Column("sent (UTC)", lambda row: row.entry.submitted_at, _sent, text=True),
)


def _when(at: datetime | None, day: date) -> str:
    return f"{at.astimezone(NEW_YORK):%Y-%m-%d %H:%M}" if at else day.isoformat()


ACTIVITY_COLUMNS: tuple[Column[Row[Activity]], ...] = (
    _of_team(),
    Column("when", lambda row: (row.entry.at, row.entry.day), _when, "New York's time.", text=True, key=True),
    Column("what", lambda row: row.entry.kind, text=True),
    Column("symbol", lambda row: row.entry.symbol, text=True),
    Column("shares", lambda row: row.entry.qty, lambda qty: shares(qty) if qty else ""),
    Column("price", lambda row: row.entry.price, lambda price: NONE if price is None else f"{price:,.4f}"),
    Column("cash", lambda row: row.entry.amount, lambda amount: f"{amount:+,.2f}"),
)


STOPPED_COLUMNS: tuple[Column[Row[Stopped]], ...] = (
    _of_team(),
    Column("symbol", lambda row: row.entry.symbol, text=True, key=True),
    Column("session", lambda row: row.entry.session, text=True),
    Column("why it is not traded, and what to do", lambda row: row.entry.reason, text=True, long=True),
)


@dataclass(frozen=True)
class AccountTable[Entry]:
    """A table with its title."""

    title: str
    columns: Sequence[Column[Entry]]
    rows: Sequence[Entry]

    def cells(self) -> list[list[str]]:
        """What it shows, row by row."""
        return [[column.cell(row) for column in self.columns] for row in self.rows]


def tables_of(states: Sequence[AccountState], starting_cash: float) -> list[AccountTable[Any]]:
    """Every table that has rows; `starting_cash` (dollars) is what returns count from. None of a team in trouble."""
    start = Decimal(str(starting_cash))
    every: list[AccountTable[Any]] = [
        AccountTable(
            "Accounts",
            ACCOUNT_COLUMNS,
            [AccountRow(one, one.account, start) for one in states if one.account],
        ),
        AccountTable(
            "Positions", POSITION_COLUMNS, [Row(one, entry) for one in states for entry in one.positions]
        ),
        AccountTable(
            "Not traded", STOPPED_COLUMNS, [Row(one, entry) for one in states for entry in one.stopped]
        ),
        AccountTable(
            "Open orders", ORDER_COLUMNS, [Row(one, entry) for one in states for entry in one.open_orders]
        ),
        AccountTable(
            "Last activities",
            ACTIVITY_COLUMNS,
            [Row(one, entry) for one in states for entry in one.activities],
        ),
    ]
    return [one for one in every if one.rows]


def account_markdown(state: AccountState, starting_cash: float) -> str:
    """The account as Markdown, for Dagit."""
    tables = tables_of([state], starting_cash)
    return "\n\n".join(f"**{one.title}**\n\n{markdown_table(one.columns, one.rows)}" for one in tables)


def snapshot_markdown(snapshot: Snapshot) -> str:
    """What planning saw of an account as Markdown: shares held and what they are worth at the close."""
    prices: Mapping[str, Decimal] = {**snapshot.marks, **snapshot.closes}
    rows = [_held_row(symbol, qty, prices.get(symbol)) for symbol, qty in snapshot.signed.items()]
    rows.append(["cash", "", "", dollars(snapshot.cash)])
    rows.append(["equity", "", "", dollars(snapshot.equity)])
    return table(("", "shares", "price", "value"), rows)


def _held_row(symbol: str, qty: Decimal, price: Decimal | None) -> list[str]:
    return [symbol, shares(qty), *([NONE, NONE] if price is None else [dollars(price), dollars(qty * price)])]
