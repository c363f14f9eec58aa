"""Everything that is only asked: account, positions, orders, activities, history, clock and calendar."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from my_dagster_project.broker.paper.desk import Ask, Desk, parse_date
from my_dagster_project.broker.paper.errors import malformed, not_found
from my_dagster_project.broker.paper.ledger import OPEN
from my_dagster_project.broker.paper.order_entry import by_client_id, by_id
from my_dagster_project.broker.paper.views import (
    account_view,
    fill_view,
    order_view,
    position_view,
    split_view,
)

Answer = tuple[int, Any]
ACTIVITY_VIEWS = {"FILL": fill_view, "SPLIT": split_view}


def account(desk: Desk, ask: Ask) -> Answer:
    """GET /v2/account."""
    books = desk.books()
    row = desk.db.execute(
        "SELECT equity FROM equity WHERE team = ? AND session < ? ORDER BY session DESC LIMIT 1",
        (desk.team, books.session.isoformat() if books.session else ""),
    ).fetchone()
    return 200, account_view(books, Decimal(row["equity"]) if row else books.starting_cash)


def positions(desk: Desk, ask: Ask) -> Answer:
    """GET /v2/positions."""
    books = desk.books()
    return 200, [position_view(held, books.available(held.symbol)) for held in books.holdings.values()]


def position(desk: Desk, ask: Ask) -> Answer:
    """GET /v2/positions/{symbol}: 404 when none is held."""
    books, symbol = desk.books(), ask.path["symbol"]
    if symbol not in books.holdings:
        raise not_found("position does not exist")
    return 200, position_view(books.holdings[symbol], books.available(symbol))


def order(desk: Desk, ask: Ask) -> Answer:
    """GET /v2/orders/{id}."""
    ask.only("nested")
    return 200, order_view(by_id(desk, ask.path["order_id"]))


def order_by_client_id(desk: Desk, ask: Ask) -> Answer:
    """GET /v2/orders:by_client_order_id."""
    client_id = ask.only("client_order_id").get("client_order_id", "")
    row = by_client_id(desk, client_id)
    if row is None:
        raise not_found(f"order not found for {client_id}")
    return 200, order_view(row)


def orders(desk: Desk, ask: Ask) -> Answer:
    """GET /v2/orders: by default the 50 newest open ones; `after` and `until` exclude their own instant."""
    query = ask.only("status", "limit", "after", "until", "direction", "nested", "symbols", "side")
    wanted, values = ["team = ?"], [desk.team]
    status = ask.choice("status", "open", "closed", "all")
    if status != "all":
        wanted.append("status = ?" if status == "open" else "status <> ?")
        values.append(OPEN)
    for name, test in (("after", "submitted_at > ?"), ("until", "submitted_at < ?")):
        if (instant := ask.instant(name)) is not None:
            wanted.append(test)
            values.append(instant)
    if "side" in query:
        wanted.append("side = ?")
        values.append(ask.choice("side", "buy", "sell"))
    if symbols := query.get("symbols"):
        names = symbols.split(",")
        wanted.append(f"symbol IN ({','.join('?' * len(names))})")
        values.extend(names)
    direction = ask.choice("direction", "desc", "asc")
    sql = f"SELECT * FROM orders WHERE {' AND '.join(wanted)} ORDER BY number {direction} LIMIT ?"  # noqa: S608
    return 200, [order_view(row) for row in desk.db.execute(sql, (*values, ask.number("limit", 50, 500)))]


def activities(desk: Desk, ask: Ask) -> Answer:
    """GET /v2/account/activities[/{type}]: newest first by default, paged by the id of the last one seen."""
    ask.only("activity_types", "after", "until", "date", "direction", "page_size", "page_token")
    kinds, size = sorted(_kinds(ask)), ask.number("page_size", 100, 100)
    wanted, values = [f"team = ? AND type IN ({','.join('?' * len(kinds))})"], [desk.team, *kinds]
    newest_first = ask.choice("direction", "desc", "asc") == "desc"
    for test, value in _activity_tests(ask, newest_first):
        wanted.append(test)
        values.append(value)
    order = "desc" if newest_first else "asc"
    sql = f"SELECT * FROM activities WHERE {' AND '.join(wanted)} ORDER BY number {order} LIMIT ?"  # noqa: S608
    return 200, [ACTIVITY_VIEWS[row["type"]](row) for row in desk.db.execute(sql, (*values, size))]


def _activity_tests(ask: Ask, newest_first: bool) -> list[tuple[str, str]]:
    tests: list[tuple[str, str]] = []
    for name, test in (("after", "at > ?"), ("until", "at < ?")):
        if (instant := ask.instant(name)) is not None:
            tests.append((test, instant))
    if "date" in ask.query:
        tests.append(("session = ?", parse_date("date", ask.query["date"]).isoformat()))
    if token := ask.query.get("page_token"):
        number = token.rpartition("::")[2]
        if not number.isdecimal():
            raise malformed(f"invalid page_token: {token!r}; give the id of the last activity seen")
        tests.append(
            ("number < CAST(? AS INTEGER)" if newest_first else "number > CAST(? AS INTEGER)", number)
        )
    return tests


def _kinds(ask: Ask) -> set[str]:
    given = ask.path.get("kind") or ask.query.get("activity_types") or ",".join(ACTIVITY_VIEWS)
    kinds = set(given.split(","))
    if unknown := sorted(kinds - set(ACTIVITY_VIEWS)):
        raise malformed(
            f"invalid activity type {unknown[0]!r}; the bundled broker knows {', '.join(ACTIVITY_VIEWS)}"
        )
    return kinds


def history(desk: Desk, ask: Ask) -> Answer:
    """GET /v2/account/portfolio/history at one point a session; unlike Alpaca's, all sessions by default."""
    query = ask.only(
        "period",
        "timeframe",
        "extended_hours",
        "date_start",
        "date_end",
        "start",
        "end",
        "intraday_reporting",
    )
    ask.choice("timeframe", "1D")
    first, last = query.get("date_start", "0000"), query.get("date_end", "9999")
    base = desk.books().starting_cash
    rows = desk.db.execute(
        "SELECT * FROM equity WHERE team = ? AND session BETWEEN ? AND ? ORDER BY session",
        (desk.team, first, last),
    ).fetchall()
    equity = [float(row["equity"]) for row in rows]
    return 200, {
        "timestamp": [
            int(desk.calendar.open_at(date.fromisoformat(row["session"])).timestamp()) for row in rows
        ],
        "equity": equity,
        "profit_loss": [round(value - float(base), 6) for value in equity],
        "profit_loss_pct": [round(value / float(base) - 1, 8) for value in equity],
        "base_value": float(base),
        "timeframe": "1D",
    }


def clock(desk: Desk, ask: Ask) -> Answer:
    """GET /v2/clock: this account's own clock, which always stands after a close."""
    session = desk.books().stands_at()
    following = desk.calendar.next_session(session)
    zone = desk.calendar.time_zone
    local = {
        "timestamp": desk.now(session),
        "next_open": desk.calendar.open_at(following),
        "next_close": desk.calendar.close_at(following),
    }
    return 200, {
        "is_open": False,
        **{name: when.astimezone(zone).isoformat() for name, when in local.items()},
    }


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
