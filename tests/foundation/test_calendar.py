"""The committed calendar against exchange_calendars, and against its own arithmetic."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation import calendar_build
from my_dagster_project.foundation.calendar import TradingCalendar, load_calendar
from my_dagster_project.foundation.errors import CalendarError, TradingError

XNYS = load_calendar("XNYS")
INSIDE = st.dates(date(1990, 1, 3), date(2030, 12, 30))
SESSIONS = st.sampled_from(XNYS.sessions(XNYS.first, XNYS.last))


@pytest.fixture(scope="module")
def truth():
    import exchange_calendars

    return exchange_calendars.get_calendar("XNYS", start=XNYS.first.isoformat(), end=XNYS.last.isoformat())


def test_every_session_open_and_close_is_that_of_exchange_calendars(truth):
    sessions = XNYS.sessions(XNYS.first, XNYS.last)
    assert sessions == [label.date() for label in truth.sessions]
    assert [XNYS.open_at(s) for s in sessions] == [instant.to_pydatetime() for instant in truth.opens]
    assert [XNYS.close_at(s) for s in sessions] == [instant.to_pydatetime() for instant in truth.closes]


def test_the_committed_file_is_what_the_generator_writes(tmp_path):
    written = calendar_build.write("XNYS", folder=tmp_path)
    assert written.read_bytes() == (calendar_build.FOLDER / "XNYS.json").read_bytes()


def test_the_span_covers_1990_to_2030():
    assert (XNYS.first, XNYS.last) == (date(1990, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    "day",
    [
        "2001-09-11",
        "2001-09-14",
        "2012-10-29",
        "2012-10-30",
        "2025-01-09",
        "2007-01-02",
        "2022-06-20",
        "2026-11-26",
    ],
)
def test_one_off_closures_and_holidays_are_no_sessions(day):
    assert not XNYS.is_session(date.fromisoformat(day))
    assert date.fromisoformat(day) in XNYS.holidays(XNYS.first, XNYS.last)


@pytest.mark.parametrize(
    ("session", "open_at", "close_at"),
    [
        ("2026-11-20", "2026-11-20T14:30", "2026-11-20T21:00"),
        ("2026-11-27", "2026-11-27T14:30", "2026-11-27T18:00"),
        ("2026-07-01", "2026-07-01T13:30", "2026-07-01T20:00"),
        ("1990-12-24", "1990-12-24T14:30", "1990-12-24T19:00"),
    ],
)
def test_summer_time_and_half_days_move_the_close(session, open_at, close_at):
    day = date.fromisoformat(session)
    assert XNYS.open_at(day) == datetime.fromisoformat(open_at).replace(tzinfo=UTC)
    assert XNYS.close_at(day) == datetime.fromisoformat(close_at).replace(tzinfo=UTC)


@given(INSIDE)
def test_next_and_previous_are_the_nearest_sessions_strictly_after_and_before(day):
    following, before = XNYS.next_session(day), XNYS.previous_session(day)
    assert before < day < following
    assert XNYS.is_session(before)
    assert XNYS.is_session(following)
    between = XNYS.sessions(before, following)[1:-1]
    assert between == ([day] if XNYS.is_session(day) else [])


@given(SESSIONS, st.integers(-300, 300))
def test_offset_is_undone_by_the_opposite_offset_and_counts_sessions(session, count):
    try:
        moved = XNYS.offset(session, count)
    except CalendarError:
        return
    assert XNYS.offset(moved, -count) == session
    assert len(XNYS.sessions(min(session, moved), max(session, moved))) == abs(count) + 1


@given(SESSIONS.filter(lambda s: date(1990, 1, 2) < s < date(2030, 12, 31)))
def test_offset_by_one_is_next_and_previous(session):
    assert XNYS.offset(session, 1) == XNYS.next_session(session)
    assert XNYS.offset(session, -1) == XNYS.previous_session(session)
    assert XNYS.offset(session, 0) == session


@given(INSIDE, INSIDE)
def test_weekdays_are_either_sessions_or_holidays(start, end):
    sessions, holidays = XNYS.sessions(start, end), XNYS.holidays(start, end)
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    assert sorted(sessions + holidays) == [day for day in days if day.weekday() < 5]


@given(SESSIONS.filter(lambda s: s > date(1990, 1, 3)))
def test_a_session_counts_as_closed_from_its_close_on_and_not_a_second_earlier(session):
    close = XNYS.close_at(session)
    assert XNYS.last_closed(close) == session
    assert XNYS.last_closed(close - timedelta(seconds=1)) == XNYS.previous_session(session)


def test_last_closed_uses_the_exchange_s_day_not_that_of_utc():
    # 02:00 UTC on Saturday is still Friday evening in New York.
    assert XNYS.last_closed(datetime(2026, 11, 21, 2, tzinfo=UTC)) == date(2026, 11, 20)


def test_start_after_end_is_an_empty_range():
    assert XNYS.sessions(date(2020, 1, 3), date(2020, 1, 2)) == []


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.is_session(date(1989, 12, 31)),
        lambda c: c.next_session(date(2031, 1, 1)),
        lambda c: c.next_session(date(2030, 12, 31)),
        lambda c: c.previous_session(date(1990, 1, 2)),
        lambda c: c.sessions(date(1980, 1, 1), date(2000, 1, 1)),
        lambda c: c.holidays(date(2000, 1, 1), date(2040, 1, 1)),
        lambda c: c.offset(date(1990, 1, 2), -1),
        lambda c: c.offset(date(2030, 12, 31), 1),
        lambda c: c.last_closed(datetime(2031, 6, 1, tzinfo=UTC)),
    ],
)
def test_outside_the_span_the_error_says_how_to_extend_it(ask):
    with pytest.raises(CalendarError, match=r"calendar_build XNYS --end"):
        ask(XNYS)


def test_what_is_not_a_session_has_no_open_close_or_offset():
    for ask in (XNYS.open_at, XNYS.close_at, lambda day: XNYS.offset(day, 1)):
        with pytest.raises(CalendarError, match=r"2012-10-29 \(Monday\) is not a session"):
            ask(date(2012, 10, 29))


@pytest.mark.parametrize("instant", [datetime(2020, 1, 2, tzinfo=UTC), pd.Timestamp("2020-01-02")])
def test_an_instant_is_refused_where_a_date_is_meant(instant):
    with pytest.raises(CalendarError, match="is an instant"):
        XNYS.is_session(instant)


def test_a_naive_now_is_refused():
    with pytest.raises(CalendarError, match="no time zone"):
        XNYS.last_closed(datetime(2020, 1, 2, 12))  # noqa: DTZ001


@pytest.mark.parametrize("name", ["XLON", "../XNYS", ""])
def test_an_unknown_calendar_names_the_known_ones(name):
    with pytest.raises(TradingError, match="known are XNYS"):
        load_calendar(name)


def test_the_calendar_is_loaded_once_and_can_be_a_key():
    assert load_calendar("XNYS") is XNYS
    assert {XNYS: 1}[load_calendar()] == 1
    assert isinstance(XNYS, TradingCalendar)


def test_loading_it_imports_no_heavy_package():
    code = (
        "import sys; from my_dagster_project.foundation.calendar import load_calendar; load_calendar();"
        "print({'pandas', 'numpy', 'exchange_calendars', 'dagster'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"
