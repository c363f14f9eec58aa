"""The machine was off: what Dagster's own scheduler loop then asks for, on a real instance, with the clock set by hand."""

from datetime import date, timedelta

import pytest

from my_dagster_project.foundation.dagster_private import TickStatus
from tests.support.deployment import deployed, write_project

START = date(2025, 12, 1)


@pytest.fixture
def deployment(tmp_path):
    write_project(tmp_path, ["red"], ["AAPL", "IBM"], START)
    with deployed(tmp_path) as one:
        one.tick(2026, 1, 5, 0, 0)  # Monday: schedules exist from here on
        yield one


def morning(deployment, day, session):
    """A day on which everything works."""
    deployment.tick(2026, 1, day, 5, 0)
    deployment.bars(session)
    deployment.finish_all()
    deployment.tick(2026, 1, day, 6, 30)
    deployment.predictions("red", session)
    deployment.finish_all()
    deployment.tick(2026, 1, day, 8, 0)
    deployment.finish_all()


def test_days_that_work_ask_once_for_each_session(deployment):
    morning(deployment, 5, "2026-01-02")
    morning(deployment, 6, "2026-01-05")
    deployment.bars("2099-12-31")
    for day in (7, 8, 9, 10, 11, 12):  # to Monday
        deployment.tick(2026, 1, day, 6, 30)
        deployment.finish_all()
    days = ["2026-01-02", "2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08", "2026-01-09"]
    assert deployment.asked("red_daily") == days
    assert deployment.asked("red_trade") == days[:2]
    assert len(deployment.runs("red_train")) == 1


def test_two_weeks_off_are_caught_up_by_one_run_and_their_orders_reported(deployment):
    morning(deployment, 5, "2026-01-02")
    # Off until Tuesday the 20th, 7:00; Monday was a holiday (Martin Luther King).
    deployment.tick(2026, 1, 20, 7, 0)
    assert "waits for the bars of 2026-01-16" in str(deployment.last_tick("red_daily").error)
    assert [len(deployment.runs(job)) for job in ("market_daily", "red_train", "leaderboard")] == [2, 1, 1]
    deployment.bars("2026-01-16")
    deployment.finish_all()
    deployment.tick(2026, 1, 20, 7, 1)
    assert deployment.asked("red_daily") == ["2026-01-02", "2026-01-05..2026-01-16"]
    deployment.predictions("red", "2026-01-16")
    deployment.finish_all()
    deployment.tick(2026, 1, 20, 8, 0)
    # Only the session whose open is still to come is traded.
    assert deployment.asked("red_trade") == ["2026-01-02", "2026-01-16"]
    assert deployment.runs("red_trade")[-1].tags["missed_sessions"] == "2026-01-05..2026-01-15"


def test_with_report_the_missed_sessions_are_named_and_not_made(tmp_path):
    write_project(tmp_path, ["red"], ["AAPL"], START, missed_sessions="report")
    with deployed(tmp_path) as deployment:
        deployment.tick(2026, 1, 5, 0, 0)
        morning(deployment, 5, "2026-01-02")
        deployment.bars("2026-01-14")
        deployment.tick(2026, 1, 15, 6, 30)
        deployment.finish_all()  # the bars, fetched at five
        deployment.tick(2026, 1, 15, 6, 31)
        assert deployment.asked("red_daily") == ["2026-01-02", "2026-01-14"]
        assert deployment.runs("red_daily")[-1].tags["missed_sessions"] == "2026-01-05..2026-01-13"


def test_a_machine_that_comes_back_after_the_open_places_no_orders(deployment):
    morning(deployment, 5, "2026-01-02")
    deployment.bars("2026-01-07")
    deployment.predictions("red", "2026-01-07")
    deployment.tick(2026, 1, 8, 11, 0)
    assert deployment.asked("red_trade") == ["2026-01-02"]
    tick = deployment.last_tick("red_trade")
    assert tick.status == TickStatus.SKIPPED
    assert tick.skip_reason == (
        "Orders of 2026-01-05..2026-01-07 are not placed: the exchange opened at 2026-01-08 09:30 and "
        "this tick came too late."
    )
    # The next day is an ordinary one.
    morning(deployment, 9, "2026-01-08")
    assert deployment.asked("red_trade") == ["2026-01-02", "2026-01-08"]


def test_a_training_missed_for_a_month_is_caught_up_once(deployment):
    deployment.bars("2099-12-31")
    deployment.tick(2026, 2, 4, 12, 0)
    assert len(deployment.runs("red_train")) == 1
    assert (
        deployment.runs("red_train")[0]
        .tags[".dagster/scheduled_execution_time"]
        .startswith("2026-01-31T09:00")
    )


def test_what_is_trained_once_is_not_trained_again_each_saturday(deployment):
    deployment.tick(2026, 1, 10, 9, 0)
    assert "waits for the bars of 2025-11-28" in str(deployment.last_tick("red_train").error)
    deployment.bars("2099-12-31")
    deployment.tick(2026, 1, 10, 9, 1)
    [run] = deployment.runs("red_train")
    assert {key.path[-1] for key in run.asset_selection} == {"features", "training_rows", "model"}
    deployment.finish_all()
    deployment.trained("red")
    deployment.tick(2026, 1, 17, 9, 0)
    assert deployment.last_tick("red_train").skip_reason.startswith("Nothing to train: the models are there")
    assert len(deployment.runs("red_train")) == 1


def test_a_waiting_tick_is_evaluated_every_minute_until_it_can_ask(deployment):
    deployment.tick(2026, 1, 6, 6, 30)
    for minute in (31, 32):
        deployment.tick(2026, 1, 6, 6, minute)
        tick = deployment.last_tick("red_daily")
        assert tick.status == TickStatus.FAILURE
        assert "waits for the bars of 2026-01-05 of AAPL, IBM" in str(tick.error)
    deployment.bars("2026-01-05")
    deployment.finish_all()
    deployment.tick(2026, 1, 6, 6, 33)
    assert deployment.last_tick("red_daily").status == TickStatus.SUCCESS
    assert deployment.asked("red_daily") == ["2026-01-05"]


def test_bars_that_never_come_are_caught_up_by_the_next_days_tick(deployment):
    morning(deployment, 6, "2026-01-05")
    deployment.tick(2026, 1, 7, 6, 30)
    deployment.finish_all()  # market_daily is over, and brought nothing
    deployment.tick(2026, 1, 7, 23, 0)
    assert deployment.asked("red_daily") == ["2026-01-05"]
    deployment.tick(2026, 1, 8, 5, 0)
    deployment.bars("2026-01-07")
    deployment.finish_all()
    deployment.tick(2026, 1, 8, 6, 30)
    assert deployment.asked("red_daily") == ["2026-01-05", "2026-01-06..2026-01-07"]


def test_predictions_that_come_before_the_open_are_still_traded(deployment):
    deployment.tick(2026, 1, 6, 8, 0)
    assert "waits for predictions of 2026-01-05 until the open" in str(
        deployment.last_tick("red_trade").error
    )
    deployment.bars("2026-01-05")
    deployment.predictions("red", "2026-01-05", "IBM")
    deployment.finish_all()
    deployment.tick(2026, 1, 6, 9, 29)  # the daily tick asks, and the orders wait for its run
    deployment.finish_all()
    deployment.tick(2026, 1, 6, 9, 29, 30)
    assert deployment.asked("red_trade") == ["2026-01-05"]
    assert deployment.runs("red_trade")[0].tags["without_predictions"] == "AAPL"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2026, 3, 6), date(2026, 3, 10)),  # clocks go forward on the 8th
        # Thanksgiving and its half day
        pytest.param(date(2026, 11, 25), date(2026, 12, 1), marks=pytest.mark.full),
        pytest.param(date(2026, 3, 31), date(2026, 4, 8), marks=pytest.mark.full),  # Good Friday
        # Independence Day, observed
        pytest.param(date(2026, 6, 30), date(2026, 7, 8), marks=pytest.mark.full),
        # clocks go back on the 1st
        pytest.param(date(2026, 10, 28), date(2026, 11, 5), marks=pytest.mark.full),
        # Christmas, New Year
        pytest.param(date(2026, 12, 22), date(2027, 1, 6), marks=pytest.mark.full),
    ],
)
def test_around_every_special_day_each_session_is_asked_for_once(tmp_path, first, last):
    write_project(tmp_path, ["red"], ["AAPL"], first)
    with deployed(tmp_path) as deployment:
        calendar = deployment.platform.calendar
        deployment.bars("2099-12-31")
        for session in calendar.sessions(first, last):
            deployment.predictions("red", session.isoformat())
        deployment.tick(first.year, first.month, first.day, 0, 0)
        day = first
        while day <= last:
            for hour, minute in ((6, 30), (8, 0)):
                deployment.tick(day.year, day.month, day.day, hour, minute)
                deployment.finish_all()
            day += timedelta(days=1)
        sessions = [session.isoformat() for session in calendar.sessions(first, last - timedelta(days=1))]
        assert deployment.asked("red_daily") == sessions
        assert deployment.asked("red_trade") == sessions
