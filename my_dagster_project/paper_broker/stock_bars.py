"""Stock bars as Alpaca's data host serves them, from the bars that orders are executed at.

Nothing is told of a session that the account's clock has not reached, and adjusted prices are adjusted only for what had
happened by then. Trade counts and average prices (n, vw) are null: daily bars do not know them.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.paper_broker.feed import Bar
from my_dagster_project.paper_broker.open_account import Ask, OpenAccount, stamp
from my_dagster_project.paper_broker.order_entry import STALE_SESSIONS
from my_dagster_project.paper_broker.refusals import bad_request, not_found

Answer = tuple[int, Any]
Dated = tuple[TradingCalendar, date, Bar]
Page = tuple[dict[str, list[dict[str, Any]]], str | None]
DAYS = ("1Day", "1D")
FEEDS = ("sip", "iex", "delayed_sip", "otc", "boats", "overnight")
ADJUSTMENTS = frozenset({"raw", "split", "dividend", "spin-off", "all"})
QUERY = ("timeframe", "start", "end", "limit", "adjustment", "asof", "feed", "currency", "page_token", "sort")
LATEST = ("feed", "currency")
PRICE_STEP = Decimal("0.0001")


def bars(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/stocks/bars: daily bars by symbol, paged over symbols and sessions; by default those of today."""
    ask.only("symbols", *QUERY)
    found, token = _page(account, ask, _symbols(ask))
    return 200, {"bars": found, "next_page_token": token}


def bars_of_one(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/stocks/{symbol}/bars: the same of one symbol."""
    ask.only(*QUERY)
    symbol = ask.path["symbol"]
    found, token = _page(account, ask, [symbol])
    return 200, {"symbol": symbol, "bars": found.get(symbol, []), "next_page_token": token}


def latest_bars(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/stocks/bars/latest: by symbol the bar of its last session; a symbol that never traded is left out."""
    ask.only("symbols", *LATEST)
    return 200, {"bars": {symbol: _raw(*found) for symbol, found in _latest(account, _symbols(ask))}}


def latest_bar(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/stocks/{symbol}/bars/latest: the same of one symbol."""
    symbol, bar = _latest_of_one(account, ask)
    return 200, {"symbol": symbol, "bar": _raw(*bar)}


def latest_trades(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/stocks/trades/latest: by symbol the close of its last session, which is the last trade that daily bars know."""
    ask.only("symbols", *LATEST)
    return 200, {"trades": {symbol: _trade(*found) for symbol, found in _latest(account, _symbols(ask))}}


def latest_trade(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/stocks/{symbol}/trades/latest: the same of one symbol."""
    symbol, bar = _latest_of_one(account, ask)
    return 200, {"symbol": symbol, "trade": _trade(*bar)}


def _symbols(ask: Ask) -> list[str]:
    symbols = sorted(set(filter(None, ask.query.get("symbols", "").split(","))))
    if not symbols:
        raise bad_request("symbols is required")
    return symbols


def _latest(account: OpenAccount, symbols: list[str]) -> Iterator[tuple[str, Dated]]:
    """Give each symbol's newest bar up to the account's session, within the sessions a last trade may lie back."""
    stands, calendar = account.books().stands_at(), account.calendar
    days = [calendar.offset(stands, -back) for back in range(STALE_SESSIONS)]
    for symbol in symbols:
        found = ((calendar, day, bar) for day in days if (bar := account.feed.bar(symbol, day)))
        if newest := next(found, None):
            yield symbol, newest


def _latest_of_one(account: OpenAccount, ask: Ask) -> tuple[str, Dated]:
    ask.only(*LATEST)
    symbol = ask.path["symbol"]
    for found in _latest(account, [symbol]):
        return found
    raise not_found(f"no trade found for {symbol}")


def _raw(calendar: TradingCalendar, day: date, bar: Bar) -> dict[str, Any]:
    return _shown(calendar, day, bar, Decimal(1), Decimal(1))


def _trade(calendar: TradingCalendar, day: date, bar: Bar) -> dict[str, Any]:
    close = {"t": stamp(calendar.close_at(day)), "p": float(bar.close), "s": 0}
    return {**close, "x": "", "c": [], "i": 0, "z": ""}


def _page(account: OpenAccount, ask: Ask, symbols: list[str]) -> Page:
    wanted = _adjustment(ask)
    days = _sessions(account, ask)
    rows = [
        (symbol, day, bar) for symbol in symbols for day in days if (bar := account.feed.bar(symbol, day))
    ]
    names = [f"{symbol}|{day}" for symbol, day, _ in rows]
    if (token := ask.query.get("page_token")) and token not in names:
        raise bad_request(f"invalid page_token: {token!r}")
    first = names.index(token) + 1 if token else 0
    last = first + ask.number("limit", 1000, 10_000)
    found: dict[str, list[dict[str, Any]]] = {}
    for symbol, day, bar in rows[first:last]:
        found.setdefault(symbol, []).append(_view(account, symbol, day, bar, wanted))
    return found, names[last - 1] if last < len(rows) else None


def _adjustment(ask: Ask) -> set[str]:
    if ask.query.get("timeframe") not in DAYS:
        raise bad_request(f"invalid timeframe: {ask.query.get('timeframe')!r}; the bundled broker has 1Day")
    if ask.query.get("feed", FEEDS[0]) not in FEEDS:
        raise bad_request(f"invalid feed: {ask.query['feed']}")
    wanted = set(ask.query.get("adjustment", "raw").split(","))
    if unknown := sorted(wanted - ADJUSTMENTS):
        raise bad_request(f"invalid adjustment: {unknown[0]}")
    return wanted


def _sessions(account: OpenAccount, ask: Ask) -> list[date]:
    """Give the sessions from `start` (by default today's midnight) to `end`, none after the account's own."""
    stands, zone = account.books().stands_at(), account.calendar.time_zone
    midnight = datetime.combine(account.now(stands).astimezone(zone), time(), zone)
    start, end = _moment(ask, "start", account) or midnight, _moment(ask, "end", account)
    if end is not None and end < start:
        raise bad_request("end should not be before start")
    first = start.astimezone(zone)
    last = min(stands, end.astimezone(zone).date()) if end else stands
    # A daily bar is stamped with its midnight in New York: one second later is the next day's.
    days = account.calendar.sessions(max(first.date(), account.calendar.first), last)
    found = [day for day in days if datetime.combine(day, time(), zone) >= start]
    return found[::-1] if ask.choice("sort", "asc", "desc") == "desc" else found


def _moment(ask: Ask, name: str, account: OpenAccount) -> datetime | None:
    """Read an instant; a bare date is its midnight in New York."""
    text = ask.query.get(name)
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise bad_request(f"invalid {name}: {text!r}") from None
    if when.tzinfo is not None:
        return when
    return when.replace(tzinfo=account.calendar.time_zone if len(text) == len("2013-01-02") else UTC)


def _view(account: OpenAccount, symbol: str, day: date, bar: Bar, wanted: set[str]) -> dict[str, Any]:
    return _shown(account.calendar, day, bar, *_factors(account, symbol, day, bar, wanted))


def _shown(
    calendar: TradingCalendar, day: date, bar: Bar, factor: Decimal, shares: Decimal
) -> dict[str, Any]:
    midnight = datetime.combine(day, time(), calendar.time_zone)
    prices = zip("ohlc", (bar.open, bar.high, bar.low, bar.close), strict=True)
    return {
        "t": f"{stamp(midnight)[:19]}Z",
        **{name: float((price * factor).quantize(PRICE_STEP)) for name, price in prices},
        "v": int(bar.volume * shares),
        "n": None,
        "vw": None,
    }


def _factors(
    account: OpenAccount, symbol: str, day: date, bar: Bar, wanted: set[str]
) -> tuple[Decimal, Decimal]:
    """Give what prices and volume are multiplied by, for splits and dividends between `day` and the account's session."""
    stands = account.books().stands_at()
    shares = Decimal(1)
    for later in account.calendar.sessions(account.calendar.next_session(day), stands):
        shares *= account.feed.split_ratio(symbol, later)
    every = _adjusted(bar) / (
        _adjusted(newest) if (newest := account.feed.bar(symbol, stands)) else Decimal(1)
    )
    split = bool(wanted & {"split", "all"})
    if split:
        return (every if wanted & {"dividend", "all"} else 1 / shares), shares
    return (every * shares if "dividend" in wanted else Decimal(1)), Decimal(1)


def _adjusted(bar: Bar) -> Decimal:
    return Decimal(1) if bar.adjusted is None else bar.adjusted / bar.close
