"""Good bars damaged in one way each: exactly the right rule fires, on exactly the right sessions."""

from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.quality import check_bars
from my_dagster_project.domain.splits import unexplained_steps
from my_dagster_project.domain.trading_days import Thresholds, rarely_exceeded, trading_days
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
damage_test = draws(10)


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
    busy = trading_days(bars).busier
    return bars.index[(night.sub(1).abs() < 0.039) & (low > 0.83) & (high < 1.2) & (busy < 2.5)]


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
    assert list(found) == ["no_unadjusted_split"]
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
    damaged.loc[2000, ["high", "close", "adj_close"]] *= 1.4
    assert errors(damaged) == {}  # below `spike`: the source may correct it, and then it is listed
    whole = sample("IBM").copy()
    whole.loc[2000, PRICES] *= 1.4
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


# Splits that the source declares.


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


@draws(40)
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
