"""A team's money session by session, from its own records: equity, what was paid and traded, what was held."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from my_dagster_project.foundation.errors import StorageError
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.trading.fills import costs_of
from my_dagster_project.trading.results import stored_records


@dataclass(frozen=True)
class SessionMoney:
    """A team at the close of a session, dollars; `costs` were paid and `traded` was turned over in it.

    `positions` are worth so much by symbol, sold short less than nothing; None where that close is not on record.
    """

    session: date
    equity: float
    costs: float = 0.0
    traded: float = 0.0
    positions: Mapping[str, float] | None = field(default=None)

    @property
    def exposure(self) -> float | None:
        """What is at risk, long and short together, as a fraction of the equity."""
        if self.positions is None or not self.equity:
            return None
        return sum(map(abs, self.positions.values())) / self.equity


def session_money(assets: AssetStore, team: str, spread_bps: Decimal) -> tuple[SessionMoney, ...]:
    """Every session that a team has on record, oldest first; `spread_bps` as for `results.result_of`. Raises StorageError."""
    records = stored_records(assets, names.orders(team))
    settled = {
        date.fromisoformat(one["filled_in"]): one
        for one in stored_records(assets, names.fills(team)).values()
    }
    try:
        plans = {day: one["plan"]["snapshot"] for day, one in records.items() if one["mode"] != "off"}
        rows = (_row(day, plans.get(day), settled.get(day), spread_bps) for day in sorted({*plans, *settled}))
        return tuple(row for row in rows if row)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise StorageError(f"the orders or fills of team {team} on record are damaged: {error!r}") from error


def _row(
    day: date, snapshot: Mapping[str, Any] | None, settled: Mapping[str, Any] | None, spread_bps: Decimal
) -> SessionMoney | None:
    """None of a session whose equity nobody noted."""
    told = [one["equity"] for one in (settled, snapshot) if one and one["equity"] is not None]
    if not told:
        return None
    return SessionMoney(
        day,
        float(told[0]),
        float(costs_of(settled, spread_bps)) if settled else 0.0,
        float(settled["traded"]) if settled else 0.0,
        _positions(snapshot) if snapshot else None,
    )


def _positions(snapshot: Mapping[str, Any]) -> dict[str, float]:
    signs = {"held": 1, "fractions": 1, "short": -1}
    worth: dict[str, float] = {}
    for part, sign in signs.items():
        for symbol, shares in snapshot.get(part, {}).items():
            price = snapshot["closes"].get(symbol) or snapshot["marks"].get(symbol) or 0
            worth[symbol] = worth.get(symbol, 0.0) + sign * float(shares) * float(price)
    return {symbol: value for symbol, value in sorted(worth.items()) if value}
