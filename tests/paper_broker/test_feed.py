from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from bokeh_sampledata.stocks import data

from my_dagster_project.paper_broker.feed import TableFeed


@pytest.fixture(scope="module")
def feed():
    frames = {
        symbol: rows.rename(columns={"date": "session"}).assign(session=lambda r: pd.to_datetime(r.session))
        for symbol, rows in data.groupby("ticker")
    }
    return TableFeed.from_frames(frames)


def test_the_real_splits_of_the_sample_are_found_and_nothing_else(feed):
    assert feed.splits == {
        ("AAPL", date(2000, 6, 21)): Decimal(2),
        ("AAPL", date(2005, 2, 28)): Decimal(2),
        ("MSFT", date(2003, 2, 18)): Decimal(2),
    }


def test_the_real_dividends_of_the_sample_are_found(feed):
    paid = {
        symbol: {day: round(cash, 2) for (of, day), cash in feed.dividends.items() if of == symbol}
        for symbol in ("AAPL", "FB", "GOOG", "IBM", "MSFT")
    }
    assert list(paid["AAPL"]) == [date(2012, 8, 9), date(2012, 11, 7), date(2013, 2, 7)]
    assert all(abs(cash - Decimal("2.65")) < Decimal("0.12") for cash in paid["AAPL"].values())
    assert paid["FB"] == paid["GOOG"] == {}
    assert len(paid["IBM"]) == 52
    assert abs(paid["MSFT"][date(2013, 2, 19)] - Decimal("0.23")) < Decimal("0.01")


def test_bars_are_raw_exact_decimals(feed):
    bar = feed.bar("AAPL", date(2000, 3, 1))
    assert (bar.open, bar.close, bar.volume) == (Decimal("118.56"), Decimal("130.31"), 9616100)
    assert feed.bar("AAPL", date(2000, 3, 4)) is None
    assert feed.bar("NOPE", date(2000, 3, 1)) is None
    assert feed.last_session() == date(2013, 3, 1)
