"""Schedules ask for the last closed session, once, and say why when they do not."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.errors import ScheduleExecutionError
from dagster._core.test_utils import create_run_for_test, freeze_time
from dagster._utils.schedules import schedule_execution_time_iterator

from my_dagster_project.assets import keys
from my_dagster_project.definitions import build_definitions
from my_dagster_project.errors import NotYetError
from my_dagster_project.settings import settings_from
from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.sources import read_sources
from tests.support.deployment import embedded_instance

PROJECT = Path(__file__).parents[2]
SCHEDULES = ("red_daily_schedule", "red_trade_schedule", "blue_daily_schedule", "blue_trade_schedule")


def definitions(tmp_path, start=None, environment=None, **market) -> tuple[Platform, dg.RepositoryDefinition]:
    committed = load_platform(read_sources(PROJECT, "working tree"))
    changed = {"market": committed.registry.market.model_copy(update=market)}
    if start:
        changed["competition"] = committed.registry.competition.model_copy(update={"start": start})
    platform = replace(committed, registry=committed.registry.model_copy(update=changed))
    settings = settings_from({"TRADING_HOME": str(tmp_path), **(environment or {})}, PROJECT)
    return platform, build_definitions(platform, settings).get_repository_def()


class Desk:
    """Evaluates the committed platform's schedules as Dagster does, at a New York time, over what an instance knows."""

    def __init__(self, tmp_path, instance, **market) -> None:
        self.platform, self.repository = definitions(tmp_path, **market)
        self.instance = instance
        for symbol in self.platform.symbols:
            self.bars(symbol, "2099-12-31")

    def at(self, *moment):
        return datetime(*moment, tzinfo=self.platform.calendar.time_zone)

    def tick(self, name, when, now=None):
        """What the schedule says of its tick at `when`; evaluated at `now`, by default at once."""
        with (
            freeze_time((now or when).astimezone(UTC)),
            dg.build_schedule_context(
                instance=self.instance, scheduled_execution_time=when, repository_def=self.repository
            ) as context,
        ):
            context._instance = self.instance  # opened anew for every tick it is most of a year's time
            return self.repository.get_schedule_def(name).evaluate_tick(context)

    def run(self, data, **what) -> dg.DagsterRun:
        """The run a tick asked for, as the scheduler makes it."""
        [request] = data.run_requests
        job = request.run_key.partition(":")[0]
        tags = {**request.tags, "dagster/run_key": request.run_key}
        return create_run_for_test(self.instance, job_name=job, tags=tags, **what)

    def bars(self, symbol, last_session) -> None:
        self.made(keys.bars_key(symbol), metadata={"last_session": last_session})

    def predictions(self, team, session, *symbols) -> None:
        for symbol in symbols or self.platform.teams[team].symbols:
            self.made(keys.predictions_key(team, symbol), partition=session)

    def made(self, key, **what) -> None:
        self.instance.report_runless_asset_event(dg.AssetMaterialization(key, **what))


@pytest.fixture
def instance(tmp_path):
    with embedded_instance(tmp_path / "dagster") as instance:
        yield instance


@pytest.fixture
def desk(tmp_path, instance):
    return Desk(tmp_path, instance, end=None)


def asked(data):
    [request] = data.run_requests
    return request.run_key, request.partition_key


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_morning_after_a_session_asks_for_that_session(desk, name):
    job = name.removesuffix("_schedule")
    desk.predictions(job.partition("_")[0], "2013-02-27")
    assert asked(desk.tick(name, desk.at(2013, 2, 28, 6, 30))) == (f"{job}:2013-02-27", "2013-02-27")


@pytest.mark.parametrize("name", ["red_daily_schedule", "red_trade_schedule"])
def test_a_weekend_asks_for_friday_once(desk, name):
    desk.predictions("red", "2013-03-01")
    saturday = desk.tick(name, desk.at(2013, 3, 2, 8, 0))
    run = desk.run(saturday)
    assert asked(saturday)[1] == "2013-03-01"
    for day in (3, 4):
        data = desk.tick(name, desk.at(2013, 3, day, 8, 0))
        assert data.run_requests == []
        assert data.skip_message == (
            f"Nothing new: session 2013-03-01 was asked for already, run {run.run_id[:8]} (NOT_STARTED)."
        )


def test_running_an_older_session_again_does_not_bring_a_newer_one_back(desk):
    for day in (27, 28):
        desk.run(desk.tick("red_daily_schedule", desk.at(2013, 2, day, 6, 30)))
    again = {"dagster/run_key": "red_daily:2013-02-26", "dagster/schedule_name": "red_daily_schedule"}
    create_run_for_test(desk.instance, job_name="red_daily", tags=again)
    assert desk.tick("red_daily_schedule", desk.at(2013, 2, 28, 7, 0)).run_requests == []


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_a_whole_year_asks_for_every_session_once(tmp_path, instance, year):
    """Holidays, half days, observed holidays, leap days and both clock changes, by the schedule's own cron."""
    desk = Desk(tmp_path, instance, end=None, start=date(year, 1, 2))
    schedule = desk.repository.get_schedule_def("red_daily_schedule")
    first, end = desk.at(year, 1, 3, 0, 0), desk.at(year + 1, 1, 2, 0, 0)
    found = []
    for when in schedule_execution_time_iterator(
        first.timestamp(), schedule.cron_schedule, schedule.execution_timezone
    ):
        if when >= end:
            break
        assert (when.hour, when.minute) == (6, 30)
        data = desk.tick(schedule.name, when)
        if data.run_requests:
            found.append(asked(data)[1])
            desk.run(data)
    sessions = desk.platform.calendar.sessions(date(year, 1, 2), date(year, 12, 31))
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
def test_the_mornings_people_ask_about(desk, moment, session):
    assert asked(desk.tick("red_daily_schedule", desk.at(*moment)))[1] == session


def test_on_the_night_clocks_go_forward_a_tick_within_the_lost_hour_comes_once():
    zone = "America/New_York"
    start = datetime(2026, 3, 7, 3, 0, tzinfo=UTC).timestamp()
    ticks = schedule_execution_time_iterator(start, "30 2 * * *", zone)
    assert [f"{next(ticks):%m-%d %H:%M}" for _ in range(3)] == ["03-07 02:30", "03-08 03:00", "03-09 02:30"]


def test_during_a_session_the_one_before_is_asked_for(desk):
    assert asked(desk.tick("red_daily_schedule", desk.at(2013, 2, 28, 15, 59)))[1] == "2013-02-27"


def test_the_evening_of_a_session_is_skipped_with_advice(desk):
    data = desk.tick("red_daily_schedule", desk.at(2013, 2, 28, 18, 0))
    assert data.run_requests == []
    assert data.skip_message == (
        "Session 2013-02-28 closed today and can be asked for from midnight on (America/New_York); "
        "let the cron tick after midnight and before the open."
    )
    assert asked(desk.tick("red_daily_schedule", desk.at(2013, 3, 1, 0, 0)))[1] == "2013-02-28"


def test_before_the_competition_begins_nothing_is_asked_for(desk):
    data = desk.tick("red_daily_schedule", desk.at(2012, 12, 3, 6, 30))
    assert (data.run_requests, data.skip_message) == ([], "The competition begins with session 2012-12-03.")


def test_the_last_session_of_a_source_that_ended_is_still_asked_for(tmp_path, instance):
    desk = Desk(tmp_path, instance, end=date(2013, 3, 1))
    assert asked(desk.tick("red_daily_schedule", desk.at(2013, 3, 4, 6, 30)))[1] == "2013-03-01"


def test_after_the_source_has_ended_the_skip_says_what_to_do(tmp_path, instance):
    desk = Desk(tmp_path, instance, end=date(2013, 3, 1))
    data = desk.tick("red_daily_schedule", desk.at(2026, 1, 5, 6, 30))
    assert data.run_requests == []
    assert data.skip_message == (
        "The market data of source sample ended on 2013-03-01; use `make run`, or set a live source in configs/teams.yaml."
    )


def waiting(desk, name, *moment) -> str:
    with pytest.raises(ScheduleExecutionError) as caught:
        desk.tick(name, desk.at(*moment))
    cause = caught.value.__cause__
    assert isinstance(cause, NotYetError)
    return str(cause)


def test_predictions_wait_for_the_first_bars_of_their_session(desk):
    for symbol in desk.platform.symbols:
        desk.bars(symbol, "2013-02-26")
    assert waiting(desk, "red_daily_schedule", 2013, 2, 28, 6, 30) == (
        "red_daily waits for the bars of 2013-02-27 of AAPL, GOOG, IBM, MSFT: run market_daily if it has failed."
    )


def test_one_symbol_without_bars_does_not_keep_the_others_waiting_once_fetching_is_over(desk):
    desk.bars("GOOG", "2013-02-26")
    fetching = create_run_for_test(desk.instance, job_name="market_daily", status=dg.DagsterRunStatus.STARTED)
    assert waiting(desk, "red_daily_schedule", 2013, 2, 28, 6, 30) == (
        f"red_daily waits for the bars of 2013-02-27 of GOOG: run {fetching.run_id[:8]} is fetching them."
    )
    desk.instance.report_run_canceled(fetching)
    assert asked(desk.tick("red_daily_schedule", desk.at(2013, 2, 28, 6, 30)))[1] == "2013-02-27"


def test_orders_wait_for_predictions_until_the_open_and_are_never_placed_after_it(desk):
    at = desk.at(2013, 2, 28, 8, 0)
    assert waiting(desk, "red_trade_schedule", 2013, 2, 28, 8, 0) == (
        "red_trade waits for predictions of 2013-02-27 until the open: run red_daily if it has failed."
    )
    data = desk.tick("red_trade_schedule", at, now=desk.at(2013, 2, 28, 9, 30))
    assert (data.run_requests, data.skip_message) == (
        [],
        "Orders of 2013-02-27 are not placed: the exchange opened at 2013-02-28 09:30 and the predictions came too late.",
    )
    desk.predictions("red", "2013-02-27")
    before = desk.tick("red_trade_schedule", at, now=desk.at(2013, 2, 28, 9, 29))
    assert asked(before)[1] == "2013-02-27"
    late = desk.tick("red_trade_schedule", at, now=desk.at(2013, 2, 28, 9, 30))
    assert (late.run_requests, late.skip_message) == (
        [],
        "Orders of 2013-02-27 are not placed: the exchange opened at 2013-02-28 09:30 and this tick came too late.",
    )


def test_orders_wait_while_predictions_are_being_made(desk):
    desk.predictions("red", "2013-02-27", "AAPL")
    run = create_run_for_test(desk.instance, job_name="red_daily", status=dg.DagsterRunStatus.STARTED)
    assert f"run {run.run_id[:8]} is making them" in waiting(desk, "red_trade_schedule", 2013, 2, 28, 8, 0)


def test_a_symbol_without_a_prediction_is_named_and_the_others_are_traded(desk):
    desk.predictions("red", "2013-02-27", "AAPL", "IBM")
    data = desk.tick("red_trade_schedule", desk.at(2013, 2, 28, 8, 0))
    assert asked(data)[1] == "2013-02-27"
    assert data.run_requests[0].tags["without_predictions"] == "GOOG, MSFT"


def test_predictions_of_another_session_do_not_count(desk):
    desk.predictions("red", "2013-02-26")
    assert "waits for predictions of 2013-02-27" in waiting(desk, "red_trade_schedule", 2013, 2, 28, 8, 0)


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
    desk = Desk(tmp_path, instance, end=None)
    name = "red_settle_schedule"
    monday = desk.tick(name, desk.at(2013, 2, 26, 8, 0))
    assert asked(monday) == ("red_settle:2013-02-25", "2013-02-22")
    desk.run(monday)
    assert desk.tick(name, desk.at(2013, 2, 26, 9, 0)).run_requests == []
    [later] = desk.tick(name, desk.at(2013, 3, 1, 8, 0)).run_requests
    assert later.tags["dagster/asset_partition_range_start"] == "2013-02-25"
    assert later.tags["dagster/asset_partition_range_end"] == "2013-02-27"
    for symbol in desk.platform.symbols:
        desk.bars(symbol, "2013-02-27")
    with pytest.raises(dg.DagsterError) as waiting:
        desk.tick(name, desk.at(2013, 3, 1, 8, 0))
    assert "red_settle waits for the bars of 2013-02-28" in str(waiting.value.__cause__)
