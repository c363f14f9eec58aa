from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from bokeh_sampledata.stocks import data

from my_dagster_project.domain.adjustments import split_between
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


def test_bars_are_raw_exact_decimals(feed):
    bar = feed.bar("AAPL", date(2000, 3, 1))
    assert (bar.open, bar.close, bar.volume) == (Decimal("118.56"), Decimal("130.31"), 9616100)
    assert feed.bar("AAPL", date(2000, 3, 4)) is None
    assert feed.bar("NOPE", date(2000, 3, 1)) is None
    assert feed.last_session() == date(2013, 3, 1)


@pytest.mark.parametrize(
    ("step", "ratio"),
    [
        (1.01, 1),
        (1.15, 1),
        (0.97, 1),
        (2.02, 2),
        (1.5, "1.5"),
        (1.25, "1.25"),
        (7.05, 7),
        (50.3, 50),
        (0.1, "0.1"),
        (0.5, "0.5"),
    ],
)
def test_a_step_of_the_adjustment_factor_is_a_split_or_a_dividend(step, ratio):
    assert split_between(1.0, step) == Decimal(ratio)


def test_a_step_nobody_deals_in_is_no_split():
    assert split_between(1.0, 5.45) == 1
