"""What of each stage is due as of now: one answer, for `trading run` and for a round on the workers alike."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

import dagster as dg

from my_dagster_project.foundation.dagster_private import AssetGraph
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.assets.bars_asset import source_changed
from my_dagster_project.pipeline.chain import Place
from my_dagster_project.pipeline.freshness import Freshness
from my_dagster_project.pipeline.partitions import last_session, replay_sessions
from my_dagster_project.pipeline.resources import MarketDataResource
from my_dagster_project.teams.platform import Platform


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
        """Those of the assets that are missing or out of date, of these sessions."""
        return self.fresh.stale(wanted, sessions or [])

    def bars(self) -> list[dg.AssetKey]:
        """The bars that are to be fetched: also those behind a session that has closed since, or behind their source."""
        wanted = [keys.bars_key(symbol) for symbol in self._platform.symbols]
        due = self.of(wanted)
        return [key for key in wanted if key in due or self._lags(key)]

    def makeable(self, purpose: str, team: str = "") -> list[dg.AssetKey]:
        """What a job makes in the first place, symbol by symbol, of a team only its own, where there is what it is made from.

        That is bars, and after the training a model that is up to date; why a symbol has none, an earlier job has said.
        """
        teams = {name: config.symbols for name, config in self._platform.teams.items()}
        found = [
            (place, dg.AssetKey(row.asset(place)))
            for row in chain.stages_of(purpose, own=True)
            for place in chain.places(row, teams, Place(team))
        ]
        order = [*teams[team]] if team else self._platform.symbols
        ready = ["", *(symbol for symbol in order if self._is_ready(purpose, team, symbol))]
        there = [pair for pair in found if pair[0].symbol in ready]
        return [key for _, key in sorted(there, key=lambda pair: ready.index(pair[0].symbol))]

    def _is_ready(self, purpose: str, team: str, symbol: str) -> bool:
        trained = {noun for row in chain.stages_of(purpose, own=True) for noun in row.needs} & {
            "model",
            "predictions",
        }
        if team and trained:
            return self.fresh.is_fresh(keys.model_key(team, symbol))
        return self.fresh.exists(keys.bars_key(symbol))

    def model_keys(self, team: str) -> list[dg.AssetKey]:
        """Features and models of the symbols that have bars."""
        return self.makeable("train", team)

    def prediction_keys(self, team: str) -> list[dg.AssetKey]:
        """Predictions and reports of the symbols whose model is up to date."""
        return self.makeable("daily", team)

    def trades(self, team: str, sessions: list[str]) -> list[str]:
        """The sessions after the newest one on record, in order: none is traded again, and none that was missed."""
        done = self._instance.get_materialized_partitions(keys.orders_key(team))
        newest = max(done, default="")
        return [session for session in sessions if session > newest]

    def fills(self, team: str, sessions: list[str]) -> list[str]:
        """The sessions from the first one that was traded and not settled yet up to the last one that was traded."""
        traded = self._instance.get_materialized_partitions(keys.orders_key(team)).intersection(sessions)
        open_ones = traded - self._instance.get_materialized_partitions(keys.fills_key(team))
        return (
            [session for session in sessions if min(open_ones) <= session <= max(traded)] if open_ones else []
        )

    def _lags(self, bars: dg.AssetKey) -> bool:
        """Whether a session has closed since the bars were fetched, or the source is another: no version says so."""
        event = self._instance.get_latest_materialization_event(bars)
        made = event.asset_materialization.metadata if event and event.asset_materialization else {}
        market = self._platform.registry.market
        newest = last_session(self._platform.calendar, market.end)
        if "last_session" not in made or str(made["last_session"].value) < newest.isoformat():
            return True
        return source_changed(MarketDataResource.from_registry(market, self._settings), bars.path[1], made)


def open_session(platform: Platform, now: datetime | None = None) -> date | None:
    """The closed session whose orders can still be placed before the next open; None where recorded data have ended."""
    now = now or datetime.now(UTC)
    if platform.registry.market.end is not None:
        return None
    session = platform.calendar.last_closed(now)
    day_is_over = session < now.astimezone(platform.calendar.time_zone).date()
    before_the_open = now < platform.calendar.open_at(platform.calendar.next_session(session))
    started = session >= platform.registry.competition.start
    return session if day_is_over and before_the_open and started else None


def recorded_sessions(platform: Platform) -> list[str]:
    """The sessions that a round predicts: those that can be scored, and the one whose orders are still to be placed."""
    scored = [session.isoformat() for session in replay_sessions(platform)]
    newest = open_session(platform)
    return [*scored, newest.isoformat()] if newest else scored
