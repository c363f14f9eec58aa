"""Good bars damaged in one way each: exactly the right rule fires, on exactly the right sessions."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.quality import check_bars
from my_dagster_project.domain.trading_days import Thresholds
from my_dagster_project.foundation.errors import CalendarError
from tests.domain.damage import (
    CRASH,
    END,
    PRICES,
    START,
    SYMBOLS,
    XNYS,
    check,
    damage_test,
    errors,
    quiet,
    rows,
    sample,
    session_of,
)
from tests.support.draws import draws


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


IMPOSSIBLE = (
    *((name, value, "positive_prices") for name in PRICES for value in (0.0, -1.0)),
    *((name, value, "finite_values") for name in PRICES for value in (float("nan"), float("inf"))),
    *(("volume", value, "volume_present") for value in (0.0, -5.0, float("nan"), float("inf"))),
)


@draws(75)
@given(rows, st.sampled_from(IMPOSSIBLE))
def test_a_price_or_volume_that_cannot_be_is_found(row, wrong):
    name, value, rule = wrong
    damaged = sample("IBM").copy()
    damaged.loc[row, name] = value
    assert errors(damaged) == {rule: [session_of(row)]}


@pytest.mark.parametrize("away", range(-3, 4))
def test_the_crash_passes_as_one_of_the_first_and_of_the_last_bars(away):
    bars = sample("AAPL")
    row = bars.index[bars["session"] == pd.Timestamp(CRASH)][0] + away
    for part in (bars.iloc[: row + 1], bars.iloc[row:].reset_index(drop=True)):
        first, last = part["session"].iloc[0].date(), part["session"].iloc[-1].date()
        assert check(part, "AAPL", first, last) == []


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


# Prices that cannot be.


@damage_test
@given(st.sampled_from(SYMBOLS), st.sampled_from(PRICES), st.sampled_from([4.0, 10.0, 100.0]), st.data())
def test_a_price_far_off_is_found_whichever_it_is(symbol, column, factor, data):
    """With the range widened to hold it, or another rule finds it."""
    row = data.draw(st.sampled_from(list(quiet(symbol))))
    damaged, up = sample(symbol).copy(), column == "high" or (column != "low" and data.draw(st.booleans()))
    damaged.loc[row, column] *= factor if up else 1 / factor
    damaged.loc[row, "high"] = damaged.loc[row, ["open", "high", "low", "close"]].max()
    damaged.loc[row, "low"] = damaged.loc[row, ["open", "high", "low", "close"]].min()
    assert errors(damaged, symbol) == {"plausible_prices": [sample(symbol)["session"][row].date()]}


@damage_test
@given(
    st.sampled_from(SYMBOLS),
    st.sampled_from([0.001, 0.01, 0.5, 1.6, 2.0, 100.0]),
    st.integers(1, 40),
    st.data(),
)
def test_a_stretch_in_another_unit_is_found(symbol, factor, length, data):
    bars = sample(symbol)
    row = data.draw(st.sampled_from(sorted(set(quiet(symbol)) & {one - length for one in quiet(symbol)})))
    damaged = bars.copy()
    damaged.loc[row : row + length - 1, PRICES] *= factor
    found = errors(damaged, symbol)
    assert set(found) <= {"plausible_prices", "no_unadjusted_split"}
    assert found


@damage_test
@given(rows)
def test_a_feed_that_stood_still_is_found(row):
    damaged = sample("IBM").copy()
    damaged.loc[row, damaged.columns[1:]] = damaged.loc[row - 1, damaged.columns[1:]]
    assert errors(damaged) == {"no_copied_bar": [session_of(row)]}


@pytest.mark.parametrize("volume", [1, 1e13, 1e15, 1e300])
@pytest.mark.parametrize("row", [1, 2000, -1])
def test_a_volume_that_cannot_be_is_found(volume, row):
    """It made any price of its session plausible, and the columns of volume useless."""
    damaged = sample("IBM").copy()
    damaged.loc[damaged.index[row], "volume"] = volume
    assert errors(damaged) == {"plausible_volume": [sample("IBM")["session"].iloc[row].date()]}


@pytest.mark.parametrize("prices", [["open", "high", "low", "close"], ["close"] * 4])
def test_a_week_in_which_prices_stood_still_is_found(prices):
    """With another volume each day; two such sessions happen (AAPL, 2003-01-29)."""
    damaged = sample("IBM").copy()
    for row in range(2001, 2005):
        damaged.loc[row, ["open", "high", "low", "close"]] = damaged.loc[2000, prices].tolist()
        damaged.loc[row, "adj_close"] = damaged.loc[2000, "adj_close"]
    found = errors(damaged)
    assert found["no_copied_bar"][-1] == session_of(2004)
    assert len(found["no_copied_bar"]) >= 3


def test_a_close_that_is_half_too_high_for_a_day_is_found():
    damaged = sample("IBM").copy()
    damaged.loc[2000, ["high", "close", "adj_close"]] *= 1.5
    assert errors(damaged) == {"plausible_prices": [session_of(2000)]}


def test_the_organiser_accepts_what_is_true_and_says_what_is_far():
    damaged = sample("IBM").copy()
    damaged.loc[2000, "high"] *= 2.4
    day, hole = session_of(2000), session_of(2100)
    damaged = damaged.drop(index=2100).reset_index(drop=True)
    assert errors(damaged) == {"plausible_prices": [day], "sessions_complete": [hole]}
    accepted = Thresholds(accepted={"IBM": frozenset({day, hole})})
    assert check_bars(damaged, "IBM", XNYS, START, END, accepted) == []
    assert check_bars(sample("IBM"), "IBM", XNYS, START, END, accepted) == []
    wide = check_bars(damaged, "IBM", XNYS, START, END, Thresholds(spike=3.0))
    assert [finding.rule for finding in wide] == ["sessions_complete"]


# The noise that prices have.


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_bars_adjusted_in_floats_pass(symbol, precision):
    bars = sample(symbol).copy()
    factor = bars["adj_close"] / bars["close"]
    for name in ("open", "high", "low"):
        bars[name] *= factor
    bars["close"] = bars["adj_close"]
    prices = bars[PRICES].astype(precision).astype("float64")
    assert errors(bars.assign(**prices), symbol) == {}


@damage_test
@given(rows)
def test_a_cent_outside_the_range_is_found(row):
    damaged = sample("IBM").copy()
    damaged.loc[row, "high"] = damaged.loc[row, ["open", "close"]].max() - 0.01
    assert errors(damaged) == {"ohlc_consistent": [session_of(row)]}


# Honest markets of any kind.


def honest(seed, *, price, night, day, grid):
    """Three years of a symbol that never existed: crashes and jumps on heavy volume, splits adjusted for, prices on a grid."""
    random = np.random.default_rng(seed)
    sessions = XNYS.sessions(date(2005, 1, 3), date(2007, 12, 31))
    count = len(sessions)
    nights, moves = night * random.standard_normal(count), day * random.standard_t(5, count)
    volume = 1e6 * np.exp(0.4 * random.standard_normal(count))
    for row in random.choice(np.arange(30, count - 10, 40), 6, replace=False):
        jump = random.uniform(0.1, 8)
        nights[row] += np.log(jump)
        volume[row] *= 40 / min(1, jump)
    wicks = np.abs(day * random.standard_normal((2, count)))
    closes = np.log(price) + np.cumsum(nights + moves)
    opens = closes - moves
    factor = np.ones(count)
    for row in random.choice(np.arange(5, count), 3, replace=False):
        # Nobody splits a share of a few ticks, which would round to the same price.
        fine = np.exp(closes[row:]).min() / factor[row:].max() > 2000 * grid
        factor[row:] *= random.choice([2.0, 1.5, 0.1, 50.0, 1.046] if fine else [0.1, 0.5])
    raw = {name: np.exp(value) / factor for name, value in {"open": opens, "close": closes}.items()}
    raw = {name: np.maximum(np.round(value / grid), 1) * grid for name, value in raw.items()}
    top, bottom = np.maximum(raw["open"], raw["close"]), np.minimum(raw["open"], raw["close"])
    raw["high"] = np.ceil(top * np.exp(wicks[0]) / grid) * grid
    raw["low"] = np.maximum(np.floor(bottom * np.exp(-wicks[1]) / grid), 1) * grid
    raw["high"], raw["low"] = np.maximum(raw["high"], top), np.minimum(raw["low"], bottom)
    frame = pd.DataFrame(
        {"session": pd.to_datetime(sessions), **raw, "volume": np.round(volume * factor) + 1}
    )
    frame["adj_close"] = frame["close"] * factor / factor[-1]
    halted = set(random.choice(np.arange(50, count - 10, 40), 4, replace=False).tolist())
    return frame.drop(index=sorted(halted)).reset_index(drop=True), {sessions[row] for row in halted}


@draws(15)
@given(
    st.integers(0, 10**6),
    st.sampled_from([(1e5, 0.01), (100.0, 0.01), (3.0, 0.01), (0.4, 1e-4), (0.002, 1e-4)]),
    st.sampled_from([0.002, 0.01, 0.02]),
    st.sampled_from([0.004, 0.015, 0.035]),
)
def test_an_honest_market_passes(seed, kind, night, day):
    bars, halted = honest(seed, price=kind[0], grid=kind[1], night=night, day=day)
    accepted = Thresholds(accepted={"XYZ": frozenset(halted)})
    assert check_bars(bars, "XYZ", XNYS, date(2005, 1, 3), date(2007, 12, 31), accepted) == []
