"""Which window a session belongs to, what its refit may see, and what its rows are called."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.features import Feature, compute_features
from my_dagster_project.domain.targets import rows_version, training_rows
from my_dagster_project.domain.windows import (
    REFITS,
    last_close_before,
    window_after,
    window_of,
    windows_of,
)
from my_dagster_project.foundation.calendar import load_calendar
from tests.support.draws import draws

REFITTING = [refit for refit in REFITS if refit != "never"]
XNYS = load_calendar("XNYS")
days = st.dates(date(2000, 3, 1), date(2027, 6, 30))


@given(days, st.sampled_from(REFITTING))
@draws(100)
def test_every_day_is_in_one_window_that_began_by_then_and_ends_when_the_next_begins(day, refit) -> None:
    window = window_of(refit, day)
    after = window_after(refit, window)
    assert window <= day < after
    assert window_of(refit, window) == window == window_of(refit, after - timedelta(days=1))
    assert window_of(refit, after) == after


@given(days, st.sampled_from(REFITTING))
@draws(100)
def test_the_refit_that_predicts_a_session_saw_no_close_of_its_window(day, refit) -> None:
    session = day if XNYS.is_session(day) else XNYS.previous_session(day)
    window = window_of(refit, session)
    closes = last_close_before(XNYS, window)
    assert closes < window <= session
    assert XNYS.next_session(closes) >= window  # and nothing that was known by then is missing


def test_windows_of_a_quarter_of_a_year() -> None:
    sessions = XNYS.sessions(date(2012, 12, 3), date(2013, 2, 28))
    assert windows_of("monthly", sessions) == [date(2012, 12, 1), date(2013, 1, 1), date(2013, 2, 1)]
    assert windows_of("quarterly", sessions) == [date(2012, 10, 1), date(2013, 1, 1)]
    assert windows_of("weekly", sessions)[:2] == [date(2012, 12, 1), date(2012, 12, 8)]
    with pytest.raises(ValueError, match="never has no windows"):
        window_of("never", date(2012, 12, 3))


def rows(bars: pd.DataFrame, window: date, sessions: int | None = None) -> pd.DataFrame:
    features = compute_features(bars, [Feature("r", "log_return")])
    closes = last_close_before(XNYS, window)
    return training_rows(
        features, bars, "next_return", start=None, cutoff=closes, validation_fraction=0.15, sessions=sessions
    )


@given(st.sampled_from(REFITTING), st.dates(date(2009, 1, 5), date(2012, 12, 31)), st.floats(0.5, 2))
@draws(15)
def test_no_row_of_a_window_knows_a_close_of_it_or_after(apple, refit, day, factor) -> None:
    window = window_of(refit, day)
    seen = rows(apple, window)
    assert seen["session"].max() < pd.Timestamp(last_close_before(XNYS, window))
    tampered = apple.copy()
    tampered.loc[tampered["session"] >= pd.Timestamp(window), ["close", "adj_close"]] *= factor
    pd.testing.assert_frame_equal(seen, rows(tampered, window))


def test_a_window_of_so_many_sessions_holds_the_newest_ones(apple) -> None:
    whole, newest = rows(apple, date(2012, 12, 1)), rows(apple, date(2012, 12, 1), 250)
    assert len(newest) == 249  # one is purged between training and validation
    assert newest["session"].iloc[-1] == whole["session"].iloc[-1]
    assert whole[whole["session"] >= newest["session"].iloc[0]].shape[0] in (249, 250)


def test_rows_have_the_same_name_as_long_as_prices_say_the_same(apple) -> None:
    before = rows(apple, date(2012, 12, 1))
    dividend = apple.assign(adj_close=apple["adj_close"] * 0.987654321)
    again = rows(dividend, date(2012, 12, 1))
    assert not np.array_equal(before["next_return"], again["next_return"])
    assert rows_version(again) == rows_version(before)
    revised = apple.copy()
    revised.loc[1000, "adj_close"] += 0.05
    assert rows_version(rows(revised, date(2012, 12, 1))) != rows_version(before)
    assert rows_version(rows(apple, date(2012, 11, 1))) != rows_version(before)
