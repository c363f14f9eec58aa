"""Teams' open orders, and getting rid of them in a hurry."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.trading.broker import Broker, Order


@dataclass
class Cancelled:
    """What became of open orders: a line for people about each, and the teams some of whose orders may still fill."""

    lines: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def cancel_open(teams: Iterable[str], open_account: Callable[[str], Broker]) -> Cancelled:
    """Cancel every open order of these teams; a team whose broker is down holds up no other.

    An order that is not named like one of ours is somebody's own: it stays, and is told. Buys go first. While one of them
    cannot be cancelled, the team's sells stay: without their cash it would fill on credit. `open_account` gives a team's
    account. Never raises BrokerError: what could not be cancelled is in `left`.
    """
    done = Cancelled()
    for team in teams:
        try:
            account = open_account(team)
            orders = [one for one in account.orders() if one.is_open]
        except BrokerError as error:
            done.lines.append(f"{team}: open orders NOT cancelled: {error}")
            done.left.append(team)
            continue
        own = [one for one in orders if one.client_order_id.startswith(f"{team}-")]
        told = _cancel_all(account, own) + [(_named(one), _FOREIGN) for one in orders if one not in own]
        done.lines += [f"{team}: {name}: {text}" for name, text in told] or [f"{team}: no open orders"]
        if any(text != _DONE for _, text in told):
            done.left.append(team)
    return done


_DONE = "cancelled"
_FOREIGN = "NOT cancelled: it is not one of ours; cancel it at the broker"
_PAYS = "NOT cancelled: it pays for a buy that could not be cancelled"


def _cancel_all(account: Broker, orders: list[Order]) -> list[tuple[str, str]]:
    """Give each order with what became of it, buys first."""
    buys = [order for order in orders if order.side == "buy"]
    told = [(_named(order), _cancel(account, order)) for order in buys]
    paying = any(text != _DONE for _, text in told)
    sells = [order for order in orders if order.side == "sell"]
    return told + [(_named(order), _PAYS if paying else _cancel(account, order)) for order in sells]


def _cancel(account: Broker, order: Order) -> str:
    try:
        account.cancel(order)
    except BrokerError as error:
        return f"NOT cancelled: {error}"
    return _DONE


def _named(order: Order) -> str:
    return f"{order.side} {order.qty} {order.symbol} ({order.client_order_id})"
