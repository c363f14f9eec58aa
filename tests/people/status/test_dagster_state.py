"""What Dagster's own storage says, on a real instance with real ticks and runs."""

import time
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from my_dagster_project.foundation.dagster_private import DaemonHeartbeat
from my_dagster_project.people.status.dagster_state import read_state
from my_dagster_project.people.status.symbol_chains import ChainReader
from my_dagster_project.pipeline.code_location import build_definitions
from tests.support.deployment import ZONE


@pytest.fixture
def read(deployment, settings):
    """Reads the book as of a New York time."""
    definitions = build_definitions(deployment.platform, settings)
    chains = ChainReader(definitions, deployment.instance)

    def at(*moment):
        now = datetime(*moment, tzinfo=ZONE).astimezone(UTC)
        return read_state(deployment.platform, deployment.instance, definitions, chains, settings, now)

    return at


def service(book, name):
    return next(check for check in book.services if check.name == name)


def schedule(book, job):
    return next(one for one in (*book.schedules, *book.teams["red"].schedules) if one.job == job)


def test_before_anything_happened(read):
    book = read(2026, 11, 18, 9)
    daily = schedule(book, "red_daily")
    assert daily.running
    assert daily.check.said == "has not ticked yet"
    assert daily.next_tick.astimezone(ZONE) == datetime(2026, 11, 19, 6, 30, tzinfo=ZONE)
    assert book.teams["red"].runs == ()
    assert {symbol.check.state for symbol in book.teams["red"].chain.symbols} == {"warn"}
    assert schedule(book, "market_daily").next_tick.tzinfo is not None


def test_next_ticks_keep_the_exchanges_time_when_the_clock_changes(read):
    before, after = (schedule(read(2026, 10, day, 20), "red_daily").next_tick for day in (30, 31))
    # On 1 November New York goes back by an hour: 06:30 is 10:30 UTC the day before and 11:30 UTC from then on.
    assert (before.hour, after.hour) == (10, 11)


def test_a_tick_that_waits_for_bars_is_no_fault(deployment, read):
    deployment.tick(2026, 11, 18, 6, 0)
    deployment.tick(2026, 11, 18, 6, 31)
    check = schedule(read(2026, 11, 18, 6, 32), "red_daily").check
    assert check.state == "warn"
    assert "waits for the bars of 2026-11-17" in check.said


def test_a_run_that_failed_says_why_and_what_to_do(deployment, read, settings):
    job = build_definitions(deployment.platform, settings).resolve_job_def("red_train")
    assert not job.execute_in_process(instance=deployment.instance, raise_on_error=False).success
    [run] = read(2026, 11, 18, 9).teams["red"].runs
    assert (run.status, run.check.state) == ("failure", "red")
    assert "market" in run.check.said or "bars" in run.check.said
    assert "Dagit" in run.check.todo
    assert run.ended >= run.began


def test_a_session_that_the_schedule_missed_is_red_and_one_in_progress_is_not(deployment, read):
    deployment.tick(2026, 11, 16, 6, 0)
    deployment.bars("2026-11-17")
    deployment.predictions("red", "2026-11-16")
    deployment.tick(2026, 11, 18, 6, 31)
    [run] = deployment.runs("red_daily")
    assert {symbol.check.state for symbol in read(2026, 11, 18, 9).teams["red"].chain.symbols} == {"warn"}
    deployment.finish(run, how="PIPELINE_FAILURE")
    symbols = read(2026, 11, 18, 9).teams["red"].chain.symbols
    assert {symbol.check.state for symbol in symbols} == {"red"}
    assert "session 2026-11-17 is not predicted" in symbols[0].check.said
    assert symbols[0].check.todo
    # Ten minutes after the tick it is too early to complain.
    assert {one.check.state for one in read(2026, 11, 18, 6, 40).teams["red"].chain.symbols} == {"warn"}


def test_the_newest_predicted_session_of_each_symbol(deployment, read):
    deployment.predictions("red", "2026-11-16")
    deployment.predictions("red", "2026-11-17", "IBM")
    symbols = read(2026, 11, 18, 9).teams["red"].chain.symbols
    assert [symbol.last_session for symbol in symbols] == [date(2026, 11, 17), date(2026, 11, 16)]


def test_the_figures_are_those_the_reports_run_noted(deployment, read):
    key = dg.AssetKey(["red", "IBM", "report"])
    nan = {"mase": float("nan"), "n": 3}
    for metadata, found in (({"mase": 0.98, "n": 60}, (0.98, 60)), (nan, (None, 3))):
        deployment.instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata=metadata))
        symbol = read(2026, 11, 18, 9).teams["red"].chain.symbols[0]
        assert (symbol.mase, symbol.scored) == found


def test_what_has_not_changed_is_not_worked_out_again(deployment, read):
    first = read(2026, 11, 18, 9).teams["red"].chain
    assert read(2026, 11, 18, 9).teams["red"].chain is first
    deployment.bars("2026-11-17", "IBM")
    assert read(2026, 11, 18, 9).teams["red"].chain is not first


def beat(deployment, age, kinds=None):
    for kind in kinds or deployment.instance.get_required_daemon_types():
        deployment.instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - age, kind, "id", errors=[]))


def test_the_daemon(deployment, read, monkeypatch):
    never = service(read(2026, 11, 18, 9), "daemon")
    assert (never.state, never.said) == ("red", "never started")
    assert "make ui" in never.todo
    monkeypatch.setenv("TRADING_REDIS_URL", "redis://redis:6379/0")
    assert "docker compose up -d daemon" in service(read(2026, 11, 18, 9), "daemon").todo
    beat(deployment, 5)
    assert service(read(2026, 11, 18, 9), "daemon").state == "ok"
    beat(deployment, 600, ["SCHEDULER"])
    silent = service(read(2026, 11, 18, 9), "daemon")
    assert (silent.state, silent.said) == ("red", "scheduler: no sign of life for 10 minutes")


def test_a_queue_that_nobody_takes_runs_from(deployment, read):
    deployment.bars("2026-11-17")
    deployment.tick(2026, 11, 18, 6, 0)
    deployment.tick(2026, 11, 18, 6, 31)
    assert service(read(2026, 11, 18, 6, 35), "run queue").state == "ok"
    queue = service(read(2026, 11, 18, 7, 5), "run queue")
    assert queue.state == "red"
    assert queue.said.endswith("the oldest for 34 minutes")
