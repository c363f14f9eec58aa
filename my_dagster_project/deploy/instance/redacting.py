"""Dagster's storages, minus secrets: the one place every event and every tick passes on its way to the database.

Dagster stores the text of an exception in clear, and an exception of a library may hold an address with a password.
Wrapping each call of each library would be forgotten somewhere; this cannot be.
"""

from collections.abc import Sequence
from typing import Any

from dagster import EventLogEntry, deserialize_value, serialize_value

from my_dagster_project.foundation.dagster_private import InstigatorTick, TickData
from my_dagster_project.foundation.redaction import redact


def without_secrets(record: Any) -> Any:
    """The record as it was, or a copy without the secrets in it."""
    text = serialize_value(record)
    clean = redact(text)
    return record if clean == text else deserialize_value(clean)


class RedactedEvents:
    """Goes before an event log storage."""

    def store_event(self, event: EventLogEntry) -> None:
        """Store the event without the secrets in it."""
        super().store_event(without_secrets(event))  # type: ignore[misc]

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events without the secrets in them."""
        super().store_event_batch([without_secrets(event) for event in events])  # type: ignore[misc]


class RedactedTicks:
    """Goes before a schedule storage."""

    def create_tick(self, tick_data: TickData) -> InstigatorTick:
        """Store a new tick without the secrets in it."""
        return super().create_tick(without_secrets(tick_data))  # type: ignore[misc]

    def update_tick(self, tick: InstigatorTick) -> InstigatorTick:
        """Store how a tick went, without the secrets in its error."""
        return super().update_tick(without_secrets(tick))  # type: ignore[misc]
