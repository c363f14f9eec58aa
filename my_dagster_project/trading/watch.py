"""An account at a glance, for one team or all: cash, equity, positions, open orders, last activities."""

from dataclasses import dataclass
from datetime import timedelta

from my_dagster_project.trading.broker import Account, Activity, Broker, EquityPoint, Order, Position
from my_dagster_project.trading.records import Stopped

LAST = 10
# Long enough to hold the last activities of a team that trades now and then.
_RECENT = timedelta(days=30)


@dataclass(frozen=True)
class AccountState:
    """A team's account as the broker says now; dollars. `trouble` says why there is none to show.

    `stopped` are symbols that it did not trade last, by our own records.
    """

    team: str
    account: Account | None = None
    positions: tuple[Position, ...] = ()
    open_orders: tuple[Order, ...] = ()
    activities: tuple[Activity, ...] = ()
    curve: tuple[EquityPoint, ...] = ()
    trouble: str = ""
    stopped: tuple[Stopped, ...] = ()


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
