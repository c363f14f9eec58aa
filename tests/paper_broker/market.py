"""A small market for the broker's tests: five sessions over New Year 2013, prices that are easy to check by hand."""

from datetime import date
from decimal import Decimal

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.paper_broker.feed import Bar, TableFeed

CALENDAR = load_calendar("XNYS")
SESSIONS = CALENDAR.sessions(date(2012, 12, 28), date(2013, 1, 8))
FIRST, SECOND, THIRD, FOURTH = SESSIONS[:4]
CASH = Decimal(100_000)


def bar(opened, close=None):
    opened = Decimal(opened)
    close = opened if close is None else Decimal(close)
    return Bar(opened, max(opened, close), min(opened, close), close, 1000)


def make_feed(halted=(), splits=None, **opens):
    """Flat prices per symbol: 100 for AAPL, 50.25 for IBM; `halted` holds (symbol, session) without a bar."""
    prices = {"AAPL": "100", "IBM": "50.25", **opens}
    bars = {
        symbol: {day: bar(price) for day in SESSIONS if (symbol, day) not in halted}
        for symbol, price in prices.items()
    }
    return TableFeed(bars, splits or {})
