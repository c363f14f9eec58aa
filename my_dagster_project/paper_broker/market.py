"""What is asked of the exchange: clock and calendar."""

from datetime import timedelta
from typing import Any

from my_dagster_project.paper_broker.open_account import Ask, OpenAccount, parse_date

Answer = tuple[int, Any]


def clock(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/clock: this account's own clock, which always stands after a close."""
    session, book = account.books().stands_at(), account.calendar
    if ask.fault is not None:
        session = book.previous_session(session)
    following = book.next_session(session)
    now = book.close_at(session) if ask.fault else account.now(session)
    told = {"timestamp": now, "next_open": book.open_at(following), "next_close": book.close_at(following)}
    return 200, {
        "is_open": False,
        **{name: when.astimezone(book.time_zone).isoformat() for name, when in told.items()},
    }


def calendar(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/calendar: sessions from `start` to `end`, both included; by default a month from the clock on."""
    query = ask.only("start", "end", "date_type")
    start = parse_date("start", query["start"][:10]) if "start" in query else account.books().stands_at()
    end = parse_date("end", query["end"][:10]) if "end" in query else start + timedelta(days=31)
    book, zone = account.calendar, account.calendar.time_zone
    return 200, [
        {
            "date": day.isoformat(),
            "open": f"{book.open_at(day).astimezone(zone):%H:%M}",
            "close": f"{book.close_at(day).astimezone(zone):%H:%M}",
            "session_open": "0400",
            "session_close": "2000",
        }
        for day in book.sessions(start, end)
    ]
