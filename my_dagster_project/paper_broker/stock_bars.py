"""Stock bars as Alpaca's data host serves them, from the bars that orders are executed at.

Nothing is told of a session that the account's clock has not reached, and adjusted prices are adjusted only for what had
happened by then. Trade counts and average prices (n, vw) are null: daily bars do not know them.
"""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.paper_broker.feed import Bar
from my_dagster_project.paper_broker.open_account import Ask, OpenAccount, stamp
from my_dagster_project.paper_broker.refusals import bad_request

Answer = tuple[int, Any]
Page = tuple[dict[str, list[dict[str, Any]]], str | None]
DAYS = ("1Day", "1D")
FEEDS = ("sip", "iex", "delayed_sip", "otc", "boats", "overnight")
ADJUSTMENTS = frozenset({"raw", "split", "dividend", "spin-off", "all"})
QUERY = ("timeframe", "start", "end", "limit", "adjustment", "asof", "feed", "currency", "page_token", "sort")
PRICE_STEP = Decimal("0.0001")
ONE = Decimal(1)


def bars(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/stocks/bars: daily bars by symbol, paged over symbols and sessions; by default those of today."""
    ask.only("symbols", *QUERY)
    found, token = _page(account, ask, symbols_of(ask))
    return 200, {"bars": found, "next_page_token": token}


def bars_of_one(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/stocks/{symbol}/bars: the same of one symbol."""
    ask.only(*QUERY)
    symbol = ask.path["symbol"]
    found, token = _page(account, ask, [symbol])
    return 200, {"symbol": symbol, "bars": found.get(symbol, []), "next_page_token": token}


def symbols_of(ask: Ask) -> list[str]:
    """Give the symbols asked for, sorted; raises 400 when there is none."""
    symbols = sorted(set(filter(None, ask.query.get("symbols", "").split(","))))
    if not symbols:
        raise bad_request("symbols is required")
    return symbols


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
    page = {symbol: [row[1:] for row in rows[first:last] if row[0] == symbol] for symbol in symbols}
    found = {symbol: _views(account, symbol, bars, wanted) for symbol, bars in page.items() if bars}
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


def bar_view(
    calendar: TradingCalendar, day: date, bar: Bar, factor: Decimal = ONE, shares: Decimal = ONE
) -> dict[str, Any]:
    """A bar as sent, its prices times `factor` and its volume times `shares`."""
    midnight = datetime.combine(day, time(), calendar.time_zone)
    prices = zip("ohlc", (bar.open, bar.high, bar.low, bar.close), strict=True)
    return {
        "t": f"{stamp(midnight)[:19]}Z",
        **{name: float((price * factor).quantize(PRICE_STEP)) for name, price in prices},
        "v": int(bar.volume * shares),
        "n": None,
        "vw": None,
    }


def _views(
    account: OpenAccount, symbol: str, bars: list[tuple[date, Bar]], wanted: set[str]
) -> list[dict[str, Any]]:
    """Give a symbol's bars adjusted for what happened after each of them, up to the account's session and no further."""
    became, newest = _since(account, symbol, min(day for day, _ in bars))
    views = []
    for day, bar in bars:
        factor, shares = _factors(_adjusted(bar) / newest, became[day], wanted)
        views.append(bar_view(account.calendar, day, bar, factor, shares))
    return views


def _since(account: OpenAccount, symbol: str, first: date) -> tuple[dict[date, Decimal], Decimal]:
    """Give what a share of each session's close from `first` on is now, in shares, and the newest bar's factor of adjustment."""
    shares, newest = ONE, None
    became: dict[date, Decimal] = {}
    for day in reversed(account.calendar.sessions(first, account.books().stands_at())):
        became[day] = shares
        shares *= account.feed.split_ratio(symbol, day)
        if newest is None and (bar := account.feed.bar(symbol, day)):
            newest = _adjusted(bar)
    return became, newest or ONE


def _factors(every: Decimal, shares: Decimal, wanted: set[str]) -> tuple[Decimal, Decimal]:
    """Give what prices and volume are multiplied by, where `every` adjusts for all and `shares` are what one became by splits."""
    if wanted & {"split", "all"}:
        return (every if wanted & {"dividend", "all"} else 1 / shares), shares
    return (every * shares if "dividend" in wanted else ONE), ONE


def _adjusted(bar: Bar) -> Decimal:
    return ONE if bar.adjusted is None else bar.adjusted / bar.close
