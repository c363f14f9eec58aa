"""Schedules ask for the last closed session, once, and say why when they do not."""

from dataclasses import replace
from datetime import UTC, date, datetime

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test
from dagster._utils.schedules import schedule_execution_time_iterator

from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.pipeline import chain
from my_dagster_project.teams.season_section import Season
from tests.pipeline.ticks import Ticks, asked, definitions
from tests.support.committed import PROJECT, committed
from tests.support.lapse import FIRST, lapse

SCHEDULES = ("red_daily_schedule", "red_trade_schedule", "blue_daily_schedule", "blue_trade_schedule")


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_morning_after_a_session_asks_for_that_session(ticks, name):
    job = name.removesuffix("_schedule")
    ticks.predictions(job.partition("_")[0], "2013-02-27")
    assert asked(ticks.tick(name, ticks.at(2013, 2, 28, 6, 30))) == (f"{job}:2013-02-27", "2013-02-27")


@pytest.mark.parametrize("name", ["red_daily_schedule", "red_trade_schedule"])
def test_a_weekend_asks_for_friday_once(ticks, name):
    ticks.predictions("red", "2013-03-01")
    saturday = ticks.tick(name, ticks.at(2013, 3, 2, 8, 0))
    run = ticks.run(saturday)
    assert asked(saturday)[1] == "2013-03-01"
    for day in (3, 4):
        data = ticks.tick(name, ticks.at(2013, 3, day, 8, 0))
        assert data.run_requests == []
        assert data.skip_message == (
            f"Nothing new: session 2013-03-01 was asked for already, run {run.run_id[:8]} (NOT_STARTED)."
        )


def test_running_an_older_session_again_does_not_bring_a_newer_one_back(ticks):
    for day in (27, 28):
        ticks.run(ticks.tick("red_daily_schedule", ticks.at(2013, 2, day, 6, 30)))
    again = {"dagster/run_key": "red_daily:2013-02-26", "dagster/schedule_name": "red_daily_schedule"}
    create_run_for_test(ticks.instance, job_name="red_daily", tags=again)
    assert ticks.tick("red_daily_schedule", ticks.at(2013, 2, 28, 7, 0)).run_requests == []


@pytest.mark.parametrize(
    "year", [pytest.param(2024, marks=pytest.mark.full), pytest.param(2025, marks=pytest.mark.full), 2026]
)
def test_a_whole_year_asks_for_every_session_once(tmp_path, instance, year):
    """Holidays, half days, observed holidays, leap days and both clock changes, by the schedule's own cron."""
    ticks = Ticks(tmp_path, instance, end=None, start=date(year, 1, 2))
    schedule = ticks.repository.get_schedule_def("red_daily_schedule")
    first, end = ticks.at(year, 1, 3, 0, 0), ticks.at(year + 1, 1, 2, 0, 0)
    found = []
    for when in schedule_execution_time_iterator(
        first.timestamp(), schedule.cron_schedule, schedule.execution_timezone
    ):
        if when >= end:
            break
        assert (when.hour, when.minute) == (6, 30)
        data = ticks.tick(schedule.name, when)
        if data.run_requests:
            found.append(asked(data)[1])
            ticks.run(data)
    sessions = ticks.platform.calendar.sessions(date(year, 1, 2), date(year, 12, 31))
    assert found == [day.isoformat() for day in sessions]
    assert all(day not in found for day in CLOSED[year])
    assert all(day in found for day in HALF_DAYS[year])


# Written down by hand from nyse.com, so that the calendar is not its own witness: Good Friday, Juneteenth, Independence
# Day (observed), Thanksgiving; the half days around them and Christmas Eve.
CLOSED = {
    2024: ("2024-03-29", "2024-06-19", "2024-07-04", "2024-11-28"),
    2025: ("2025-01-09", "2025-04-18", "2025-06-19", "2025-07-04", "2025-11-27"),
    2026: ("2026-04-03", "2026-06-19", "2026-07-03", "2026-11-26"),
}
HALF_DAYS = {
    2024: ("2024-07-03", "2024-11-29", "2024-12-24"),
    2025: ("2025-07-03", "2025-11-28", "2025-12-24"),
    2026: ("2026-11-27", "2026-12-24"),
}


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        ((2026, 3, 9, 2, 30), "2026-03-06"),  # the Monday after clocks went forward
        ((2026, 11, 2, 1, 30), "2026-10-30"),  # the Monday after they went back
        ((2026, 11, 28, 6, 30), "2026-11-27"),  # the morning after the half day of Thanksgiving
        ((2026, 7, 6, 6, 30), "2026-07-02"),  # Independence Day is observed on Friday the third
    ],
)
def test_the_mornings_people_ask_about(ticks, moment, session):
    assert asked(ticks.tick("red_daily_schedule", ticks.at(*moment)))[1] == session


def test_on_the_night_clocks_go_forward_a_tick_within_the_lost_hour_comes_once():
    zone = "America/New_York"
    start = datetime(2026, 3, 7, 3, 0, tzinfo=UTC).timestamp()
    ticks = schedule_execution_time_iterator(start, "30 2 * * *", zone)
    assert [f"{next(ticks):%m-%d %H:%M}" for _ in range(3)] == ["03-07 02:30", "03-08 03:00", "03-09 02:30"]


def test_during_a_session_the_one_before_is_asked_for(ticks):
    assert asked(ticks.tick("red_daily_schedule", ticks.at(2013, 2, 28, 15, 59)))[1] == "2013-02-27"


def test_the_evening_of_a_session_is_skipped_with_advice(ticks):
    data = ticks.tick("red_daily_schedule", ticks.at(2013, 2, 28, 18, 0))
    assert data.run_requests == []
    assert data.skip_message == (
        "Session 2013-02-28 closed today and can be asked for from midnight on (America/New_York); "
        "let the cron tick after midnight and before the open."
    )
    assert asked(ticks.tick("red_daily_schedule", ticks.at(2013, 3, 1, 0, 0)))[1] == "2013-02-28"


def test_before_the_competition_begins_nothing_is_asked_for(ticks):
    data = ticks.tick("red_daily_schedule", ticks.at(2012, 12, 3, 6, 30))
    assert (data.run_requests, data.skip_message) == ([], "The competition begins with session 2012-12-03.")


def test_the_last_session_that_can_be_scored_of_a_source_that_ended_is_still_asked_for(tmp_path, instance):
    ticks = Ticks(tmp_path, instance, end=date(2013, 3, 1))
    assert asked(ticks.tick("red_daily_schedule", ticks.at(2013, 3, 1, 6, 30)))[1] == "2013-02-28"
    for job in ("daily", "trade"):
        told = ticks.tick(f"red_{job}_schedule", ticks.at(2013, 3, 4, 8, 0)).skip_message
        assert told == "Session 2013-03-01 is the last of source sample: no session after it can be scored."
    # Its opens are what the orders of the session before filled at.
    assert asked(ticks.tick("red_settle_schedule", ticks.at(2013, 3, 4, 8, 0)))[1] == "2013-02-28"


def test_after_the_source_has_ended_the_skip_says_what_to_do(tmp_path, instance):
    ticks = Ticks(tmp_path, instance, end=date(2013, 3, 1))
    data = ticks.tick("red_daily_schedule", ticks.at(2026, 1, 5, 6, 30))
    assert data.run_requests == []
    assert data.skip_message == (
        "The market data of source sample ended on 2013-03-01; `trading run` trades what it holds; or set a live source in configs/teams.yaml."
    )


@pytest.mark.parametrize(
    ("environment", "status"),
    [
        ({}, dg.DefaultScheduleStatus.STOPPED),
        ({"TRADING_SCHEDULES": "running"}, dg.DefaultScheduleStatus.RUNNING),
    ],
)
def test_schedules_run_from_the_start_only_where_the_settings_say_so(tmp_path, environment, status):
    _, repository = definitions(tmp_path, environment=environment)
    assert {schedule.default_status for schedule in repository.schedule_defs} == {status}
    assert {schedule.execution_timezone for schedule in repository.schedule_defs} == {"America/New_York"}


def test_a_teams_crons_are_those_of_its_file(tmp_path):
    platform, repository = definitions(tmp_path)
    for team, config in platform.teams.items():
        for purpose in ("daily", "train", "trade"):
            [found] = [one for one in repository.schedule_defs if one.job_name == f"{team}_{purpose}"]
            assert found.cron_schedule == getattr(config.schedule, purpose)


def test_what_became_of_orders_is_asked_for_once_the_session_they_filled_in_has_its_bars(tmp_path, instance):
    ticks = Ticks(tmp_path, instance, end=None)
    name = "red_settle_schedule"
    monday = ticks.tick(name, ticks.at(2013, 2, 26, 8, 0))
    assert asked(monday) == ("red_settle:2013-02-25", "2013-02-22")
    ticks.run(monday)
    assert ticks.tick(name, ticks.at(2013, 2, 26, 9, 0)).run_requests == []
    [later] = ticks.tick(name, ticks.at(2013, 3, 1, 8, 0)).run_requests
    assert later.tags["dagster/asset_partition_range_start"] == "2013-02-25"
    assert later.tags["dagster/asset_partition_range_end"] == "2013-02-27"
    for symbol in ticks.platform.symbols:
        ticks.bars(symbol, "2013-02-27")
    with pytest.raises(dg.DagsterError) as waiting:
        ticks.tick(name, ticks.at(2013, 3, 1, 8, 0))
    assert "red_settle waits for the bars of 2013-02-28" in str(waiting.value.__cause__)


def test_a_job_that_is_but_a_row_asks_for_the_last_closed_session(monkeypatch, tmp_path, instance):
    """What a tick asks for stood in a list of purposes: of a new job for sessions the whole location failed to load."""
    made_by = "tests.pipeline.scratch_asset:momentum_asset"
    job = chain.Job("measure", priority=3, cron="daily", says="Measure {team}.", sessions=True)
    row = chain.Stage(
        "momentum", "team-symbol", ("features", "bars"), ("measure",), sessions=True, made_by=made_by
    )
    monkeypatch.setattr(chain, "JOBS", (*chain.JOBS, job))
    monkeypatch.setattr(chain, "STAGES", (*chain.STAGES, row))
    ticks = Ticks(tmp_path, instance, end=None)
    assert asked(ticks.tick("red_measure_schedule", ticks.at(2013, 2, 28, 6, 30))) == (
        "red_measure:2013-02-27", "2013-02-27"
    )  # fmt: skip


def test_in_a_lapse_every_schedule_of_the_chain_skips_and_says_who_asks_instead(tmp_path, instance):
    ticks = Ticks(tmp_path, instance, lapse(tmp_path, FIRST))
    for name in [schedule.name for schedule in ticks.repository.schedule_defs]:
        data = ticks.tick(name, ticks.at(2026, 11, 28, 6, 30))
        assert bool(data.run_requests) == (name == "maintenance_schedule")
        assert data.run_requests or "the season's driver asks for each" in data.skip_message


def test_what_a_season_missed_is_not_caught_up(tmp_path, instance):
    market = committed().registry.market.model_copy(update={"end": None})
    live = {"season": Season(clock="real"), "market": market}
    platform = replace(committed(), registry=committed().registry.model_copy(update=live))
    ticks = Ticks(tmp_path, instance, (platform, settings_from({"TRADING_HOME": str(tmp_path)}, PROJECT)))
    ticks.run(ticks.tick("red_daily_schedule", ticks.at(2013, 2, 26, 6, 30)))
    data = ticks.tick("red_daily_schedule", ticks.at(2013, 2, 28, 6, 30))
    assert asked(data) == ("red_daily:2013-02-27", "2013-02-27")
    assert data.run_requests[0].tags["missed_sessions"] == "2013-02-26"
