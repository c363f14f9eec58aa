"""Gathering what a settlement is made of: our records, the broker's orders and statement, splits and equity."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from my_dagster_project.domain.adjustments import NO_SPLIT, corporate_actions
from my_dagster_project.domain.limits import Limits
from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.foundation.errors import NotYetError, ObjectMissingError
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.stored_bars import read_bars
from my_dagster_project.trading.broker import Broker, Order
from my_dagster_project.trading.fills import NOTHING, Settlement, settle
from my_dagster_project.trading.records import recorded
from my_dagster_project.trading.sent import ours


def settlements(
    team: str,
    sessions: Sequence[date],
    assets: AssetStore,
    open_account: Callable[[], Broker],
    calendar: TradingCalendar,
    *,
    spread_bps: Decimal = NOTHING,
    limits: Limits | None = None,
) -> list[Settlement]:
    """Give the settlement of each session (ascending), read from the broker once for all of them.

    The account is brought to the close at which the last of them has filled, where that is ours to do; `spread_bps` is the
    half spread that a bundled broker takes; `limits` are the team's, held against what the fills did. Of sessions in mode
    `off` nobody is asked. Raises NotYetError while an order of theirs may still fill, BrokerError when the account cannot be
    read.
    """
    records = {session: _record(assets, team, session) for session in sessions}
    if all((record or {}).get("mode") == "off" for record in records.values()):
        return [
            settle(team, day, calendar.next_session(day), records[day], [], [], {}, None) for day in sessions
        ]
    broker = open_account()
    orders = _by_session(assets, broker, team, sessions[0])
    traded = [day for day in sessions if orders.get(day) or (records[day] or {}).get("mode") == "paper"]
    if traded and broker.settled(calendar.next_session(traded[-1])):
        orders = _by_session(assets, broker, team, sessions[0])
    _require_ended(team, sessions, orders)
    statement = broker.activities(sessions[0])
    equity = {point.session: point.equity for point in broker.equity_history()}
    made = []
    for session in sessions:
        own, following = orders.get(session, []), calendar.next_session(session)
        ratios = _splits(assets, records[session], own, following)
        told = (records[session], own, statement, ratios, equity.get(following), spread_bps, limits)
        made.append(settle(team, session, following, *told))
    return made


def _splits(
    assets: AssetStore, record: Mapping[str, Any] | None, orders: Sequence[Order], session: date
) -> dict[str, Decimal]:
    """Give the splits between the close and the fills, of symbols whose orders the broker has changed with the shares."""
    sent = {
        one["order"]["id"]: Decimal(one["order"]["qty"])
        for one in (record or {}).get("outcomes", ())
        if one["order"]
    }
    changed = sorted({one.symbol for one in orders if sent.get(one.id, one.qty) != one.qty})
    ratios = {}
    for symbol in changed:
        bars = read_bars(assets, symbol)
        ratios[symbol] = corporate_actions(bars).splits.get(session, NO_SPLIT)
    return ratios


def _require_ended(team: str, sessions: Sequence[date], orders: Mapping[date, list[Order]]) -> None:
    open_ends = [one.client_order_id for day in sessions for one in orders.get(day, ()) if one.is_open]
    if open_ends:
        raise NotYetError(
            f"team {team}: {', '.join(open_ends)} may still fill; settle the session after the next session's close"
        )


def _record(assets: AssetStore, team: str, session: date) -> dict[str, Any] | None:
    try:
        body: dict[str, Any] = json.loads(recorded(assets, team, session))
    except ObjectMissingError:
        return None
    return body


def _by_session(assets: AssetStore, broker: Broker, team: str, first: date) -> dict[date, list[Order]]:
    """Give the team's orders since `first` by the session they were decided after."""
    found: dict[date, list[Order]] = defaultdict(list)
    orders = broker.orders(since=first)
    sessions = ours(assets, team, broker.account().id, orders)
    for order in orders:
        if order.id in sessions:
            found[sessions[order.id]].append(order)
    return found
