"""What a request handler works with: one transaction, one authenticated account, the market, and what was asked."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.foundation.errors import CalendarError
from my_dagster_project.paper_broker.faults import Fault
from my_dagster_project.paper_broker.feed import BarFeed
from my_dagster_project.paper_broker.ledger import Books, books
from my_dagster_project.paper_broker.refusals import malformed, unprocessable


@dataclass(frozen=True)
class OpenAccount:
    """One account, open for one transaction."""

    db: sqlite3.Connection
    team: str
    feed: BarFeed
    calendar: TradingCalendar

    def books(self) -> Books:
        """Read the account as it stands now in this transaction."""
        return books(self.db, self.team)

    def last_close(self, symbol: str, session: date, sessions: int) -> Decimal | None:
        """Give the newest close up to `session`, at most so many sessions back; None when there is none."""
        for _ in range(sessions):
            if bar := self.feed.bar(symbol, session):
                return bar.close
            session = self.calendar.previous_session(session)
        return None

    def now(self, session: date) -> datetime:
        """Give the account's time: after the close of `session`, a moment later for each order sent.

        Alpaca's orders have distinct times, and clients page by them.
        """
        sent = self.db.execute(
            "SELECT count(*) FROM orders WHERE team = ? AND session = ?", (self.team, session.isoformat())
        ).fetchone()[0]
        return self.calendar.close_at(session) + timedelta(milliseconds=sent + 1)


@dataclass(frozen=True)
class Ask:
    """A request: what stood in its path, its query and its body, and the fault it meets inside, if any."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    fault: Fault | None = None

    def only(self, *names: str) -> Mapping[str, str]:
        """Give the query; raises 422 when it has a parameter other than these."""
        if unknown := sorted(set(self.query) - set(names)):
            raise malformed(f"unknown query parameter {unknown[0]!r}; known: {', '.join(names) or 'none'}")
        return self.query

    def choice(self, name: str, *choices: str) -> str:
        """Give a query parameter out of these choices, by default the first; raises 422 otherwise."""
        value = self.query.get(name, choices[0])
        if value not in choices:
            raise malformed(f"invalid {name}: {value!r}; choose from {', '.join(choices)}")
        return value

    def number(self, name: str, default: int, most: int) -> int:
        """Give a whole number from 1 to `most`; raises 422 otherwise."""
        text = self.query.get(name, str(default))
        if not text.isdecimal() or not 1 <= int(text) <= most:
            raise malformed(f"invalid {name}: {text!r}; give a whole number from 1 to {most}")
        return int(text)

    def instant(self, name: str) -> str | None:
        """Give an instant of the query (ISO; a bare date is its midnight UTC) in the form the store sorts by."""
        return stamp(_parse(name, text)) if (text := self.query.get(name)) else None


def _parse(name: str, text: str) -> datetime:
    try:
        # A '+' of an offset arrives as a space when a client forgets to quote it; Alpaca forgives that, so do we.
        when = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise malformed(f"invalid {name}: {text!r}; give an ISO time like 2013-01-02T21:00:00Z") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def parse_date(name: str, text: object) -> date:
    """Read YYYY-MM-DD; raises 422."""
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise malformed(f"invalid {name}: {text!r}; give a date like 2013-01-02") from None


def stamp(when: datetime) -> str:
    """Give an instant as stored and sent: UTC, microseconds, Z; sorts as text."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def require_session(calendar: TradingCalendar, session: date) -> None:
    """Raise 422 when the exchange does not trade on this day or the calendar does not reach it."""
    try:
        known = calendar.is_session(session)
    except CalendarError as error:
        raise unprocessable(str(error)) from None
    if not known:
        raise unprocessable(f"{session} ({session:%A}) is no session of {calendar.name}")
