"""What is asked of an account: its state, positions, orders, activities and history."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from my_dagster_project.paper_broker.ledger import OPEN, Books
from my_dagster_project.paper_broker.open_account import Ask, OpenAccount, parse_date
from my_dagster_project.paper_broker.order_entry import by_client_id, by_id
from my_dagster_project.paper_broker.refusals import malformed, not_found
from my_dagster_project.paper_broker.views import (
    account_view,
    cash_view,
    fill_view,
    order_view,
    position_view,
)

Answer = tuple[int, Any]
ACTIVITY_VIEWS = {"FILL": fill_view, "SPLIT": cash_view, "DIV": cash_view, "FEE": cash_view}
PERIOD_DAYS = {"D": 1, "W": 7, "M": 30, "A": 365}


def account(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/account."""
    books = account.books()
    row = account.db.execute(
        "SELECT equity FROM equity WHERE team = ? AND session < ? ORDER BY session DESC LIMIT 1",
        (account.team, books.session.isoformat() if books.session else ""),
    ).fetchone()
    return 200, account_view(books, Decimal(row["equity"]) if row else books.starting_cash)


def positions(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/positions."""
    ask.only()
    books = account.books()
    return 200, [_position(account, books, symbol) for symbol in books.holdings]


def position(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/positions/{symbol}: 404 when none is held."""
    books, symbol = account.books(), ask.path["symbol"]
    if symbol not in books.holdings:
        raise not_found("position does not exist")
    return 200, _position(account, books, symbol)


def _position(account: OpenAccount, books: Books, symbol: str) -> dict[str, Any]:
    session, holding = books.stands_at(), books.holdings[symbol]
    before = account.last_close(symbol, account.calendar.previous_session(session), sessions=1)
    lastday = holding.price if before is None else before / account.feed.split_ratio(symbol, session)
    return position_view(holding, books.available(symbol), lastday)


def order(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/orders/{id}."""
    ask.only("nested")
    return 200, order_view(by_id(account, ask.path["order_id"]))


def order_by_client_id(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/orders:by_client_order_id."""
    client_id = ask.only("client_order_id").get("client_order_id", "")
    row = by_client_id(account, client_id)
    if row is None:
        raise not_found(f"order not found for {client_id}")
    return 200, order_view(row)


def orders(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/orders: by default the 50 newest open ones; `after` and `until` exclude their own instant."""
    query = ask.only("status", "limit", "after", "until", "direction", "nested", "symbols", "side")
    wanted, values = ["team = ?"], [account.team]
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
    return 200, [order_view(row) for row in account.db.execute(sql, (*values, ask.number("limit", 50, 500)))]


def activities(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/account/activities[/{type}]: newest first by default, paged by the id of the last one seen."""
    ask.only("activity_types", "after", "until", "date", "direction", "page_size", "page_token")
    kinds, size = sorted(_kinds(ask)), ask.number("page_size", 100, 100)
    wanted, values = [f"team = ? AND type IN ({','.join('?' * len(kinds))})"], [account.team, *kinds]
    newest_first = ask.choice("direction", "desc", "asc") == "desc"
    for test, value in _activity_tests(ask, newest_first):
        wanted.append(test)
        values.append(value)
    order = "desc" if newest_first else "asc"
    sql = f"SELECT * FROM activities WHERE {' AND '.join(wanted)} ORDER BY number {order} LIMIT ?"  # noqa: S608
    return 200, [ACTIVITY_VIEWS[row["type"]](row) for row in account.db.execute(sql, (*values, size))]


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


def history(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/account/portfolio/history: a point a session; by default those of the last month, as at Alpaca."""
    ask.only("period", "timeframe", "extended_hours", "date_end", "start", "end", "intraday_reporting")
    ask.choice("timeframe", "1D")
    first, last = _window(account, ask)
    rows = account.db.execute(
        "SELECT * FROM equity WHERE team = ? AND session <= ? ORDER BY session", (account.team, last)
    ).fetchall()
    before = [row["equity"] for row in rows if row["session"] < first]
    rows = [row for row in rows if row["session"] >= first]
    base = float(before[-1]) if before else float(account.books().starting_cash)
    equity = [float(row["equity"]) for row in rows]
    opens = [account.calendar.open_at(date.fromisoformat(row["session"])) for row in rows]
    return 200, {
        "timestamp": [int(opened.timestamp()) for opened in opens],
        "equity": equity,
        "profit_loss": [round(value - base, 6) for value in equity],
        "profit_loss_pct": [round(value / base - 1, 8) for value in equity],
        "base_value": base,
        "timeframe": "1D",
    }


def _window(account: OpenAccount, ask: Ask) -> tuple[str, str]:
    """Give the first and the last session wanted, as ISO dates: `start` and `end`, or `period` up to `date_end`."""
    until = ask.query.get("end") or ask.query.get("date_end")
    last = parse_date("end", until[:10]) if until else account.books().session or date.max
    if start := ask.query.get("start"):
        return parse_date("start", start[:10]).isoformat(), last.isoformat()
    period = ask.query.get("period", "1M")
    if period == "all":
        return "", last.isoformat()
    found = re.fullmatch(r"([1-9][0-9]{0,2})([DWMA])", period)
    if not found:
        raise malformed(f"invalid period: {period!r}; give a number and D, W, M or A, or all")
    days = int(found[1]) * PERIOD_DAYS[found[2]]
    return (last - timedelta(days=min(days, last.toordinal() - 1))).isoformat(), last.isoformat()
