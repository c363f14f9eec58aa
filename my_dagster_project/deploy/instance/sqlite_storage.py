"""Dagster's SQLite storages for the embedded default, with one connection pool per process instead of one engine per statement.

Dagster makes a new engine for every statement, so every statement is compiled anew and every connection is the last one:
closing it makes SQLite fold its write-ahead log back into the file. By default it also makes a new database file, with
its migrations, for every run: 120 short runs took 0.29 s each that way, under 0.15 s with these.
A fork gets a pool of its own; it neither uses nor closes what it inherited.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from my_dagster_project.deploy.instance.redacting import RedactedTicks
from my_dagster_project.deploy.instance.sqlite_events import ManyEvents
from my_dagster_project.deploy.instance.whole_events import WholeEvents
from my_dagster_project.foundation.dagster_private import (
    ConsolidatedSqliteEventLogStorage,
    SqliteRunStorage,
    SqliteScheduleStorage,
)

_BUSY_SECONDS = 60


def _engine(url: str) -> Engine:
    return _engine_of_process(url, os.getpid())


@cache
def _engine_of_process(url: str, _pid: int) -> Engine:
    engine = create_engine(url, poolclass=QueuePool, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _relax)
    return engine


def _relax(connection: Any, _: Any) -> None:
    # In WAL mode this survives a crash of the process; only a power cut can lose the last events.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


class _PooledEvents(ConsolidatedSqliteEventLogStorage):
    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        with _engine(self._conn_string).connect() as connection, connection.begin():
            yield connection

    def has_table(self, table_name: str) -> bool:
        """Dagster asks for the same two at nearly every event, each time on an engine of its own: a table that is there stays."""
        if table_name not in self._tables:
            if not super().has_table(table_name):
                return False
            self._tables.add(table_name)
        return True

    @cached_property
    def _tables(self) -> set[str]:
        return set()


class EmbeddedEventLogStorage(ManyEvents, WholeEvents, _PooledEvents):
    """All runs' events in one file."""


class EmbeddedRunStorage(SqliteRunStorage):
    """All runs in one file, as Dagster keeps them."""

    @classmethod
    def from_config_value(cls, inst_data, config_value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN206
        """Dagster's own version names its class instead of asking `cls`."""
        storage = SqliteRunStorage.from_config_value(inst_data, config_value)
        storage.__class__ = cls
        return storage

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A transaction."""
        with _engine(self._conn_string).connect() as connection, connection.begin():
            yield connection


class EmbeddedScheduleStorage(RedactedTicks, SqliteScheduleStorage):
    """All ticks in one file, as Dagster keeps them."""

    @classmethod
    def from_config_value(cls, inst_data, config_value):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN206
        """Dagster's own version names its class instead of asking `cls`."""
        return cls.from_local(inst_data=inst_data, **config_value)
