"""Dagster's PostgreSQL storage for the stack: minus secrets, and with a web server that outlives a restart of PostgreSQL."""

from typing import Any

from dagster_postgres import (
    DagsterPostgresStorage,
    PostgresEventLogStorage,
    PostgresRunStorage,
    PostgresScheduleStorage,
)
from dagster_postgres.utils import pg_url_from_config
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError

from my_dagster_project.deploy.instance.redacting import RedactedEvents, RedactedTicks
from my_dagster_project.foundation.dagster_private import ConfigurableClassData


def _ping(connection: Any, _record: Any, _proxy: Any) -> None:
    """Ask before a held connection is used; the pool replaces one that does not answer (SQLAlchemy's `checkout` event)."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception as gone:
        raise DisconnectionError from gone


class _Pinged:
    """A storage whose web server notices that PostgreSQL was restarted.

    Dagster lets a web server hold connections and uses them unasked: after a restart each one was an error 500 in Dagit,
    a click on Launch among them (tests/stack/test_faults.py).
    """

    _engine: Any

    def optimize_for_webserver(self, *args: Any, **kwargs: Any) -> None:
        super().optimize_for_webserver(*args, **kwargs)  # type: ignore[misc]  # Dagster's, beside which this is mixed in
        event.listen(self._engine, "checkout", _ping)


class RedactedPostgresEvents(_Pinged, RedactedEvents, PostgresEventLogStorage):
    """The event log."""


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
        super().__init__(postgres_url, should_autocreate_tables, inst_data)
        # Dagster names its classes in here; nothing has been connected yet but for the check of the tables.
        self._run_storage = PostgresRuns(postgres_url, should_autocreate_tables)
        self._event_log_storage = RedactedPostgresEvents(postgres_url, should_autocreate_tables)
        self._schedule_storage = RedactedPostgresTicks(postgres_url, should_autocreate_tables)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "RedactedPostgresStorage":
        """Dagster's own version names its class instead of asking `cls`."""
        return cls(
            pg_url_from_config(config_value), config_value.get("should_autocreate_tables", True), inst_data
        )
