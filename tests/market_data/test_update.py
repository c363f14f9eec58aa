"""Incremental updates, counted request by request, over real bars."""

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.errors import CalendarError, MalformedDataError, SourceUnavailableError
from my_dagster_project.market_data.frames import bars_frame, between, empty_bars, require_bars, session_dates
from my_dagster_project.market_data.sample import SampleSource
from my_dagster_project.market_data.update import fetch_range, update_bars
from tests.support.draws import draws

XNYS = load_calendar()
START, END = date(2000, 3, 1), date(2013, 3, 1)
LATER = datetime(2020, 1, 1, tzinfo=UTC)
SESSIONS = XNYS.sessions(START, END)


class Ledger:
    """The sample behind a list of what was asked, and a way to change what it answers."""

    name = "ledger"
    look_back = 0

    def __init__(self, change=lambda bars: bars):
        self.asked = []
        self.change = change

    def fetch(self, symbol, start, end):
        self.asked.append((start, end))
        return self.change(SampleSource().fetch(symbol, start, end))


def update(existing, source, symbol="AAPL", start=START, end=END, as_of=LATER):
    return update_bars(existing, source, symbol, start, end, XNYS, as_of=as_of)


def without(*days):
    gone = [pd.Timestamp(day) for day in days]
    return lambda bars: bars[~bars["session"].isin(gone)].reset_index(drop=True)


def readjusted(factor, before):
    def change(bars):
        older = bars["session"] < pd.Timestamp(before)
        return bars.assign(adj_close=bars["adj_close"].where(~older, bars["adj_close"] * factor))

    return change


WHOLE = SampleSource().fetch("AAPL", START, END)


def test_the_first_update_asks_for_everything_and_the_second_for_nothing():
    source = Ledger()
    first = update(None, source)
    second = update(first, source)
    assert source.asked == [(START, END)]
    pd.testing.assert_frame_equal(first, WHOLE)
    pd.testing.assert_frame_equal(second, WHOLE)


def test_only_what_is_missing_is_asked_with_one_session_of_overlap():
    source = Ledger()
    stored = update(None, source, end=date(2013, 2, 26))
    pd.testing.assert_frame_equal(update(stored, source), WHOLE)
    assert source.asked[1:] == [(date(2013, 2, 26), END)]


@draws(20)
@given(st.integers(0, len(SESSIONS) - 1), st.integers(0, len(SESSIONS) - 1))
def test_any_stored_stretch_is_completed_to_the_same_bars(one, other):
    stretch = SESSIONS[min(one, other)], SESSIONS[max(one, other)]
    source = Ledger()
    completed = update(between(WHOLE, *stretch), source)
    pd.testing.assert_frame_equal(completed, WHOLE)
    assert len(source.asked) == (0 if stretch == (START, END) else 1)
    assert fetch_range(completed, START, END, XNYS) is None


@draws(20)
@given(st.sets(st.integers(0, len(SESSIONS) - 1), min_size=1, max_size=30))
def test_the_range_asked_covers_what_is_missing_and_one_stored_session(gone):
    missing = [SESSIONS[n] for n in sorted(gone)]
    stored = without(*missing)(WHOLE)
    first, last = fetch_range(stored, START, END, XNYS)
    assert first <= missing[0]
    assert missing[-1] <= last
    assert not between(stored, first, last).empty
    assert len(XNYS.sessions(first, last)) <= len(XNYS.sessions(missing[0], missing[-1])) + 1


def test_a_weekend_is_not_missing():
    stored = between(WHOLE, date(2000, 3, 6), date(2013, 2, 22))
    assert fetch_range(stored, date(2000, 3, 4), date(2013, 2, 24), XNYS) is None
    assert fetch_range(None, date(2013, 2, 23), date(2013, 2, 24), XNYS) is None


@pytest.mark.parametrize("symbol", ["GOOG", "FB"])
def test_a_symbol_listed_late_is_not_asked_for_the_time_before(symbol):
    source = Ledger()
    stored = update(None, source, symbol)
    assert update(stored, source, symbol) is not stored
    assert len(source.asked) == 1
    stored = update(None, source, symbol, end=date(2013, 2, 27))
    update(stored, source, symbol)
    assert source.asked[-1] == (date(2013, 2, 27), END)


def test_what_was_asked_survives_parquet(tmp_path):
    source = Ledger()
    update(None, source, "GOOG").to_parquet(tmp_path / "bars.parquet")
    update(pd.read_parquet(tmp_path / "bars.parquet"), source, "GOOG")
    assert len(source.asked) == 1


def test_a_store_that_forgets_what_was_asked_costs_one_request_and_no_data():
    source = Ledger()
    bars = update(None, source, "GOOG")
    bars.attrs = {}
    again = update(bars, source, "GOOG")
    update(again, source, "GOOG")
    assert source.asked[1:] == [(START, date(2004, 8, 19))]
    pd.testing.assert_frame_equal(again, bars)


def test_an_earlier_start_is_asked_for_and_a_later_one_cuts_and_is_forgotten():
    source = Ledger()
    late = update(None, source, start=date(2005, 1, 3))
    pd.testing.assert_frame_equal(update(late, source), WHOLE)
    assert source.asked[1:] == [(START, date(2005, 1, 3))]
    cut = update(update(None, source, "GOOG"), source, "GOOG", start=date(2006, 1, 3))
    assert session_dates(cut)[0] == date(2006, 1, 3)
    back = update(cut, source, "GOOG")
    pd.testing.assert_frame_equal(back, SampleSource().fetch("GOOG", START, END))


def test_a_hole_is_asked_for_once_more_and_then_left_alone():
    hole = date(2012, 6, 1)
    source = Ledger(without(hole))
    bars = update(None, source)
    for _ in range(3):
        bars = update(bars, source)
    assert source.asked == [(START, END), (date(2012, 5, 31), hole)]
    assert hole not in session_dates(bars)


def test_a_hole_the_source_has_filled_is_filled():
    source = Ledger(without(date(2012, 6, 1)))
    bars = update(None, source)
    source.change = lambda answer: answer
    pd.testing.assert_frame_equal(update(bars, source), WHOLE)


def test_sessions_the_source_does_not_have_yet_are_asked_for_every_time():
    source = Ledger(without(END))
    bars = update(None, source)
    update(update(bars, source), source)
    assert source.asked[1:] == [(date(2013, 2, 28), END)] * 2


def test_a_new_adjustment_fetches_everything_anew():
    source = Ledger()
    stored = update(None, source, end=date(2013, 2, 26))
    source.change = readjusted(0.5, before="2013-02-28")
    bars = update(stored, source)
    assert source.asked[1:] == [(date(2013, 2, 26), END), (START, END)]
    pd.testing.assert_frame_equal(bars, source.change(WHOLE))


def test_rounding_in_the_last_digits_is_no_new_adjustment():
    source = Ledger()
    stored = update(None, source, end=date(2013, 2, 26))
    source.change = readjusted(1 + 1e-9, before="2013-02-28")
    update(stored, source)
    assert len(source.asked) == 2


def test_a_raw_price_rewritten_by_the_source_fetches_everything_anew():
    # Sources with a split-adjusted "raw" close change it and adj_close alike: their ratio stays.
    source = Ledger()
    stored = update(None, source, end=date(2013, 2, 26))
    source.change = lambda bars: bars.assign(close=bars["close"] / 7, adj_close=bars["adj_close"] / 7)
    bars = update(stored, source)
    assert source.asked[-1] == (START, END)
    pd.testing.assert_frame_equal(bars, source.change(WHOLE))


def test_a_source_that_lost_history_changes_nothing():
    source = Ledger()
    stored = update(None, source, end=date(2013, 2, 26))
    source.change = lambda bars: readjusted(0.5, "2013-02-28")(
        bars[bars["session"] > "2010-01-01"].reset_index(drop=True)
    )
    with pytest.raises(
        MalformedDataError, match=r"ledger: AAPL: .* no longer has 2475 of the bars we hold \(2000-03-01\.\."
    ):
        update(stored, source)
    pd.testing.assert_frame_equal(stored, between(WHOLE, START, date(2013, 2, 26)))


def test_a_source_that_no_longer_has_anything_is_an_error_not_an_empty_frame():
    source = Ledger()
    stored = update(None, source, end=date(2013, 2, 26))
    source.change = lambda bars: empty_bars()
    with pytest.raises(MalformedDataError, match="no longer has"):
        update(stored, source)


def test_nothing_at_all_is_an_empty_frame_that_is_asked_for_again():
    source = Ledger(lambda bars: empty_bars())
    bars = require_bars(update(None, source), "AAPL")
    assert bars.empty
    update(bars, source)
    assert source.asked == [(START, END)] * 2


@pytest.mark.parametrize(("minutes", "last"), [(-1, date(2013, 2, 27)), (0, date(2013, 2, 28))])
def test_a_partial_bar_never_comes_in(minutes, last):
    now = XNYS.close_at(date(2013, 2, 28)) + timedelta(minutes=minutes)

    class Eager:
        """Answers with today's unfinished bar whatever it is asked for, as live sources do."""

        name = "eager"
        look_back = 0

        def fetch(self, symbol, start, end):
            return SampleSource().fetch(symbol, start, date(2013, 2, 28))

    bars = update_bars(None, Eager(), "AAPL", START, END, XNYS, as_of=now)
    assert session_dates(bars)[-1] == last


def test_a_partial_bar_stored_by_somebody_else_is_dropped():
    now = XNYS.open_at(date(2013, 2, 28))
    bars = update(between(WHOLE, START, date(2013, 2, 28)), Ledger(), as_of=now)
    assert session_dates(bars)[-1] == date(2013, 2, 27)


def test_before_the_close_nothing_is_missing():
    source = Ledger()
    stored = update(None, source, end=date(2013, 2, 27))
    update(stored, source, as_of=XNYS.open_at(date(2013, 2, 28)) + timedelta(hours=2))
    assert len(source.asked) == 1


def test_without_a_time_zone_as_of_is_refused():
    with pytest.raises(CalendarError, match="no time zone"):
        update(None, Ledger(), as_of=datetime(2013, 2, 28, 12))  # noqa: DTZ001


def test_the_stored_frame_is_never_changed():
    stored = between(WHOLE, START, date(2013, 2, 26))
    copy = stored.copy(deep=True)
    update(stored, Ledger())
    pd.testing.assert_frame_equal(stored, copy)
    assert stored.attrs == {}


def test_errors_of_the_source_pass_through():
    class Down:
        name = "down"
        look_back = 0

        def fetch(self, symbol, start, end):
            raise SourceUnavailableError("down: AAPL: try later")

    with pytest.raises(SourceUnavailableError, match="down: AAPL"):
        update(None, Down())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda bars: bars.drop(columns="volume"), "columns are"),
        (lambda bars: bars.astype({"volume": "int64"}), "volume is int64, not float64"),
        (lambda bars: bars[::-1].reset_index(drop=True), "not sorted"),
        (lambda bars: pd.concat([bars, bars.tail(1)], ignore_index=True), "comes twice"),
        (lambda bars: bars.assign(session=bars["session"].dt.tz_localize("UTC")), "session is datetime64"),
        (lambda bars: bars.assign(session=bars["session"] + pd.Timedelta("5h")), "time of day"),
        (lambda bars: bars.assign(session=pd.NaT), "time of day"),
    ],
)
def test_an_answer_that_is_no_bars_frame_is_refused_and_so_is_a_stored_one(damage, message):
    with pytest.raises(MalformedDataError, match=rf"ledger: AAPL 2000-03-01\.\.2013-03-01: .*{message}"):
        update(None, Ledger(damage))
    with pytest.raises(MalformedDataError, match=rf"AAPL: stored bars: .*{message}"):
        update(damage(WHOLE), Ledger())


def test_bars_given_twice_are_refused_when_a_frame_is_made():
    bars = list(WHOLE.head(1).itertuples(index=False)) * 2
    with pytest.raises(MalformedDataError, match=r"here: session 2000-03-01 .*comes twice"):
        bars_frame(bars, "here")


def corrected(field, day, value):
    return lambda bars: bars.assign(**{field: bars[field].where(bars["session"] != pd.Timestamp(day), value)})


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume", "adj_close"])
def test_a_source_that_can_be_read_whole_is_compared_whole(field):
    source = Ledger()
    source.look_back = None
    stored = update(None, source)
    source.change = corrected(field, "2005-03-01", 44.0)
    bars = update(stored, source)
    pd.testing.assert_frame_equal(bars, source.change(WHOLE))
    assert source.asked == [(START, END)] * 2


def test_another_source_is_asked_for_its_newest_sessions_again_and_for_all_where_one_was_corrected():
    source = Ledger()
    source.look_back = 10
    stored = update(None, source)
    update(stored, source)
    assert source.asked[1:] == [(SESSIONS[-10], END)]
    source.change = corrected("volume", SESSIONS[-9], 44.0)
    bars = update(stored, source)
    assert source.asked[2:] == [(SESSIONS[-10], END), (START, END)]
    pd.testing.assert_frame_equal(bars, source.change(WHOLE))


def test_again_takes_the_source_as_it_is():
    source = Ledger()
    stored = update(None, source)
    source.change = lambda bars: bars[bars["session"] > "2010-01-01"].reset_index(drop=True)
    bars = update_bars(stored, source, "AAPL", START, END, XNYS, as_of=LATER, again=True)
    pd.testing.assert_frame_equal(bars, source.change(WHOLE))
