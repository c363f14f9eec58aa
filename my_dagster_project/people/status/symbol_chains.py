"""A team's chain symbol by symbol: what is up to date, the newest predicted session, how good the predictions were.

Whether an asset is up to date is Dagster's own answer (`pipeline/freshness.py`), as in `trading run`. Of an asset with
a partition per session, or per refit window, only those of the first and the last session are asked, and whether any between them
is missing: asking all 60 took 80 ms per symbol, and a team's sessions are always computed in order, so the ends show what the
middle is.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg

from my_dagster_project.foundation.dagster_private import AssetRecord
from my_dagster_project.people.status.page import Check, SymbolStatus, chain_of_symbols, how_due_is_made
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.chain import Place, place_of, stage
from my_dagster_project.pipeline.freshness import Freshness


@dataclass(frozen=True)
class TeamChain:
    """A team's symbols, and the newest session it has planned orders for."""

    symbols: tuple[SymbolStatus, ...]
    last_traded: date | None


@dataclass(frozen=True)
class Expected:
    """Which sessions must be there: all replayed ones, and `newest`, due since a tick of a running schedule (or None)."""

    sessions: tuple[date, ...]
    newest: date | None = None


class ChainReader:
    """Reads chains over one asset graph; what has not changed since it was last asked is not worked out again."""

    def __init__(
        self, definitions: dg.Definitions, instance: dg.DagsterInstance, pooled: Collection[str] = ()
    ) -> None:
        self._definitions, self._instance, self._pooled = definitions, instance, pooled
        self._known: dict[str, tuple[object, TeamChain]] = {}

    def team(self, team: str, symbols: Sequence[str], expected: Expected, *, busy: bool) -> TeamChain:
        """The chain of a team; while a run of it works (`busy`) the marks may be those from before."""
        records = self._records(team, symbols)
        made = {key: record.asset_entry.last_materialization_storage_id for key, record in records.items()}
        token = (frozenset(made.items()), expected)
        known = self._known.get(team)
        # Every step of a running job changes something; to follow it would cost more than the job.
        if known and (known[0] == token or (busy and len(known[1].symbols) == len(symbols))):
            return known[1]
        chain = self._read(team, symbols, expected, records)
        self._known[team] = token, chain
        return chain

    def _records(self, team: str, symbols: Sequence[str]) -> dict[dg.AssetKey, AssetRecord]:
        wanted = {key for symbol in symbols for key in self._keys(team, symbol).values()}
        return {
            record.asset_entry.asset_key: record for record in self._instance.get_asset_records(list(wanted))
        }

    def _read(
        self, team: str, symbols: Sequence[str], expected: Expected, records: dict[dg.AssetKey, AssetRecord]
    ) -> TeamChain:
        freshness = Freshness(self._definitions.resolve_asset_graph(), self._instance)
        freshness.expect(key for symbol in symbols for key in self._keys(team, symbol).values())
        marks = _Marks(freshness, self._instance, expected.sessions)
        rows = tuple(self._row(team, symbol, marks, expected, records) for symbol in symbols)
        traded = marks.sessions_of(keys.orders_key(team))
        return TeamChain(rows, max(traded, default=None))

    def _row(
        self,
        team: str,
        symbol: str,
        marks: "_Marks",
        expected: Expected,
        records: dict[dg.AssetKey, AssetRecord],
    ) -> SymbolStatus:
        chain = {name: marks.is_fresh(key) for name, key in self._keys(team, symbol).items()}
        last = max(marks.sessions_of(keys.predictions_key(team, symbol)), default=None)
        mase, scored, run = _figures(records.get(keys.report_key(team, symbol)))
        check = _check(symbol, chain, last, expected.newest)
        return SymbolStatus(symbol, chain, last, mase, scored, check, run)

    def _keys(self, team: str, symbol: str) -> dict[str, dg.AssetKey]:
        rows, of = map(stage, chain_of_symbols()), Place(team, symbol)
        return {row.noun: keys.key_at(row, place_of(row, of, self._pooled)) for row in rows}


class _Marks:
    """One look at the state of assets; orders are shared by all symbols of a team, so answers are kept."""

    def __init__(
        self, freshness: Freshness, instance: dg.DagsterInstance, sessions: tuple[date, ...]
    ) -> None:
        self._freshness, self._instance = freshness, instance
        self._wanted = [session.isoformat() for session in sessions]
        self._ends = sorted({*self._wanted[:1], *self._wanted[-1:]})
        self._fresh: dict[dg.AssetKey, bool] = {}
        self._sessions: dict[dg.AssetKey, set[date]] = {}

    def is_fresh(self, key: dg.AssetKey) -> bool:
        if key not in self._fresh:
            fresh = self._freshness.is_fresh(key, self._ends)
            if fresh and self._freshness.is_partitioned(key):
                wanted = self._freshness.partitions(key, self._wanted)
                fresh = self.sessions_of(key) >= set(map(date.fromisoformat, wanted))
            self._fresh[key] = fresh
        return self._fresh[key]

    def sessions_of(self, key: dg.AssetKey) -> set[date]:
        if key not in self._sessions:
            made = self._instance.get_materialized_partitions(key)
            self._sessions[key] = {date.fromisoformat(session) for session in made}
        return self._sessions[key]


def _figures(record: AssetRecord | None) -> tuple[float | None, int, str]:
    """MASE and scored sessions, as the report's run noted them, and that run."""
    entry = record.asset_entry.last_materialization if record else None
    metadata = entry.asset_materialization.metadata if entry and entry.asset_materialization else {}
    mase, scored = metadata.get("mase"), metadata.get("n")
    figure = float(mase.value) if mase else math.nan  # type: ignore[arg-type]
    number = int(scored.value) if scored else 0  # type: ignore[arg-type]
    return (None if math.isnan(figure) else figure), number, entry.run_id if entry else ""


def _check(symbol: str, marks: dict[str, bool], last: date | None, newest: date | None) -> Check:
    if newest and (last is None or last < newest):
        said = f"session {newest} is not predicted, although the schedule has ticked since"
        return Check(
            symbol, "red", said, "the last run of the team's daily job says why; materialize it in Dagit"
        )
    due = [name for name, fresh in marks.items() if not fresh]
    if due:
        return Check(symbol, "warn", f"due: {', '.join(due)}", how_due_is_made())
    return Check(symbol, "ok", "up to date")
