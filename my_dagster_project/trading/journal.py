"""A team's journal: its round trips (`domain.round_trips`), each with the decisions behind its entry and its exit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from my_dagster_project.domain.lots import Trip
from my_dagster_project.domain.round_trips import Journal, journal
from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.foundation.errors import ObjectMissingError, StorageError
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.trading.broker import Broker
from my_dagster_project.trading.sent import ours

# The whole statement: no account is older than its broker's API.
_EVER = date(1990, 1, 1)


@dataclass(frozen=True)
class Decision:
    """The order behind an entry or an exit: its client order id, why, and what was predicted (None where nothing was)."""

    order: str = ""
    reason: str = ""
    prediction: float | None = None


NO_ORDER = Decision(reason="no order: a split, a merger, or moved by somebody")
_NOT_OURS = "not one of our orders"
_NO_RECORD = "sent by a run that ended before it could write its record"


@dataclass(frozen=True)
class RoundTrip:
    """A round trip of a team. `sessions` are the closes that its shares were held over."""

    team: str
    trip: Trip
    entry: Decision
    exit: Decision | None
    sessions: int


@dataclass(frozen=True)
class TeamJournal:
    """A team's round trips, and everything that its account gained by them and beside them (dollars)."""

    trips: tuple[RoundTrip, ...] = ()
    other: Decimal = Decimal(0)

    def of(self, symbol: str) -> "TeamJournal":
        """Give the round trips of a symbol alone."""
        return TeamJournal(tuple(one for one in self.trips if one.trip.symbol == symbol))

    @property
    def ended(self) -> Decimal:
        """Give what trips that have ended gained, dollars."""
        return sum((one.trip.gain for one in self.trips if not one.trip.held), Decimal(0))

    @property
    def held(self) -> Decimal:
        """Give what is held has gained at the last close, dollars."""
        return sum((one.trip.gain for one in self.trips if one.trip.held), Decimal(0))


def team_journal(team: str, broker: Broker, assets: AssetStore, calendar: TradingCalendar) -> TeamJournal:
    """Give the journal of a team's account as the broker's statement and our records tell it; nothing is changed.

    Raises BrokerError when the account cannot be read, StorageError for a record that is damaged.
    """
    prices = {position.symbol: position.current_price for position in broker.positions()}
    made = journal(broker.activities(_EVER), prices)
    if not made.trips:
        return TeamJournal(other=made.other)
    decisions = _decisions(team, broker, assets)
    stands = [point.session for point in broker.equity_history()][-1:]
    return TeamJournal(tuple(_round_trips(team, made, decisions, calendar, *stands)), made.other)


def _round_trips(
    team: str,
    made: Journal,
    decisions: Mapping[str, Decision],
    calendar: TradingCalendar,
    stands: date | None = None,
) -> Sequence[RoundTrip]:
    return [
        RoundTrip(
            team,
            trip,
            _decision(trip.entry_order, decisions),
            None if trip.held else _decision(trip.exit_order, decisions),
            _closes(trip, calendar, stands),
        )
        for trip in made.trips
    ]


def _decision(order: str, decisions: Mapping[str, Decision]) -> Decision:
    return decisions.get(order, Decision(reason=_NOT_OURS)) if order else NO_ORDER


def _closes(trip: Trip, calendar: TradingCalendar, stands: date | None) -> int:
    """Count the closes from the entry to the exit, whose own close the shares did not see, or to the last one."""
    if trip.exit_day is not None:
        return len([day for day in calendar.sessions(trip.entry_day, trip.exit_day) if day < trip.exit_day])
    return len(calendar.sessions(trip.entry_day, stands)) if stands else 0


def _decisions(team: str, broker: Broker, assets: AssetStore) -> dict[str, Decision]:
    """Give what is on record of each order of ours, by the broker's id; of others nothing."""
    orders = broker.orders()
    mine, planned = ours(assets, team, broker.account().id, orders), _planned(team, assets)
    unrecorded = {order.id: Decision(order.client_order_id, _NO_RECORD) for order in orders}
    return {
        order.id: planned.get(order.client_order_id, unrecorded[order.id])
        for order in orders
        if order.id in mine
    }


def _planned(team: str, assets: AssetStore) -> dict[str, Decision]:
    try:
        files = assets.read(names.orders(team))
    except ObjectMissingError:
        return {}
    try:
        records: list[dict[str, Any]] = [json.loads(data) for data in files.values()]
        planned = [outcome["planned"] for record in records for outcome in record["outcomes"]]
        # Records from before predictions were written into orders have none.
        return {
            one["client_order_id"]: Decision(one["client_order_id"], one["reason"], one.get("prediction"))
            for one in planned
        }
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"the orders of team {team} on record are damaged: {error!r}") from error
