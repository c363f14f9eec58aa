"""A team's money as its own records tell it: what was planned session by session, and what became of it.

Scoring only reads: no broker is asked, so no account's clock moves and no outage changes a figure.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.foundation.errors import ObjectMissingError, StorageError
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.trading.fill_columns import SettledRow
from my_dagster_project.trading.fills import NEVER_SENT, costs_of, settled_order

type _Stored = dict[date, dict[str, Any]]


@dataclass(frozen=True)
class Result:
    """Equity at the close of each session that is known, oldest first; orders the broker had; executions; costs; dollars.

    `traded` are the sessions on record, `settled` those of which the end is known too.
    """

    curve: tuple[tuple[date, Decimal], ...] = ()
    orders: int = 0
    fills: int = 0
    costs: Decimal = Decimal(0)
    traded: frozenset[date] = frozenset()
    settled: frozenset[date] = frozenset()


def result_of(assets: AssetStore, team: str, spread_bps: Decimal) -> Result:
    """Give what is on record of a team; `spread_bps` is for settlements from before they had their own costs.

    Raises StorageError for a record that cannot be read.
    """
    records, settled = stored_records(assets, names.orders(team)), stored_records(assets, names.fills(team))
    try:
        return Result(
            curve=tuple(sorted(_equity(records, settled).items())),
            orders=sum(_sent(one) for one in settled.values())
            + sum(_accepted(record) for day, record in records.items() if day not in settled),
            fills=sum(len(order["executions"]) for one in settled.values() for order in one["orders"]),
            costs=sum((costs_of(one, spread_bps) for one in settled.values()), Decimal(0)),
            traded=frozenset(records),
            settled=frozenset(settled),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise StorageError(f"the orders or fills of team {team} on record are damaged: {error!r}") from error


def settled_rows(assets: AssetStore, team: str) -> tuple[SettledRow, ...]:
    """Give every order of a team with what became of it, oldest first; raises StorageError for a record that cannot be read."""
    stored = stored_records(assets, names.fills(team))
    try:
        return tuple(
            SettledRow(team, day, date.fromisoformat(stored[day]["filled_in"]), settled_order(order))
            for day in sorted(stored)
            for order in stored[day]["orders"]
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise StorageError(f"the fills of team {team} on record are damaged: {error!r}") from error


def expected_sessions(calendar: TradingCalendar, window: Sequence[date], result: Result) -> list[date]:
    """Give the sessions a team is to have on record: all of `window`, and those before it since its first one."""
    if not window:
        return []
    first = min([window[0], *result.traded])
    return calendar.sessions(first, window[-1])


def _equity(records: _Stored, settled: _Stored) -> dict[date, Decimal]:
    """Equity by session; where a plan and a settlement both know it, the settlement's is the broker's own for the close."""
    seen = {
        day: Decimal(record["plan"]["snapshot"]["equity"])
        for day, record in records.items()
        if record["mode"] != "off"
    }
    told = {
        date.fromisoformat(one["filled_in"]): Decimal(one["equity"])
        for one in settled.values()
        if one["equity"] is not None
    }
    return seen | told


def _sent(settlement: Mapping[str, Any]) -> int:
    return sum(order["status"] not in NEVER_SENT for order in settlement["orders"])


def _accepted(record: Mapping[str, Any]) -> int:
    return sum(outcome["order"] is not None for outcome in record["outcomes"])


def stored_records(assets: AssetStore, asset: tuple[str, ...]) -> _Stored:
    """Give the records of an asset of sessions by session, none before the first; raises StorageError for one that is damaged."""
    try:
        files = assets.read(asset)
        return {date.fromisoformat(name.partition(".")[0]): json.loads(data) for name, data in files.items()}
    except ObjectMissingError:
        return {}
    except ValueError as error:
        raise StorageError(f"a file of {'/'.join(asset)} is damaged: {error}") from error
