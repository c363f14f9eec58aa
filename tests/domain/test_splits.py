"""A step that nothing but a split explains is found on its very session; what everybody traded on is no split."""

from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.splits import unexplained_steps
from my_dagster_project.domain.trading_days import Thresholds, rarely_exceeded, trading_days
from tests.domain.damage import (
    CRASH,
    PRICES,
    SYMBOLS,
    damage_test,
    errors,
    quiet,
    sample,
    session_of,
)
from tests.support.draws import draws

SPLITS = [("AAPL", date(2000, 6, 21)), ("AAPL", date(2005, 2, 28)), ("MSFT", date(2003, 2, 18))]

# Those of the papers, and any other: 1:190 and 49.426:1 happened.
ratios = st.sampled_from([1.5, 2.0, 3.0, 7.0, 12.0, 20.0, 25.0, 49.426, 50.0, 190.0]) | st.floats(1.5, 1000)


def with_split(bars, row, ratio):
    """The bars as they look when `ratio` new shares for one were handed out before `row` and nobody adjusted for it."""
    damaged, later = bars.copy(), bars.index >= row
    damaged.loc[later, PRICES] /= ratio
    damaged.loc[later, "volume"] *= ratio
    return damaged


@damage_test
@given(st.sampled_from(SYMBOLS), ratios, st.booleans(), st.data())
def test_an_unadjusted_split_on_any_quiet_day_is_found(symbol, ratio, reverse, data):
    # The few bars before it may as well be the wrong ones.
    row = data.draw(st.sampled_from([row for row in quiet(symbol) if row > 5]))
    damaged = with_split(sample(symbol), row, 1 / ratio if reverse else ratio)
    found = errors(damaged, symbol)
    # The volume of so many times fewer shares may be implausible too: 1:460 of GOOG was, 48 days after its first.
    assert found.keys() - ({"plausible_volume"} if ratio > 100 else set()) == {"no_unadjusted_split"}
    # News of the months after it may stand beside it: in shares of another size their volume cannot be told.
    assert found["no_unadjusted_split"][0] == sample(symbol)["session"][row].date()


@cache
def calm(symbol, ratio):
    """Rows that a step by this ratio stands out from: their own night is short, and such nights are rare at the time."""
    bars = sample(symbol)
    days = trading_days(bars)
    night, high, low = (np.log(price / days.close.shift()) for price in (days.open, days.high, days.low))
    room = np.log(max(ratio, 1 / ratio)) / 2
    rare = 3 * rarely_exceeded(night) < 1.6 * room
    rare &= (
        np.log(days.close.shift() / days.close.rolling(3, min_periods=1).median().shift()).abs() < 0.3 * room
    )
    return list(
        bars.index[
            (night.abs() < 0.2 * room)
            & (high < 0.7 * room)
            & (low > -0.7 * room)
            & rare
            & (days.busier < 1.4)
        ]
    )


@draws(10)
@given(
    st.sampled_from(SYMBOLS),
    st.sampled_from([1.2, 1.25, 4 / 3, 1.4]) | st.floats(1.15, 1.5),
    st.booleans(),
    st.data(),
)
def test_a_small_split_that_nobody_declared_is_found_too(symbol, ratio, reverse, data):
    row = data.draw(st.sampled_from(calm(symbol, ratio)))
    damaged = with_split(sample(symbol), row, 1 / ratio if reverse else ratio)
    assert errors(damaged, symbol) == {"no_unadjusted_split": [sample(symbol)["session"][row].date()]}


@draws(10)
@given(st.sampled_from(["GOOG", "IBM", "MSFT"]), st.data())
def test_ten_per_cent_in_stock_are_found_in_a_calm_symbol(symbol, data):
    row = data.draw(st.sampled_from(calm(symbol, 1.1)))
    damaged = with_split(sample(symbol), row, 1.1)
    assert errors(damaged, symbol) == {"no_unadjusted_split": [sample(symbol)["session"][row].date()]}
    assert len(calm(symbol, 1.1)) > 0.4 * len(sample(symbol))


def test_back_from_a_single_wrong_close_is_no_split():
    """It is the next session that would be named, and the wrong one kept."""
    damaged = sample("IBM").copy()
    damaged.loc[2000, ["high", "close", "adj_close"]] *= 1.25
    assert errors(damaged) == {}  # below `spike`: the source may correct it, and then it is listed
    whole = sample("IBM").copy()
    whole.loc[2000, PRICES] *= 1.25
    assert errors(whole) == {"no_unadjusted_split": [session_of(2000)]}


def test_no_long_night_of_the_sample_was_as_quiet_as_a_split():
    """What the threshold of volume stands on: everything that moves a stock by so much overnight is traded."""
    found = []
    for symbol in SYMBOLS:
        days = trading_days(sample(symbol))
        night = np.log(days.open / days.close.shift())
        long = night.abs() >= np.maximum(np.log(1.08), 3 * rarely_exceeded(night))
        found += days.busier[long].tolist()
    assert (len(found), round(min(found), 1)) == (34, 2.1)


@pytest.mark.parametrize(("symbol", "day"), SPLITS)
def test_the_real_splits_are_found_when_they_are_not_adjusted_for(symbol, day):
    damaged = sample(symbol).copy()
    damaged.loc[damaged["session"] < pd.Timestamp(day), "adj_close"] *= 2
    assert errors(damaged, symbol) == {"no_unadjusted_split": [day]}


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_bars_without_any_adjustment_show_exactly_the_real_splits(symbol):
    raw = sample(symbol).assign(adj_close=sample(symbol)["close"])
    found = errors(raw, symbol).get("no_unadjusted_split", [])
    assert found == [day for name, day in SPLITS if name == symbol]


@pytest.mark.parametrize("ratio", [1.5, 3.0, 7.0, 1 / 7, 1 / 40])
def test_a_split_on_the_newest_bar_is_called_one(ratio):
    """In a season it is always the newest."""
    last = len(sample("IBM")) - 1
    assert errors(with_split(sample("IBM"), last, ratio)) == {"no_unadjusted_split": [session_of(last)]}


@pytest.mark.parametrize(("ratio", "after"), [(7.0, 1), (1 / 7, 1), (1 / 7, 0)])
def test_a_split_on_the_day_of_a_crash_or_after_it_is_found(ratio, after):
    """Three times the usual volume explained any step at all; 7:1 on the day itself looks like the end of a company."""
    bars = sample("AAPL")
    row = bars.index[bars["session"] == pd.Timestamp(CRASH)][0] + after
    found = errors(with_split(bars, row, ratio), "AAPL")
    assert found == {"no_unadjusted_split": [bars["session"][row].date()]}


def test_an_adjustment_for_a_split_that_never_was_is_found():
    damaged = sample("IBM").copy()
    damaged.loc[:1000, "adj_close"] /= 2
    assert errors(damaged) == {"no_unadjusted_split": [session_of(1001)]}


def test_the_crash_passes_because_everybody_sold():
    bars = sample("AAPL")
    assert errors(bars, "AAPL") == {}
    row = bars.index[bars["session"] == pd.Timestamp(CRASH)][0]
    assert bars["close"][row] / bars["close"][row - 1] == pytest.approx(0.4813, abs=1e-4)
    calm = bars.copy()
    calm.loc[row, "volume"] = calm["volume"][row - 1]
    assert calm["session"][unexplained_steps(trading_days(calm), Thresholds())].tolist() == [
        pd.Timestamp(CRASH)
    ]


@pytest.mark.parametrize("ratio", [1.02, 1.06, 1.25, 2.0, 50.0, 1 / 12])
def test_a_declared_split_that_nobody_adjusted_for_is_found_whatever_its_ratio(ratio):
    day = session_of(2000)
    damaged = with_split(sample("IBM"), 2000, ratio).assign(split_ratio=1.0)
    damaged.loc[2000, "split_ratio"] = ratio
    expected = {"no_unadjusted_split": [day]} if abs(ratio - 1) > 0.05 else {}  # less is a night of IBM
    assert errors(damaged) == expected
    adjusted = damaged.copy()
    adjusted["adj_close"] = sample("IBM")["adj_close"]
    assert errors(adjusted) == {}
    both = sample("IBM").copy()  # raw prices adjusted for splits already, as yfinance's
    both["split_ratio"] = damaged["split_ratio"]
    assert errors(both) == {}
