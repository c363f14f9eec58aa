"""Partitions are the calendar's sessions, whatever weekends, holidays and clock changes do."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.pipeline.assets.assembly import all_assets
from my_dagster_project.pipeline.partitions import (
    is_looked_at,
    last_session,
    replay_sessions,
    session_of,
    session_partitions,
)
from tests.support.committed import committed
from tests.support.draws import draws
from tests.support.lapse import LAST, lapse

XNYS = load_calendar()
NEW_YORK = XNYS.time_zone
START = date(2000, 3, 1)


def named(sessions):
    return [session.isoformat() for session in sessions]


def local(*moment):
    return datetime(*moment, tzinfo=NEW_YORK)


def test_every_session_of_twenty_six_years_is_a_partition_and_no_other_day_is():
    end = date(2025, 12, 31)
    assert session_partitions(XNYS, START, end).get_partition_keys() == named(XNYS.sessions(START, end))


@given(st.dates(START, date(2025, 6, 30)), st.integers(0, 60))
def test_any_span_that_begins_with_a_session_has_exactly_its_sessions(day, days):
    start = XNYS.next_session(day)  # the registry refuses a competition that begins on any other day
    end = start + timedelta(days=days)
    assert session_partitions(XNYS, start, end).get_partition_keys() == named(XNYS.sessions(start, end))


@draws(30)
@given(st.dates(date(2013, 1, 2), date(2025, 6, 30)), st.times())
def test_a_live_source_has_the_sessions_whose_day_is_over(day, time):
    now = datetime.combine(day, time, tzinfo=NEW_YORK)
    partitions = session_partitions(XNYS, date(2012, 12, 3))
    assert partitions.get_partition_keys(current_time=now) == named(
        XNYS.sessions(date(2012, 12, 3), day - timedelta(days=1))
    )


@pytest.mark.parametrize(
    "session",
    [
        pytest.param("2013-03-01", id="a Friday"),
        pytest.param("2013-03-08", id="the Friday before clocks go forward"),
        pytest.param("2012-11-02", id="the Friday before clocks go back"),
        pytest.param("2013-03-28", id="the Thursday before Good Friday"),
        pytest.param("2012-10-26", id="the Friday before the hurricane's two days"),
        pytest.param("2012-11-23", id="a half day"),
    ],
)
def test_the_window_of_a_session_is_its_own_day(session):
    window = session_partitions(XNYS, date(2012, 1, 3)).time_window_for_partition_key(session)
    day = session_of(session)
    assert window.start == datetime.combine(day, datetime.min.time(), tzinfo=NEW_YORK)
    assert window.end == datetime.combine(day + timedelta(days=1), datetime.min.time(), tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    "day", ["2013-03-29", "2012-10-29", "2012-10-30", "2013-03-02", "2013-03-03", "2012-12-25", "2018-12-05"]
)
def test_holidays_weekends_and_days_of_mourning_are_no_partitions(day):
    assert not session_partitions(XNYS, date(2012, 1, 3), date(2018, 12, 31)).has_partition_key(day)


def test_the_last_session_of_a_source_that_ended_is_a_partition():
    assert (
        session_partitions(XNYS, date(2013, 2, 25), date(2013, 3, 1)).get_last_partition_key() == "2013-03-01"
    )


@pytest.mark.parametrize(
    ("now", "end", "expected"),
    [
        (local(2013, 2, 28, 15, 59), None, "2013-02-27"),
        (local(2013, 2, 28, 16, 0), None, "2013-02-28"),
        (local(2013, 3, 3, 12, 0), None, "2013-03-01"),
        (local(2012, 11, 23, 13, 0), None, "2012-11-23"),  # a half day closes at one
        (local(2026, 1, 5, 12, 0), date(2013, 3, 1), "2013-03-01"),
        (local(2013, 2, 28, 17, 0), date(2013, 3, 1), "2013-02-28"),
    ],
)
def test_the_last_session_has_closed_and_is_not_after_the_end(now, end, expected):
    registry = committed().registry
    market = registry.market.model_copy(update={"end": end})
    platform = replace(committed(), registry=registry.model_copy(update={"market": market}))
    assert last_session(platform, now.astimezone(UTC)).isoformat() == expected


def test_no_asset_has_a_session_that_can_never_be_scored():
    """Fourteen assets stayed orange after the first run: the sample's last session has no next one."""
    platform = committed()
    _, partitions = all_assets(platform)
    assert partitions.get_last_partition_key() == "2013-02-28" == replay_sessions(platform)[-1].isoformat()


@pytest.mark.parametrize(
    ("session", "looked_at"),
    [(date(2012, 12, 6), False), (date(2012, 12, 7), True), (date(2012, 12, 31), False), (LAST, True)],
    ids=["Thursday", "Friday", "New Year's Eve, a Monday", "the last one"],
)
def test_of_a_lapse_pictures_and_measurements_are_a_weeks(tmp_path, session, looked_at):
    platform, _ = lapse(tmp_path, session)
    assert is_looked_at(platform) == looked_at
    assert is_looked_at(committed())
