"""The newest bar and the newest trade of symbols, as Alpaca's data host serves them: of the account's session, or shortly before."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.paper_broker.feed import Bar
from my_dagster_project.paper_broker.open_account import Ask, OpenAccount, stamp
from my_dagster_project.paper_broker.order_entry import STALE_SESSIONS
from my_dagster_project.paper_broker.refusals import not_found
from my_dagster_project.paper_broker.stock_bars import bar_view, symbols_of

Answer = tuple[int, Any]
View = Callable[[TradingCalendar, date, Bar], dict[str, Any]]
QUERY = ("feed", "currency")


def bars(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/stocks/bars/latest: by symbol; one that has not traded lately is left out."""
    return 200, {"bars": _of_all(account, ask, bar_view)}


def bar_of_one(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/stocks/{symbol}/bars/latest: the same of one symbol."""
    return 200, {"symbol": ask.path["symbol"], "bar": _of_one(account, ask, bar_view)}


def trades(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/stocks/trades/latest: by symbol the last close, which is the last trade that daily bars know."""
    return 200, {"trades": _of_all(account, ask, _trade)}


def trade_of_one(account: OpenAccount, ask: Ask) -> Answer:
    """GET /v2/stocks/{symbol}/trades/latest: the same of one symbol."""
    return 200, {"symbol": ask.path["symbol"], "trade": _of_one(account, ask, _trade)}


def _of_all(account: OpenAccount, ask: Ask, view: View) -> dict[str, Any]:
    ask.only("symbols", *QUERY)
    return dict(_latest(account, symbols_of(ask), view))


def _of_one(account: OpenAccount, ask: Ask, view: View) -> Any:
    ask.only(*QUERY)
    symbol = ask.path["symbol"]
    found = dict(_latest(account, [symbol], view))
    if symbol not in found:
        raise not_found(f"no trade found for {symbol}")
    return found[symbol]


def _latest(account: OpenAccount, symbols: list[str], view: View) -> Iterator[tuple[str, dict[str, Any]]]:
    stands, calendar = account.books().stands_at(), account.calendar
    days = [calendar.offset(stands, -back) for back in range(STALE_SESSIONS)]
    for symbol in symbols:
        newest = ((day, bar) for day in days if (bar := account.feed.bar(symbol, day)))
        for day, bar in list(newest)[:1]:
            yield symbol, view(calendar, day, bar)


def _trade(calendar: TradingCalendar, day: date, bar: Bar) -> dict[str, Any]:
    what = {"t": stamp(calendar.close_at(day)), "p": float(bar.close), "s": 0}
    return {**what, "x": "", "c": [], "i": 0, "z": ""}
