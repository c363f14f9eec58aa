"""Events in SQLite, many with one statement: Dagster's own way makes and compiles several statements for each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dagster import EventLogEntry
from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite

from my_dagster_project.deploy.instance.redacting import Clean
from my_dagster_project.foundation.dagster_private import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    AssetKeyTable,
    SqlEventLogStorageTable,
)

if TYPE_CHECKING:
    from my_dagster_project.foundation.dagster_private import ConsolidatedSqliteEventLogStorage as _Storage
else:
    _Storage = object


class ManyEvents(_Storage):
    """Goes before an event log storage of SQLite, and writes what its `store_event` writes."""

    def write(self, connection: Connection, events: Sequence[Clean]) -> None:
        """Write events, and all that is kept of them elsewhere, in this transaction."""
        connection.execute(SqlEventLogStorageTable.insert(), [self._row(*event) for event in events])
        last = connection.exec_driver_sql("SELECT last_insert_rowid()").scalar_one()
        # Who writes has the file to himself until he commits, so that the numbers are in a row.
        numbers = range(last - len(events) + 1, last + 1)
        numbered = [(event.record, number) for event, number in zip(events, numbers, strict=True)]
        of_assets = [(record, number) for record, number in numbered if _is_of_asset(record)]
        self._store_asset_event_tags(connection, [one for one, _ in of_assets], [at for _, at in of_assets])
        for record, number in of_assets:
            self._store_asset_event(connection, record, number)
        for record, number in numbered:
            if record.dagster_event and record.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(record, number)

    def _row(self, event: EventLogEntry, text: str) -> dict[str, Any]:
        told = event.dagster_event
        return {
            "run_id": event.run_id,
            "event": text,
            "dagster_event_type": told.event_type_value if told else None,
            "timestamp": self._event_insert_timestamp(event),
            "step_key": told.step_key if told else event.step_key,
            "asset_key": told.asset_key.to_string() if told and told.asset_key else None,
            "partition": (told.partition or None) if told else None,
        }

    def _store_asset_event(self, conn: Connection, event: EventLogEntry, event_id: int) -> None:
        """Dagster asks the catalog for the table's columns each time, and inserts in vain before it updates."""
        told = event.dagster_event
        assert told  # noqa: S101 - asked of events of assets only
        assert told.asset_key  # noqa: S101
        if values := self._get_asset_entry_values(event, event_id, True):
            row = sqlite.insert(AssetKeyTable).values(asset_key=told.asset_key.to_string(), **values)
            known = [AssetKeyTable.c.asset_key]
            conn.execute(row.on_conflict_do_update(index_elements=known, set_=values))


def _is_of_asset(event: EventLogEntry) -> bool:
    told = event.dagster_event
    return told is not None and told.event_type in ASSET_EVENTS and told.asset_key is not None
