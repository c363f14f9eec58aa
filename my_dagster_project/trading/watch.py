"""An account at a glance, for one team or all: cash, equity, positions, open orders, last activities."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from my_dagster_project.domain.plan import Snapshot
from my_dagster_project.reports.markdown import NONE, table
from my_dagster_project.trading.alpaca_answers import NEW_YORK
from my_dagster_project.trading.broker import Account, Activity, Broker, EquityPoint, Order, Position

LAST = 10
# Long enough to hold the last activities of a team that trades now and then.
_RECENT = timedelta(days=30)

ACCOUNT_HEAD = (
    "team",
    "as of",
    "cash",
    "equity",
    "day",
    "return",
    "buying power",
    "positions",
    "open orders",
)
POSITION_HEAD = ("team", "symbol", "shares", "entry", "price", "value", "share", "gain")
ORDER_HEAD = ("team", "order", "side", "shares", "symbol", "status", "filled", "sent (UTC)")
ACTIVITY_HEAD = ("team", "when", "what", "symbol", "shares", "price", "cash")


@dataclass(frozen=True)
class AccountState:
    """A team's account as the broker says now; dollars. `trouble` says why there is none to show."""

    team: str
    account: Account | None = None
    positions: tuple[Position, ...] = ()
    open_orders: tuple[Order, ...] = ()
    activities: tuple[Activity, ...] = ()
    curve: tuple[EquityPoint, ...] = ()
    trouble: str = ""


def look(team: str, broker: Broker) -> AccountState:
    """Ask the broker for everything there is to see; raises BrokerError."""
    account, curve = broker.account(), tuple(broker.equity_history())
    if not curve:
        return AccountState(
            team, account
        )  # An account that never saw a close holds nothing and has done nothing.
    since = curve[-1].session - _RECENT
    return AccountState(
        team=team,
        account=account,
        positions=tuple(broker.positions()),
        open_orders=tuple(order for order in broker.orders(since=since) if order.is_open),
        activities=tuple(broker.activities(since)[-LAST:][::-1]),
        curve=curve,
    )


def account_rows(states: Iterable[AccountState], starting_cash: float) -> list[list[str]]:
    """Give a line per team; `starting_cash` (dollars) is what the return counts from. No line for one in trouble."""
    return [_account_row(state, Decimal(str(starting_cash))) for state in states if state.account]


def _account_row(state: AccountState, start: Decimal) -> list[str]:
    account = state.account
    assert account is not None  # noqa: S101 - for mypy: the caller has looked
    before = state.curve[-2].equity if len(state.curve) > 1 else None
    blocked = f" BLOCKED: {account.blocked}" if account.blocked else ""
    return [
        state.team + blocked,
        state.curve[-1].session.isoformat() if state.curve else NONE,
        _money(account.cash),
        _money(account.equity),
        NONE if before is None else _change(account.equity, before),
        _change(account.equity, start),
        _money(account.buying_power),
        str(len(state.positions)),
        str(len(state.open_orders)),
    ]


def position_rows(states: Iterable[AccountState]) -> list[list[str]]:
    """Give a line per position: shares, prices a share, value, its fraction of equity, gain since it was bought."""
    return [
        [
            state.team,
            one.symbol,
            _shares(one.qty),
            _money(one.avg_entry_price),
            _money(one.current_price),
            _money(one.market_value),
            f"{one.market_value / state.account.equity:.1%}"
            if state.account and state.account.equity
            else NONE,
            _change(one.current_price, one.avg_entry_price),
        ]
        for state in states
        for one in state.positions
    ]


def order_rows(states: Iterable[AccountState]) -> list[list[str]]:
    """Give a line per open order."""
    return [
        [
            state.team,
            one.client_order_id,
            one.side,
            _shares(one.qty),
            one.symbol,
            one.status,
            _shares(one.filled_qty),
            f"{one.submitted_at:%Y-%m-%d %H:%M}",
        ]
        for state in states
        for one in state.open_orders
    ]


def activity_rows(states: Iterable[AccountState]) -> list[list[str]]:
    """Give a line per activity, newest first within a team; executions have New York's time."""
    return [
        [
            state.team,
            f"{one.at.astimezone(NEW_YORK):%Y-%m-%d %H:%M}" if one.at else one.day.isoformat(),
            one.kind,
            one.symbol,
            _shares(one.qty) if one.qty else "",
            NONE if one.price is None else f"{one.price:,.4f}",
            f"{one.amount:+,.2f}",
        ]
        for state in states
        for one in state.activities
    ]


def tables_of(
    states: Sequence[AccountState], starting_cash: float
) -> dict[str, tuple[tuple[str, ...], list[list[str]]]]:
    """Give every table by its title: head and lines. Those without lines are left out."""
    every = {
        "Accounts": (ACCOUNT_HEAD, account_rows(states, starting_cash)),
        "Positions": (POSITION_HEAD, position_rows(states)),
        "Open orders": (ORDER_HEAD, order_rows(states)),
        "Last activities": (ACTIVITY_HEAD, activity_rows(states)),
    }
    return {title: what for title, what in every.items() if what[1]}


def account_markdown(state: AccountState, starting_cash: float) -> str:
    """Give the account as Markdown, for Dagit."""
    parts = tables_of([state], starting_cash).items()
    return "\n\n".join(f"**{title}**\n\n{table(head, rows)}" for title, (head, rows) in parts)


def snapshot_markdown(snapshot: Snapshot) -> str:
    """Give what planning saw of an account as Markdown: shares held and what they are worth at the close."""
    prices: Mapping[str, Decimal] = {**snapshot.marks, **snapshot.closes}
    rows = [_held_row(symbol, qty, prices.get(symbol)) for symbol, qty in snapshot.held.items()]
    rows.append(["cash", "", "", _money(snapshot.cash)])
    rows.append(["equity", "", "", _money(snapshot.equity)])
    return table(("", "shares", "price", "value"), rows)


def _held_row(symbol: str, qty: int, price: Decimal | None) -> list[str]:
    return [symbol, str(qty), *([NONE, NONE] if price is None else [_money(price), _money(qty * price)])]


def _money(value: Decimal) -> str:
    return f"{value:,.2f}"


def _shares(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _change(now: Decimal, before: Decimal) -> str:
    return f"{now / before - 1:+.2%}" if before else NONE
