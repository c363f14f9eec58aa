"""What time it is at the exchange: asked through `Platform.now()`, by everything that wants to know which sessions have closed.

Budgets, leases, limits per day, ages of files and what people did when are of the wall clock, and ask it themselves; a test
holds the list of who may (tests/test_exchange_time.py).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.storage.season import SeasonBook


class ExchangeClock(Protocol):
    """An instant that only goes forward."""

    def now(self) -> datetime:
        """Give the instant, UTC; raises StorageError where it is stored and cannot be read."""


class RealClock:
    """The time of day."""

    def now(self) -> datetime:
        """Give the instant, UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True)
class LapseClock:
    """The close of the session at work, as stored; before a season has begun, of the session before its first one."""

    book: SeasonBook
    calendar: TradingCalendar
    start: date

    def now(self) -> datetime:
        """Give the instant, UTC; raises StorageError."""
        state = self.book.read()
        return self.calendar.close_at(state.session if state else self.calendar.previous_session(self.start))
