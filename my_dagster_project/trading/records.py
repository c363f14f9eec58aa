"""The record of a traded session, `[team, orders]` in the store: the plan, what became of each order, the mode."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from my_dagster_project.domain.plan import Plan
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.trading.submission import Outcome


def file_of(session: date) -> str:
    """Give the name of a session's record."""
    return f"{session}.json"


def record_of(plan: Plan, outcomes: Sequence[Outcome], mode: str) -> bytes:
    """Give the record of a session as stored."""
    from pydantic_core import (
        to_json,
    )  # json's own indents in Python: an eighth of the time of a replay's session

    told = [outcome.record() for outcome in outcomes]
    return to_json(_in_order({"mode": mode, "plan": plan.as_record(), "outcomes": told}), indent=1)


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _in_order(value[name]) for name in sorted(value)}
    return [_in_order(one) for one in value] if isinstance(value, list) else value


def recorded(assets: AssetStore, team: str, session: date) -> bytes:
    """Give a session's record; raises ObjectMissingError when there is none."""
    return assets.read_file(names.orders(team), file_of(session))


def recorded_plan(assets: AssetStore, team: str, session: date) -> Plan:
    """Give the plan that was carried out for a session; raises ObjectMissingError when none is on record."""
    body: dict[str, Any] = json.loads(recorded(assets, team, session))
    return Plan.from_json(json.dumps(body["plan"]))


@dataclass(frozen=True)
class Stopped:
    """A symbol that a session did not trade because something about it is wrong; `reason` says what, and what to do."""

    session: date
    symbol: str
    reason: str


def stopped(assets: AssetStore, team: str) -> tuple[Stopped, ...]:
    """Give the symbols that stood still in the team's newest session on record; raises StorageError.

    Of a record that is damaged nothing is said here: settling and the table name it.
    """
    files = assets.names(names.orders(team))
    if not files:
        return ()
    session = date.fromisoformat(max(files).partition(".")[0])
    try:
        skipped = recorded_plan(assets, team, session).skipped
    except (ValueError, KeyError, TradingError):
        return ()
    return tuple(Stopped(session, one.symbol, one.reason) for one in skipped if one.by == "check")
