"""Dagster's PostgreSQL storage for the stack, minus secrets."""

from typing import Any

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage, PostgresScheduleStorage
from dagster_postgres.utils import pg_url_from_config

from my_dagster_project.instance.redacting import RedactedEvents, RedactedTicks


class RedactedPostgresEvents(RedactedEvents, PostgresEventLogStorage):
    """The event log."""


class RedactedPostgresTicks(RedactedTicks, PostgresScheduleStorage):
    """Schedules, sensors and their ticks."""


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
