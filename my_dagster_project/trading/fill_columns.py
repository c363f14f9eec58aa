"""What became of orders as a table: one declared list of columns for Dagit, the team's page and CSV."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from my_dagster_project.domain.plan import Side
from my_dagster_project.reports.columns import Column, csv_table
from my_dagster_project.reports.markdown import NONE
from my_dagster_project.trading.account_tables import dollars, shares
from my_dagster_project.trading.fills import SettledOrder


@dataclass(frozen=True)
class SettledRow:
    """An order of a team with what became of it: decided after the close of `session`, for the open of `filled_in`."""

    team: str
    session: date
    filled_in: date
    order: SettledOrder


def _order(side: Side, qty: Decimal, symbol: str) -> str:
    return f"{side} {shares(qty)} {symbol}"


def _price(value: Decimal | None) -> str:
    return NONE if value is None else dollars(value)


def _fill_price(value: Decimal | None) -> str:
    return NONE if value is None else f"{value:,.4f}"


def _bps(value: Decimal | None) -> str:
    return NONE if value is None else f"{value:+}"


FILL_COLUMNS: tuple[Column[SettledRow], ...] = (
    Column("filled in", lambda row: row.filled_in, date.isoformat, "The session after the decision.", ("filled_in",), True, True),
    Column(
        "order", lambda row: (row.order.side, row.order.qty, row.order.symbol), _order, figures=("side", "qty", "symbol"),
        text=True, key=True,
    ),
    Column(
        "planned at", lambda row: row.order.planned_price, _price, "The close it was sized at, dollars a share.",
        ("planned_price",),
    ),
    Column("filled", lambda row: row.order.filled_qty, shares, "Shares.", ("filled_qty",)),
    Column("at", lambda row: row.order.price, _fill_price, "Dollars a share, spread and impact in it.", ("price",)),
    Column(
        "slippage, bps", lambda row: row.order.slippage_bps, _bps,
        "Against the close it was sized at; positive was worse for the team.", ("slippage_bps",),
    ),
    Column("dollars", lambda row: row.order.slippage, lambda value: f"{value:+,.2f}", "The same of all shares.", ("slippage",)),
    Column("why not whole", lambda row: row.order.reason, text=True, long=True, figures=("reason",)),
)  # fmt: skip
# What nobody reads in a table, and everybody wants to look up.
_MORE: tuple[Column[SettledRow], ...] = (
    Column("team", lambda row: row.team),
    Column("session", lambda row: row.session),
    Column("status", lambda row: row.order.status),
    Column("client_order_id", lambda row: row.order.client_order_id),
)


def fills_csv(rows: Iterable[SettledRow]) -> str:
    """Give the bare figures as CSV, with the session of the decision, status and id of each order."""
    return csv_table((*FILL_COLUMNS, *_MORE), rows)
