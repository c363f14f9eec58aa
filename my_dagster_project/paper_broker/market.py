"""What is asked of the exchange: clock, calendar and assets."""

from datetime import datetime, timedelta
from typing import Any

from my_dagster_project.paper_broker.desk import Ask, Desk, parse_date
from my_dagster_project.paper_broker.engine import is_open
from my_dagster_project.paper_broker.refusals import not_found
from my_dagster_project.paper_broker.views import asset_id, asset_view

Answer = tuple[int, Any]


def clock(desk: Desk, ask: Ask) -> Answer:
    """GET /v2/clock: this account's own clock; a stepped one always stands after a close."""
    session = desk.books().stands_at()
    if ask.fault is not None:
        session = desk.calendar.previous_session(session)
    now = desk.calendar.close_at(session) if ask.fault else desk.now(session)
    zone = desk.calendar.time_zone
    local = {"timestamp": now, "next_open": _next_open(desk, now), "next_close": _next_close(desk, now)}
    return 200, {
        "is_open": is_open(desk, now),
        **{name: when.astimezone(zone).isoformat() for name, when in local.items()},
    }


def _next_open(desk: Desk, now: datetime) -> datetime:
    day = now.astimezone(desk.calendar.time_zone).date()
    if desk.calendar.is_session(day) and desk.calendar.open_at(day) > now:
        return desk.calendar.open_at(day)
    return desk.calendar.open_at(desk.calendar.next_session(day))


def _next_close(desk: Desk, now: datetime) -> datetime:
    day = now.astimezone(desk.calendar.time_zone).date()
    if desk.calendar.is_session(day) and desk.calendar.close_at(day) > now:
        return desk.calendar.close_at(day)
    return desk.calendar.close_at(desk.calendar.next_session(day))


def calendar(desk: Desk, ask: Ask) -> Answer:
    """GET /v2/calendar: sessions from `start` to `end`, both included; by default a month from the clock on."""
    query = ask.only("start", "end", "date_type")
    start = parse_date("start", query["start"][:10]) if "start" in query else desk.books().stands_at()
    end = parse_date("end", query["end"][:10]) if "end" in query else start + timedelta(days=31)
    book, zone = desk.calendar, desk.calendar.time_zone
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


def assets(desk: Desk, ask: Ask) -> Answer:
    """GET /v2/assets: every symbol there are bars of; all are active US stocks."""
    ask.only("status", "asset_class", "exchange", "attributes")
    active = ask.choice("status", "active", "inactive") == "active"
    stocks = ask.query.get("asset_class", "us_equity") == "us_equity"
    return 200, [asset_view(symbol) for symbol in desk.feed.symbols() if active and stocks]


def asset(desk: Desk, ask: Ask) -> Answer:
    """GET /v2/assets/{symbol or id}."""
    wanted = ask.path["asset"]
    for symbol in desk.feed.symbols():
        if wanted in (symbol, asset_id(symbol)):
            return 200, asset_view(symbol)
    raise not_found(f"asset not found for {wanted}")
