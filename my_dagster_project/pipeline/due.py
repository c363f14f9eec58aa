"""What of each stage is due as of now: one answer, for `trading run` and for a round on the workers alike."""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import groupby
from typing import NamedTuple

import dagster as dg

from my_dagster_project.foundation.dagster_private import AssetGraph
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.assets.bars_asset import source_changed
from my_dagster_project.pipeline.assets.keys import is_bars, key_at
from my_dagster_project.pipeline.assets.refused_refits import earlier_stays
from my_dagster_project.pipeline.chain import Job, Place, Stage
from my_dagster_project.pipeline.freshness import Freshness
from my_dagster_project.pipeline.partitions import last_session, replay_sessions
from my_dagster_project.pipeline.refit_windows import is_lived
from my_dagster_project.pipeline.resources import MarketDataResource
from my_dagster_project.teams.platform import Platform


class Part(NamedTuple):
    """What is due of a job: these assets, of these sessions or refit windows (ISO, ascending) where it runs for such."""

    assets: list[dg.AssetKey]
    sessions: list[str]


class Due:
    """Asks Dagster's records; what they say changes with every run, so make a new one after each."""

    def __init__(
        self,
        platform: Platform,
        graph: AssetGraph,
        instance: dg.DagsterInstance,
        settings: Settings,
        *,
        revised: bool = False,
    ) -> None:
        """With `revised` also what was decided on bars that their source has revised since."""
        self._platform, self._instance, self._settings = platform, instance, settings
        self.fresh = Freshness(graph, instance, revised=revised)

    def of(self, wanted: Iterable[dg.AssetKey], sessions: list[str] | None = None) -> list[dg.AssetKey]:
        """Those of the assets that are missing or out of date, of these sessions; bars also when they are behind."""
        return self.fresh.stale(wanted, sessions or [], lambda key: is_bars(key) and self._lags(key))

    def part(self, row: Job, team: str, sessions: list[str]) -> Part:
        """What a job has to make now of these sessions (ISO, ascending): of a team, or without one of all."""
        return next(iter(self.parts(row, team, sessions)), Part([], []))

    def parts(self, row: Job, team: str, sessions: list[str]) -> list[Part]:
        """As `part`; of refits several where not all windows lack the same, for a run makes all it selects of all its windows."""
        if chain.orders_of(row):
            found = [self._unrecorded(row, team, sessions)]
        elif chain.has_windows(row) and self._platform.teams[team].training.refits:
            found = self._refits(self.makeable(row.purpose, team, own=False), sessions)
        else:
            due = self.of(self.makeable(row.purpose, team, sessions, own=False), sessions)
            found = [Part(due, sessions if row.sessions else [])]
        return [part for part in found if part.assets]

    def windows(self, key: dg.AssetKey, sessions: list[str]) -> list[str]:
        """The windows of a model, or of its rows, that are due, of those that hold these sessions.

        Of a replay all that are missing or out of date. A refit that has predicted in a season stays: only the one in force is
        trained anew where the team's file, or our code, has changed. Data that changed make none due.
        """
        asked = self.fresh.partitions(key, sessions)
        due = self.fresh.stale_partitions(key, asked)
        if not is_lived(self._platform):
            return due
        missing, now = self.fresh.missing_partitions(key, asked), self._platform.window_in_force(key.path[0])
        return [one for one in due if one in missing or one == now]

    def _refits(self, wanted: list[dg.AssetKey], sessions: list[str]) -> list[Part]:
        """Windows in a row that lack the same are one part; what has no windows is made with the first."""
        whole = self.of(key for key in wanted if not self.fresh.is_partitioned(key))
        lacking: dict[str, list[dg.AssetKey]] = {}
        windowed = [key for key in wanted if self.fresh.is_partitioned(key)]
        asked = self.fresh.partitions(windowed[0], sessions) if windowed else []
        for key in windowed:
            own = self.windows(key, sessions)
            for window in asked:
                if window in own or self.fresh.follows(key, [*whole, *lacking.get(window, [])]):
                    lacking.setdefault(window, []).append(key)
        alike = groupby(asked, key=lambda window: lacking.get(window, []))
        parts = [Part(due, list(windows)) for due, windows in alike if due]
        if parts and self._is_a_chain(parts[0].assets[0].path[0]):
            # What begins with the weights of the refit before it is made anew with that one, and after it.
            together = dict.fromkeys(key for part in parts for key in part.assets)
            parts = [Part([*together], asked[asked.index(parts[0].sessions[0]) :])]
        if parts:
            parts[0] = Part([*whole, *parts[0].assets], parts[0].sessions)
        return parts or [Part(whole, [])]

    def _is_a_chain(self, team: str) -> bool:
        """Whether each refit of a team's begins with the one before it, all of which a replay makes."""
        config = self._platform.teams[team]
        warm = any(config.for_symbol(symbol).training.warm_start for symbol in config.symbols)
        return warm and not is_lived(self._platform)

    def makeable(
        self, purpose: str, team: str = "", sessions: Iterable[str] = (), *, own: bool = True
    ) -> list[dg.AssetKey]:
        """What a job makes (`own`: in the first place), symbol by symbol, of a team only its own, where there is what it is made from.

        That is bars, and after the training models that are up to date of these sessions; why a symbol has none, an earlier job has
        said.
        """
        asked_of = list(sessions)
        teams = {name: config.symbols for name, config in self._platform.teams.items()}
        rows = chain.stages_of(purpose, own=own)
        found = [
            (place, key_at(row, place))
            for row in rows
            for place in chain.places(row, teams, Place(team), self._platform.kept, self._platform.pooled)
        ]
        order = [*teams[team]] if team else self._platform.symbols
        asked = order if any(row.of_symbol for row in rows) else []
        direct = {noun for row in rows for noun in row.needs}
        needed = [row for row in chain.behind(chain.job(purpose)) if row.noun in direct and not row.sessions]
        ready = [*(symbol for symbol in asked if self._are_there(needed, Place(team, symbol), asked_of)), ""]
        # What is of all symbols is made after them, of those that are ready.
        turns = {symbol: turn for turn, symbol in enumerate(ready)} if ready[1:] or not asked else {}
        there = [pair for pair in found if pair[0].symbol in turns]
        return [key for _, key in sorted(there, key=lambda pair: turns[pair[0].symbol])]

    def has_a_model(self, team: str) -> bool:
        """Whether a model of the team was ever made, so that something can have been predicted."""
        symbols, row = {team: self._platform.teams[team].symbols}, chain.stage("model")
        found = chain.places(row, symbols, pooled=self._platform.pooled)
        return any(self.fresh.exists(key_at(row, place)) for place in found)

    def trades(self, team: str, sessions: list[str]) -> list[str]:
        """The sessions after the newest one on record, in order: none is traded again, and none that was missed."""
        newest = max(self._on_record(keys.orders_key(team)), default="")
        return [session for session in sessions if session > newest]

    def _unrecorded(self, row: Job, team: str, sessions: list[str]) -> Part:
        """From the first session that was traded and is not on record yet up to the last one that was traded."""
        closed = last_session(
            self._platform
        ).isoformat()  # In which the orders of those before it have filled.
        traded = {
            one for one in self._on_record(keys.orders_key(team)).intersection(sessions) if one < closed
        }
        wanted = [key for key in self.makeable(row.purpose, team) if not keys.is_decision(key)]
        lacking = {key: left for key in wanted if (left := traded - self._on_record(key))}
        if not lacking:
            return Part([], [])
        first, last = min(map(min, lacking.values())), max(traded)
        return Part([*lacking], [session for session in sessions if first <= session <= last])

    def _on_record(self, key: dg.AssetKey) -> set[str]:
        return set(self._instance.get_materialized_partitions(key))

    def _are_there(self, needed: list[Stage], place: Place, sessions: list[str]) -> bool:
        """Whether these are there to be read, and what is decided once is up to date."""
        pooled = self._platform.pooled
        judged = [
            (row, key_at(row, chain.place_of(row, place, pooled)))
            for row in needed
            if place.team or not row.of_team
        ]
        return all(
            self.fresh.is_fresh(key, sessions) or (row.windows and self._earlier_stays(place))
            if row.decided
            else self.fresh.exists(key)
            for row, key in judged
        )

    def _earlier_stays(self, place: Place) -> bool:
        """Whether the refit before the newest predicts a symbol: there is one, and the newest was refused."""
        model = key_at(
            chain.stage("model"), chain.place_of(chain.stage("model"), place, self._platform.pooled)
        )
        return self.fresh.exists(model) and earlier_stays(self._instance, self._platform, *place)

    def _lags(self, bars: dg.AssetKey) -> bool:
        """Whether a session has closed since the bars were fetched, or the source is another: no version says so."""
        event = self._instance.get_latest_materialization_event(bars)
        made = event.asset_materialization.metadata if event and event.asset_materialization else {}
        market = self._platform.registry.market
        newest = last_session(self._platform)
        if "last_session" not in made or str(made["last_session"].value) < newest.isoformat():
            return True
        return source_changed(MarketDataResource.from_registry(market, self._settings), bars.path[1], made)


def open_session(platform: Platform, now: datetime | None = None) -> date | None:
    """The closed session whose orders can still be placed before the next open; None where recorded data have ended."""
    now, end = now or platform.now(), platform.registry.market.end
    session = platform.calendar.last_closed(now)
    if end is not None and session >= end:
        return None
    # Its partition is there once its day is over, by the wall clock: those of a lapse are all there.
    there = platform.in_lapse or session < now.astimezone(platform.calendar.time_zone).date()
    before_the_open = now < platform.calendar.open_at(platform.calendar.next_session(session))
    started = session >= platform.registry.competition.start
    return session if there and before_the_open and started else None


def recorded_sessions(platform: Platform) -> list[str]:
    """The sessions that a round predicts: those that can be scored, and the one whose orders are still to be placed."""
    scored = [session.isoformat() for session in replay_sessions(platform)]
    newest = open_session(platform)
    return [*scored, newest.isoformat()] if newest else scored
