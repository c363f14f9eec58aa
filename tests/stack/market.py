"""Real bars on recent sessions: the stack's schedules follow the wall clock, and the bundled prices end in 2013."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.market_data.sample import SampleSource
from my_dagster_project.market_data.source import COLUMNS

SYMBOLS = ("AAPL", "IBM", "MSFT")
# 2010 to 2013: no splits of these three.
_BARS = 700


def recent_sessions(count: int = _BARS) -> list[date]:
    """The last closed sessions of the New York calendar, oldest first."""
    calendar = load_calendar("XNYS")
    last = calendar.last_closed(datetime.now(UTC))
    return calendar.sessions(calendar.offset(last, 1 - count), last)


def newest_partition() -> date:
    """The newest session a run can be of: a session's partition begins to exist at the midnight after it."""
    today = datetime.now(load_calendar("XNYS").time_zone).date()
    return next(session for session in reversed(recent_sessions()) if session < today)


def daily_ticks_now() -> bool:
    """Whether a daily schedule asks for that session now; from a close until midnight it waits for the next one."""
    return newest_partition() == recent_sessions()[-1]


def trade_ticks_now() -> bool:
    """Whether a trading schedule places that session's orders now and for some minutes: never after the next open."""
    calendar = load_calendar("XNYS")
    opens = calendar.open_at(calendar.next_session(newest_partition()))
    return daily_ticks_now() and datetime.now(UTC) + timedelta(minutes=5) < opens


def write_market(folder: Path) -> list[date]:
    """One CSV per symbol: the sample's last prices as if they were those of the last sessions; gives these sessions."""
    folder.mkdir(parents=True, exist_ok=True)
    sessions = recent_sessions()
    for symbol in SYMBOLS:
        bars = SampleSource().fetch(symbol, date(2000, 3, 1), date(2013, 3, 1)).tail(len(sessions))
        with (folder / f"{symbol}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for session, bar in zip(sessions, bars.to_dict("records"), strict=True):
                rows.writerow([session.isoformat(), *(bar[name] for name in COLUMNS[1:])])
    folder.chmod(0o755)
    return sessions
