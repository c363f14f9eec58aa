"""Ticks that wait for bars and predictions, and orders that are never placed after the open."""

import dagster as dg
import pytest
from dagster._core.errors import ScheduleExecutionError
from dagster._core.test_utils import create_run_for_test

from my_dagster_project.foundation.errors import NotYetError
from tests.pipeline.ticks import asked


def waiting(ticks, name, *moment) -> str:
    with pytest.raises(ScheduleExecutionError) as caught:
        ticks.tick(name, ticks.at(*moment))
    cause = caught.value.__cause__
    assert isinstance(cause, NotYetError)
    return str(cause)


def test_predictions_wait_for_the_first_bars_of_their_session(ticks):
    for symbol in ticks.platform.symbols:
        ticks.bars(symbol, "2013-02-26")
    assert waiting(ticks, "red_daily_schedule", 2013, 2, 28, 6, 30) == (
        "red_daily waits for the bars of 2013-02-27 of AAPL, GOOG, IBM, MSFT: run market_daily if it has failed."
    )


def test_one_symbol_without_bars_does_not_keep_the_others_waiting_once_fetching_is_over(ticks):
    ticks.bars("GOOG", "2013-02-26")
    fetching = create_run_for_test(
        ticks.instance, job_name="market_daily", status=dg.DagsterRunStatus.STARTED
    )
    assert waiting(ticks, "red_daily_schedule", 2013, 2, 28, 6, 30) == (
        f"red_daily waits for the bars of 2013-02-27 of GOOG: run {fetching.run_id[:8]} is fetching them."
    )
    ticks.instance.report_run_canceled(fetching)
    assert asked(ticks.tick("red_daily_schedule", ticks.at(2013, 2, 28, 6, 30)))[1] == "2013-02-27"


def test_orders_wait_for_predictions_until_the_open_and_are_never_placed_after_it(ticks):
    at = ticks.at(2013, 2, 28, 8, 0)
    assert waiting(ticks, "red_trade_schedule", 2013, 2, 28, 8, 0) == (
        "red_trade waits for predictions of 2013-02-27 until the open: run red_daily if it has failed."
    )
    data = ticks.tick("red_trade_schedule", at, now=ticks.at(2013, 2, 28, 9, 30))
    assert (data.run_requests, data.skip_message) == (
        [],
        "Orders of 2013-02-27 are not placed: the exchange opened at 2013-02-28 09:30 and the predictions came too late.",
    )
    ticks.predictions("red", "2013-02-27")
    before = ticks.tick("red_trade_schedule", at, now=ticks.at(2013, 2, 28, 9, 29))
    assert asked(before)[1] == "2013-02-27"
    late = ticks.tick("red_trade_schedule", at, now=ticks.at(2013, 2, 28, 9, 30))
    assert (late.run_requests, late.skip_message) == (
        [],
        "Orders of 2013-02-27 are not placed: the exchange opened at 2013-02-28 09:30 and this tick came too late.",
    )


def test_orders_wait_while_predictions_are_being_made(ticks):
    ticks.predictions("red", "2013-02-27", "AAPL")
    run = create_run_for_test(ticks.instance, job_name="red_daily", status=dg.DagsterRunStatus.STARTED)
    assert f"run {run.run_id[:8]} is making them" in waiting(ticks, "red_trade_schedule", 2013, 2, 28, 8, 0)


def test_a_symbol_without_a_prediction_is_named_and_the_others_are_traded(ticks):
    ticks.predictions("red", "2013-02-27", "AAPL", "IBM")
    data = ticks.tick("red_trade_schedule", ticks.at(2013, 2, 28, 8, 0))
    assert asked(data)[1] == "2013-02-27"
    assert data.run_requests[0].tags["without_predictions"] == "GOOG, MSFT"


def test_predictions_of_another_session_do_not_count(ticks):
    ticks.predictions("red", "2013-02-26")
    assert "waits for predictions of 2013-02-27" in waiting(ticks, "red_trade_schedule", 2013, 2, 28, 8, 0)
