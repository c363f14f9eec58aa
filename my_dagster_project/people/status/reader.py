"""Puts the page together: services asked side by side, Dagster's storage read meanwhile, nobody waited for too long."""

import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import dagster as dg

from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.people.status import dagster_storage as storage
from my_dagster_project.people.status.asking import Asking, SilentError
from my_dagster_project.people.status.dagster_state import DagsterState, read_state
from my_dagster_project.people.status.page import Check, StatusPage
from my_dagster_project.people.status.services import Service, addresses, disk, services, start
from my_dagster_project.people.status.symbol_chains import ChainReader
from my_dagster_project.people.status.teams import Stored, revised_bars, stored, team_status
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.pipeline.partitions import replay_sessions
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.teams.deployment import current_platform, platform_without_store
from my_dagster_project.teams.platform import Platform

SECONDS = 2.5
_STORAGE, _BOOK, _STORED, _SPAN, _PLATFORM = "Dagster's storage", "book", "stored", "span", "platform"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Graph:
    """The definitions of one set of texts, and what was worked out over them."""

    digest: str
    definitions: dg.Definitions
    chains: ChainReader


class StatusReader:
    """Makes pages; keeps the graph, the connections and what has not changed for the next one. One thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asking = Asking()
        self._graph: _Graph | None = None
        self.instance: dg.DagsterInstance | None = None
        """Dagster's instance, once it could be opened."""

    def page(self, platform: Platform | None = None, *, patience: float = SECONDS) -> StatusPage:
        """The page as of now. Services get `SECONDS` to answer; `patience` is for a storage that answers, but slowly.

        Raises ConfigError when the registry is broken: then there is nothing to say anything about.
        """
        began, now = time.monotonic(), datetime.now(UTC)
        platform = platform or self._platform()
        asked = [self._storage, *services(self._settings, platform)]
        self._asking.start({service.name: service.ask for service in asked})
        self._asking.start(
            {
                _STORED: lambda: self._stored(platform),
                _BOOK: lambda: self._book(platform, now),
                _SPAN: lambda: _span(platform),
            }
        )
        until = time.monotonic() + SECONDS
        where, *found = [self._answer(service, until) for service in asked]
        said = self._said_by_store(_STORED, until)
        book = None
        if where.state == "ok":
            book, where = self._read(where, began + max(patience, SECONDS))
        page = StatusPage(
            at=now,
            zone=str(platform.calendar.time_zone),
            sessions=self._said_by_store(_SPAN, until),
            services=(
                where,
                *(book.services if book else ()),
                *found,
                disk(self._settings),
                *revised_bars(said),
            ),
            teams=tuple(
                team_status(platform, self._settings, team, book.teams.get(team) if book else None, said)
                for team in platform.registry.teams
            ),
            addresses=addresses(self._settings),
        )
        if book:
            page = replace(page, schedules=book.schedules, sensors=book.sensors, runs=book.runs)
        return replace(page, seconds=round(time.monotonic() - began, 2))

    def _platform(self) -> Platform:
        """A season's platform is asked of the store too, which may hang: a page took 127 s then."""
        self._asking.start({_PLATFORM: lambda: current_platform(self._settings)})
        try:
            platform: Platform = self._asking.answer(_PLATFORM, time.monotonic() + SECONDS)
        except SilentError:
            return platform_without_store(self._settings)
        return platform

    @cached_property
    def _storage(self) -> Service:
        home = self._settings.instance_home
        url = storage.postgres_url(home)
        todo = start("postgres", see="DAGSTER_PG_PASSWORD") if url else _restore()
        return Service(_STORAGE, lambda: storage.ask(url, home), todo)

    def _answer(self, service: Service, until: float) -> Check:
        try:
            return service.well(self._asking.answer(service.name, until))
        except TradingError as error:
            return service.silent(str(error))
        except SilentError:
            return service.silent(f"does not answer within {SECONDS} s")

    def _read(self, where: Check, until: float) -> tuple[DagsterState | None, Check]:
        """What the storage says; without it the line that says why there is none."""
        try:
            return self._asking.answer(_BOOK, until), where
        except SilentError:
            todo = "load the page again in a minute; if this stays, `trading maintenance` makes the storage smaller"
            return None, Check(_STORAGE, "warn", "is still being read", todo)
        except Exception as error:  # SQLAlchemy's, psycopg2's and SQLite's own; their texts quote addresses.
            _log.exception("Dagster's storage could not be read.")
            said = (
                str(error) if isinstance(error, TradingError) else f"cannot be read ({type(error).__name__})"
            )
            return None, self._storage.silent(f"{where.said} {said}")

    def _book(self, platform: Platform, now: datetime) -> DagsterState:
        self._storage.ask()
        if self.instance is None:
            self.instance = dg.DagsterInstance.get()
        graph = self._graph_of(platform, self.instance)
        return read_state(platform, self.instance, graph.definitions, graph.chains, self._settings, now)

    def _graph_of(self, platform: Platform, instance: dg.DagsterInstance) -> _Graph:
        """The graph of the texts in force; loading it anew costs a second for 20 teams, so only when they changed."""
        digest = platform.sources.digest
        if self._graph is None or self._graph.digest != digest:
            definitions = build_definitions(platform, self._settings)
            self._graph = _Graph(digest, definitions, ChainReader(definitions, instance, platform.pooled))
        return self._graph

    def _stored(self, platform: Platform) -> Stored:
        return stored(open_assets(self._settings.store_url, self._settings.dvc_url), platform.registry.teams)

    def _said_by_store(self, what: str, until: float) -> Any:
        """None when the store does not answer, which its own line says; the clock of a lapse is in it too."""
        try:
            return self._asking.answer(what, until)
        except (TradingError, SilentError):
            return None


def _restore() -> str:
    return (
        "restore the folder `dagster` of TRADING_HOME from a backup, or move it away: "
        f"{everything_due()} makes a new one"
    )


def _span(platform: Platform) -> tuple[date, date] | None:
    sessions = replay_sessions(platform)
    return (sessions[0], sessions[-1]) if sessions else None
