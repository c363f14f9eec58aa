from datetime import date

import pandas as pd
import pytest

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.errors import UnknownSymbolError
from my_dagster_project.market_data.frames import require_bars, session_dates
from my_dagster_project.market_data.sample import SampleSource

START, END = date(2000, 3, 1), date(2013, 3, 1)


@pytest.mark.parametrize(
    ("symbol", "first", "count"),
    [
        ("AAPL", date(2000, 3, 1), 3270),
        ("GOOG", date(2004, 8, 19), 2148),
        ("IBM", date(2000, 3, 1), 3270),
        ("MSFT", date(2000, 3, 1), 3270),
        ("FB", date(2012, 5, 18), 196),
    ],
)
def test_each_symbol_has_a_bar_for_every_session_since_its_first(symbol, first, count):
    bars = require_bars(SampleSource().fetch(symbol, START, END), symbol)
    assert len(bars) == count
    assert session_dates(bars) == load_calendar().sessions(first, END)


def test_it_equals_the_package_s_own_frame():
    from bokeh_sampledata.stocks import data

    theirs = data[data["ticker"] == "IBM"].drop(columns="ticker").rename(columns={"date": "session"})
    ours = SampleSource().fetch("IBM", START, END)
    pd.testing.assert_frame_equal(ours, theirs.astype({"volume": "float64"}).reset_index(drop=True))


def test_both_ends_are_included_and_nothing_else():
    bars = SampleSource().fetch("AAPL", date(2000, 9, 28), date(2000, 9, 29))
    assert session_dates(bars) == [date(2000, 9, 28), date(2000, 9, 29)]
    assert bars["close"].tolist() == [53.5, 25.75]


def test_a_range_without_bars_is_an_empty_frame_of_the_right_types():
    bars = require_bars(SampleSource().fetch("GOOG", date(2001, 1, 1), date(2001, 12, 31)), "GOOG")
    assert bars.empty


def test_an_unknown_symbol_names_the_known_ones():
    with pytest.raises(UnknownSymbolError, match="SAP: the sample has only AAPL, FB, GOOG, IBM, MSFT"):
        SampleSource().fetch("SAP", START, END)
