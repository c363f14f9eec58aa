"""The sample's bars, what the checks find in them, and the rows on which damage can be told from news."""

from datetime import date
from functools import cache

from hypothesis import strategies as st

from my_dagster_project.domain.quality import check_bars
from my_dagster_project.domain.trading_days import trading_days
from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.market_data.sample import SampleSource
from tests.support.draws import draws

XNYS = load_calendar()
START, END = date(2000, 3, 1), date(2013, 3, 1)
CRASH = date(2000, 9, 29)
SYMBOLS = ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
PRICES = ["open", "high", "low", "close", "adj_close"]


@cache
def sample(symbol):
    return SampleSource().fetch(symbol, START, END)


def check(bars, symbol="IBM", start=START, end=END):
    return check_bars(bars, symbol, XNYS, start, end)


def errors(bars, symbol="IBM"):
    return {finding.rule: finding.sessions for finding in check(bars, symbol) if finding.severity == "error"}


def session_of(row):
    return sample("IBM")["session"][row].date()


rows = st.integers(1, len(sample("IBM")) - 2)
damage_test = draws(10)


def quiet(symbol):
    """Rows whose night and volume are ordinary: where a split can be told from news at all."""
    bars = sample(symbol)
    factor = bars["adj_close"] / bars["close"]
    night = bars["open"] * factor / bars["adj_close"].shift()
    low, high = (
        bars["low"] * factor / bars["adj_close"].shift(),
        bars["high"] * factor / bars["adj_close"].shift(),
    )
    busy = trading_days(bars).busier
    return bars.index[(night.sub(1).abs() < 0.039) & (low > 0.83) & (high < 1.2) & (busy < 2.5)]
