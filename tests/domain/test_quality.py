"""Good bars damaged in one way each: exactly the right rule fires, on exactly the right sessions."""

from datetime import date, timedelta
from functools import cache

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.quality import check_bars
from my_dagster_project.domain.splits import ORDINARY_VOLUME, RATIOS, unadjusted_splits
from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.errors import CalendarError
from my_dagster_project.market_data.sample import SampleSource
from tests.support.draws import draws

XNYS = load_calendar()
START, END = date(2000, 3, 1), date(2013, 3, 1)
CRASH = date(2000, 9, 29)
SYMBOLS = ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
SPLITS = [("AAPL", date(2000, 6, 21)), ("AAPL", date(2005, 2, 28)), ("MSFT", date(2003, 2, 18))]
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
damage_test = draws(25)


@pytest.mark.parametrize("symbol", ["AAPL", "GOOG", "IBM", "MSFT", "FB"])
def test_the_real_bars_pass(symbol):
    assert errors(sample(symbol), symbol) == {}


@pytest.mark.parametrize("symbol", ["AAPL", "IBM", "MSFT"])
def test_bars_from_the_first_session_to_the_last_give_no_finding_at_all(symbol):
    assert check(sample(symbol), symbol) == []


def test_a_late_listing_is_a_warning_that_says_since_when():
    [finding] = check(sample("GOOG"), "GOOG")
    assert (finding.rule, finding.severity) == ("starts_on_time", "warning")
    assert "GOOG: bars begin late" in finding.message
    assert (finding.sessions[0], finding.sessions[-1]) == (START, date(2004, 8, 18))


@damage_test
@given(st.sets(rows, min_size=1, max_size=8))
def test_missing_sessions_are_found(gone):
    damaged = sample("IBM").drop(index=list(gone)).reset_index(drop=True)
    assert errors(damaged) == {"sessions_complete": sorted(map(session_of, gone))}


@damage_test
@given(st.integers(1, 50))
def test_bars_that_end_too_early_are_stale(count):
    damaged = sample("IBM").iloc[:-count]
    assert errors(damaged) == {"not_stale": XNYS.sessions(START, END)[-count:]}


@damage_test
@given(st.sets(rows, min_size=1, max_size=4), st.integers(0, 1000))
def test_duplicates_are_found_in_any_order(twice, seed):
    damaged = pd.concat([sample("IBM"), sample("IBM").loc[list(twice)]], ignore_index=True)
    assert errors(damaged.sample(frac=1, random_state=seed)) == {
        "no_duplicates": sorted(map(session_of, twice))
    }


@damage_test
@given(rows)
def test_a_bar_on_a_day_without_a_session_is_found(row):
    holiday = date(2012, 10, 29)
    extra = sample("IBM").loc[[row]].assign(session=pd.Timestamp(holiday))
    # At Sandy's price level, or the split rule would rightly wonder too.
    extra[["open", "high", "low", "close", "adj_close"]] = [193.0, 194.0, 192.0, 193.27, 166.2]
    assert errors(pd.concat([sample("IBM"), extra], ignore_index=True)) == {"only_sessions": [holiday]}


@damage_test
@given(rows, st.sampled_from(["open", "close", "high", "low"]))
def test_open_or_close_outside_the_range_is_found(row, column):
    damaged = sample("IBM").copy()
    bar = damaged.loc[row]
    wrong = {"high": min(bar["open"], bar["close"]) * 0.99, "low": max(bar["open"], bar["close"]) * 1.01}
    damaged.loc[row, column] = wrong.get(column, bar["high"] * 1.01)
    assert errors(damaged) == {"ohlc_consistent": [session_of(row)]}


@damage_test
@given(rows, st.sampled_from(PRICES), st.sampled_from([0.0, -1.0]))
def test_a_price_that_is_not_positive_is_found(row, column, price):
    damaged = sample("IBM").copy()
    damaged.loc[row, column] = price
    assert errors(damaged) == {"positive_prices": [session_of(row)]}


@damage_test
@given(rows, st.sampled_from(PRICES), st.sampled_from([float("nan"), float("inf")]))
def test_a_price_that_is_not_finite_is_found(row, column, price):
    damaged = sample("IBM").copy()
    damaged.loc[row, column] = price
    assert errors(damaged) == {"finite_values": [session_of(row)]}


@damage_test
@given(rows, st.sampled_from([0.0, -5.0, float("nan"), float("inf")]))
def test_missing_volume_is_found(row, volume):
    damaged = sample("IBM").copy()
    damaged.loc[row, "volume"] = volume
    assert errors(damaged) == {"volume_present": [session_of(row)]}


def quiet(symbol):
    """Rows whose night and volume are ordinary: where a split can be told from news at all."""
    bars = sample(symbol)
    factor = bars["adj_close"] / bars["close"]
    night = bars["open"] * factor / bars["adj_close"].shift()
    low, high = (
        bars["low"] * factor / bars["adj_close"].shift(),
        bars["high"] * factor / bars["adj_close"].shift(),
    )
    busy = bars["volume"] / bars["volume"].shift().rolling(20, min_periods=1).median()
    return bars.index[(night.sub(1).abs() < 0.039) & (low > 0.83) & (high < 1.2) & (busy < ORDINARY_VOLUME)]


def with_split(bars, row, ratio):
    """The bars as they look when `ratio` new shares for one were handed out before `row` and nobody adjusted for it."""
    damaged, later = bars.copy(), bars.index >= row
    damaged.loc[later, PRICES] /= ratio
    damaged.loc[later, "volume"] *= ratio
    return damaged


@damage_test
@given(st.sampled_from(SYMBOLS), st.sampled_from(RATIOS), st.booleans(), st.data())
def test_an_unadjusted_split_on_any_quiet_day_is_found(symbol, ratio, reverse, data):
    row = data.draw(st.sampled_from(list(quiet(symbol))))
    damaged = with_split(sample(symbol), row, 1 / ratio if reverse else ratio)
    assert errors(damaged, symbol) == {"no_unadjusted_split": [sample(symbol)["session"][row].date()]}


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


def test_an_adjustment_for_a_split_that_never_was_is_found():
    damaged = sample("IBM").copy()
    damaged.loc[:1000, "adj_close"] /= 2
    assert errors(damaged) == {"no_unadjusted_split": [session_of(1001)]}


def test_the_crash_passes_for_two_reasons_each_of_which_would_do():
    bars = sample("AAPL")
    assert errors(bars, "AAPL") == {}
    row = bars.index[bars["session"] == pd.Timestamp(CRASH)][0]
    assert bars["close"][row] / bars["close"][row - 1] == pytest.approx(0.4813, abs=1e-4)
    calm = bars.copy()
    calm.loc[row, "volume"] = calm["volume"][row - 1]
    assert not unadjusted_splits(calm).any()
    at_half = bars.copy()
    at_half.loc[row, "open"] = bars["close"][row - 1] / 2
    assert not unadjusted_splits(at_half).any()
    both = calm.assign(open=at_half["open"])
    assert both["session"][unadjusted_splits(both)].tolist() == [pd.Timestamp(CRASH)]


def test_no_bars_at_all_is_one_plain_error():
    [finding] = check(sample("IBM").iloc[:0])
    assert (finding.rule, finding.severity) == ("has_bars", "error")
    assert (
        finding.message
        == "IBM: no bars at all from 2000-03-01 to 2013-03-01. Check the symbol and its source."
    )


def test_a_span_without_sessions_expects_nothing():
    assert check(sample("IBM").iloc[:0], start=date(2013, 3, 2), end=date(2013, 3, 3)) == []


def test_a_span_beyond_the_calendar_is_an_error_of_the_calendar():
    with pytest.raises(CalendarError):
        check(sample("IBM"), end=XNYS.last + timedelta(days=1))


def test_a_message_names_symbol_sessions_and_what_to_do():
    damaged = sample("IBM").drop(index=range(10, 20))
    [finding] = check(damaged)
    first, last = session_of(10), session_of(19)
    assert finding.message.startswith(f"IBM: no bar on {first}, ")
    assert f"and 5 more, up to {last}. Fetch the bars anew" in finding.message


def test_two_kinds_of_damage_give_two_findings():
    damaged = sample("IBM").copy()
    damaged.loc[100, "volume"] = 0
    assert errors(damaged.drop(index=200)) == {
        "sessions_complete": [session_of(200)],
        "volume_present": [session_of(100)],
    }


def test_the_given_frame_is_not_changed():
    bars = sample("IBM").copy()
    check(bars)
    pd.testing.assert_frame_equal(bars, sample("IBM"))
