"""Dagster's storages, minus secrets: the one place every event and every tick passes on its way to the database.

Dagster stores the text of an exception in clear, and an exception of a library may hold an address with a password.
Wrapping each call of each library would be forgotten somewhere; this cannot be.
"""

from typing import Any, NamedTuple

from dagster import deserialize_value, serialize_value

from my_dagster_project.foundation.dagster_private import InstigatorTick, TickData
from my_dagster_project.foundation.redaction import redact


class Clean(NamedTuple):
    """A record without secrets, and the text that Dagster stores of it."""

    record: Any
    text: str


def without_secrets(record: Any) -> Clean:
    """The record as it was, or a copy without the secrets in it."""
    text = serialize_value(record)
    clean = redact(text)
    return Clean(record if clean == text else deserialize_value(clean), clean)


class RedactedTicks:
    """Goes before a schedule storage."""

    def create_tick(self, tick_data: TickData) -> InstigatorTick:
        """Store a new tick without the secrets in it."""
        return super().create_tick(without_secrets(tick_data).record)  # type: ignore[misc]

    def update_tick(self, tick: InstigatorTick) -> InstigatorTick:
        """Store how a tick went, without the secrets in its error."""
        return super().update_tick(without_secrets(tick).record)  # type: ignore[misc]
