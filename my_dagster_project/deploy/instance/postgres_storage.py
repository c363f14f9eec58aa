"""Dagster's PostgreSQL storage for the stack: minus secrets, connections that are kept, and asked whether they still are any."""

import os
from functools import cache
from typing import Any

from dagster_postgres import (
    DagsterPostgresStorage,
    PostgresEventLogStorage,
    PostgresRunStorage,
    PostgresScheduleStorage,
)
from dagster_postgres.utils import pg_url_from_config
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError

from my_dagster_project.deploy.instance.redacting import RedactedTicks
from my_dagster_project.deploy.instance.whole_events import WholeEvents
from my_dagster_project.foundation.dagster_private import ConfigurableClassData


def _ping(connection: Any, _record: Any, _proxy: Any) -> None:
    """Ask before a held connection is used; the pool replaces one that does not answer (SQLAlchemy's `checkout` event)."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception as gone:
        raise DisconnectionError from gone


@cache
def _connections(url: str) -> Engine:
    """The connections of this process to a database, for every instance that it opens.

    Dagster connects anew for each query, and opens an instance for each tick of a sensor: an idle stack made 17 connections
    a second, most of what PostgreSQL, daemon and code server did (7.5, 6.4 and 5.4 % of a core).
    """
    engine = create_engine(
        url, isolation_level="AUTOCOMMIT", pool_size=2, max_overflow=30, pool_pre_ping=True
    )
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))  # They are the parent's.
    return engine


# Databases in which this process has seen Dagster's tables.
_SEEN: set[str] = set()


class _Pinged:
    """A storage on the connections of its process, whose web server notices that PostgreSQL was restarted.

    Dagster lets a web server hold connections and uses them unasked: after a restart each one was an error 500 in Dagit,
    a click on Launch among them (tests/stack/test_faults.py).
    """

    _engine: Any

    def __init__(self, postgres_url: str, should_autocreate_tables: bool) -> None:
        super().__init__(postgres_url, should_autocreate_tables)  # type: ignore[call-arg]  # Dagster's
        self._engine = _connections(postgres_url)

    def optimize_for_webserver(self, *args: Any, **kwargs: Any) -> None:
        super().optimize_for_webserver(*args, **kwargs)  # type: ignore[misc]  # Dagster's, beside which this is mixed in
        event.listen(self._engine, "checkout", _ping)


class RedactedPostgresEvents(_Pinged, WholeEvents, PostgresEventLogStorage):
    """The event log."""

    def has_asset_key_index_cols(self) -> bool:
        """Yes, since the bootstrap brought the tables up to date; Dagster asks the catalog anew for each asset it reads."""
        return True


class RedactedPostgresTicks(_Pinged, RedactedTicks, PostgresScheduleStorage):
    """Schedules, sensors and their ticks."""


class PostgresRuns(_Pinged, PostgresRunStorage):
    """Runs and their tags."""


class RedactedPostgresStorage(DagsterPostgresStorage):
    """Takes the configuration of Dagster's own `storage: postgres:`."""

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        # Dagster names its own classes in here: those look for no tables, and ours once in a process.
        super().__init__(postgres_url, False, inst_data)
        look = should_autocreate_tables and postgres_url not in _SEEN
        self._run_storage = PostgresRuns(postgres_url, look)
        self._event_log_storage = RedactedPostgresEvents(postgres_url, look)
        self._schedule_storage = RedactedPostgresTicks(postgres_url, look)
        _SEEN.add(postgres_url)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "RedactedPostgresStorage":
        """Dagster's own version names its class instead of asking `cls`."""
        return cls(
            pg_url_from_config(config_value), config_value.get("should_autocreate_tables", True), inst_data
        )
