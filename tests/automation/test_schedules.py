"""Schedules ask for the last closed session, once, and say why when they do not."""

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import dagster as dg
import pytest

from my_dagster_project.definitions import build_definitions
from my_dagster_project.settings import settings_from
from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.sources import read_sources

PROJECT = Path(__file__).parents[2]
SCHEDULES = ("red_daily_schedule", "red_trade_schedule", "blue_daily_schedule", "blue_trade_schedule")


def definitions(tmp_path, **market) -> tuple[Platform, dg.RepositoryDefinition]:
    committed = load_platform(read_sources(PROJECT, "working tree"))
    changed = committed.registry.market.model_copy(update=market)
    registry = committed.registry.model_copy(update={"market": changed})
    platform = replace(committed, registry=registry)
    settings = settings_from({"TRADING_HOME": str(tmp_path)}, PROJECT)
    return platform, build_definitions(platform, settings).get_repository_def()


@pytest.fixture
def tick(tmp_path):
    """Evaluate a schedule of the committed platform as Dagster does, at a New York time; `end` as given."""

    def evaluate(name, *moment, end=None):
        platform, repository = definitions(tmp_path, end=end)
        when = datetime(*moment, tzinfo=platform.calendar.time_zone)
        with dg.build_schedule_context(
            instance=dg.DagsterInstance.ephemeral(), scheduled_execution_time=when, repository_def=repository
        ) as context:
            return repository.get_schedule_def(name).evaluate_tick(context)

    return evaluate


def asked(data):
    [request] = data.run_requests
    return request.run_key, request.partition_key


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_morning_after_a_session_asks_for_that_session(tick, name):
    job = name.removesuffix("_schedule")
    assert asked(tick(name, 2013, 2, 28, 6, 30)) == (f"{job}:2013-02-27", "2013-02-27")


@pytest.mark.parametrize("day", [2, 3, 4])
def test_saturday_sunday_and_monday_morning_ask_for_friday_under_one_key(tick, day):
    assert asked(tick("red_daily_schedule", 2013, 3, day, 6, 30)) == ("red_daily:2013-03-01", "2013-03-01")


def test_the_morning_after_a_holiday_asks_for_the_session_before_it(tick):
    # Good Friday 2013 and the weekend after it.
    for moment in ((2013, 3, 29), (2013, 3, 30), (2013, 4, 1)):
        assert asked(tick("red_trade_schedule", *moment, 8, 0)) == ("red_trade:2013-03-28", "2013-03-28")


def test_the_mornings_around_a_clock_change_ask_for_the_right_session(tick):
    assert asked(tick("red_daily_schedule", 2013, 3, 11, 6, 30))[1] == "2013-03-08"
    assert asked(tick("red_daily_schedule", 2013, 3, 12, 6, 30))[1] == "2013-03-11"
    assert asked(tick("red_daily_schedule", 2013, 11, 4, 6, 30))[1] == "2013-11-01"


def test_during_a_session_the_one_before_is_asked_for(tick):
    assert asked(tick("red_daily_schedule", 2013, 2, 28, 15, 59))[1] == "2013-02-27"


def test_the_evening_of_a_session_is_skipped_with_advice(tick):
    data = tick("red_daily_schedule", 2013, 2, 28, 18, 0)
    assert data.run_requests == []
    assert data.skip_message == (
        "Session 2013-02-28 closed today and can be asked for from midnight on (America/New_York); "
        "let the cron tick after midnight and before the open."
    )
    assert asked(tick("red_daily_schedule", 2013, 3, 1, 0, 0))[1] == "2013-02-28"


def test_the_last_session_of_a_source_that_ended_is_still_asked_for(tick):
    assert asked(tick("red_daily_schedule", 2013, 3, 4, 6, 30, end=date(2013, 3, 1)))[1] == "2013-03-01"


def test_after_the_source_has_ended_the_skip_says_what_to_do(tick):
    data = tick("red_daily_schedule", 2026, 1, 5, 6, 30, end=date(2013, 3, 1))
    assert data.run_requests == []
    assert data.skip_message == (
        "The market data of source sample ended on 2013-03-01; use `make run`, or set a live source in configs/teams.yaml."
    )


def test_every_schedule_is_stopped_until_somebody_starts_it_and_ticks_in_new_york(tmp_path):
    _, repository = definitions(tmp_path)
    for schedule in repository.schedule_defs:
        assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
        assert schedule.execution_timezone == "America/New_York"


def test_a_teams_crons_are_those_of_its_file(tmp_path):
    platform, repository = definitions(tmp_path)
    for team, config in platform.teams.items():
        for purpose in ("daily", "train", "trade"):
            [found] = [one for one in repository.schedule_defs if one.job_name == f"{team}_{purpose}"]
            assert found.cron_schedule == getattr(config.schedule, purpose)
