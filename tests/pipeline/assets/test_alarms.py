"""Alarms on the table: a leak and a failed check cost the rank until somebody with a reason clears them, everywhere alike."""

import io
import math
from dataclasses import replace
from datetime import date

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from my_dagster_project.cli import alarms as commands
from my_dagster_project.domain import features
from my_dagster_project.domain.evaluation import score
from my_dagster_project.foundation.console import Console
from my_dagster_project.main_job.stages import Stages
from my_dagster_project.main_job.summary import print_leaderboard
from my_dagster_project.people.status.teams import stored, team_status
from my_dagster_project.pipeline.alarming import stored_leaderboard
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.assets.money import _after_the_start
from my_dagster_project.pipeline.finished_runs import alarms_of
from my_dagster_project.pipeline.partitions import replay_sessions
from my_dagster_project.storage import names
from my_dagster_project.storage.parquet import from_parquet, to_parquet
from tests.support.house import House, build, checks

SYMBOLS = {"red": ["AAPL", "IBM"], "blue": ["AAPL", "IBM"]}
TOLD = ("competition/leaderboard", "no_alarm")


def predict(house, team, leak):
    """Reports of a team that knows so much of the next return; three sessions more than the window has."""
    rng = np.random.default_rng(len(team))
    for symbol in SYMBOLS[team]:
        bars = from_parquet(house.store.read_file(("market", symbol, "bars"), "bars.parquet"))
        at = np.arange(len(bars) - len(replay_sessions(house.platform)) - 4, len(bars) - 1)
        actual = np.log(bars["adj_close"].to_numpy()[at + 1] / bars["adj_close"].to_numpy()[at])
        table = pd.DataFrame(
            {
                "session": bars["session"].to_numpy()[at],
                "target_session": bars["session"].to_numpy()[at + 1],
                "symbol": symbol,
                "close": bars["close"].to_numpy()[at],
                "predicted_return": leak * actual + rng.normal(0, 0.0005, len(at)),
                "probability_up": math.nan,
            }
        )
        files = {names.SCORED: to_parquet(score(table, bars))}
        house.store.write((team, symbol, "report"), files, replace=True, record={})


@pytest.fixture
def house(tmp_path, monkeypatch) -> House:
    """Two teams whose reports are stored, red honest and blue with the label shifted into its predictions."""
    made = build(tmp_path, SYMBOLS)
    registry = made.platform.registry
    longer = registry.competition.model_copy(update={"replay_sessions": 40})
    made = House(
        replace(made.platform, registry=registry.model_copy(update={"competition": longer})), made.settings
    )
    made.materialize(keys.bars_key("AAPL"), keys.bars_key("IBM"))
    predict(made, "red", leak=0.0)
    predict(made, "blue", leak=0.7)
    monkeypatch.setattr(dg.DagsterInstance, "get", lambda: made.instance)
    monkeypatch.setattr(commands, "read", lambda: (made.settings, made.platform))
    monkeypatch.setattr(commands, "console", Console(width=200))
    monkeypatch.setattr("my_dagster_project.deploy.instance.home.prepare_environment", lambda _: None)
    return made


def ranks(house):
    return {row.team: row.rank for row in stored_leaderboard(house.store).teams}


def trading(*arguments):
    app = typer.Typer()
    app.command()(commands.alarms)
    app.command()(commands.clear)
    return CliRunner().invoke(app, arguments)


def status(house, team):
    return team_status(house.platform, house.settings, team, None, stored(house.store, house.platform.teams))


def lines(house):
    out = io.StringIO()
    print_leaderboard(Console(file=out, width=200), stored_leaderboard(house.store))
    return out.getvalue()


def test_a_shifted_label_has_no_rank_until_it_is_cleared_with_a_reason(house):
    run = house.materialize(keys.leaderboard_key())
    assert not checks(run)[TOLD].passed
    told = ranks(house)
    assert told == told | {"red": 1, "naive": 1, "blue": None}
    assert "alarm blue" in " ".join(lines(house).split())
    assert "blue has no rank: AAPL, IBM: too good to be true: MASE 0." in lines(house)
    assert "; no features are stored of these sessions" in lines(house)
    assert [check.state for check in status(house, "blue").alarms] == ["red"] * 3
    assert status(house, "blue").state == "red"
    assert status(house, "red").alarms == ()
    told = alarms_of(house.instance, run.run_id)
    assert list(told) == ["blue"]
    assert len(told["blue"].ids) == len(set(told["blue"].ids)) == 3

    assert trading("clear", "blue").exit_code != 0
    assert trading("clear", "red", "--reason", "because").exception is not None
    assert ranks(house)["blue"] is None

    done = trading("clear", "blue", "--reason", "an insider, convicted")
    assert done.exit_code == 0, done.exception
    assert ranks(house)["blue"] == 1
    assert "an insider, convicted" in lines(house)
    assert status(house, "blue").alarms == ()
    [made] = [row for row in stored_leaderboard(house.store).teams if row.team == "blue"]
    assert len(made.alarms) == 3


def test_a_cleared_alarm_stays_cleared_from_session_to_session_but_not_for_another_model(house):
    house.materialize(keys.leaderboard_key())
    trading("clear", "blue", "--reason", "looked into")
    predict(house, "blue", leak=0.6)
    house.materialize(keys.leaderboard_key())
    assert ranks(house)["blue"] == 1
    blue = house.platform.teams["blue"]
    edited = blue.model_copy(
        update={"training": blue.training.model_copy(update={"validation_fraction": 0.2})}
    )
    other = House(replace(house.platform, teams=house.platform.teams | {"blue": edited}), house.settings)
    other.materialize(keys.leaderboard_key())
    assert ranks(other)["blue"] is None


def test_forecasts_are_judged_on_the_sessions_that_the_money_covers(house):
    """After `market.end` had moved the forecasts of 43 sessions stood beside the money of 40."""
    house.materialize(keys.leaderboard_key())
    board, window = stored_leaderboard(house.store), replay_sessions(house.platform)
    assert {row.metrics.n for row in board.symbols} == {len(window)}
    assert (board.first, board.last) == (window[0].isoformat(), window[-1].isoformat())
    assert f"Sessions {board.first} to {board.last}" in lines(house)


def test_a_failed_check_costs_the_rank_and_the_next_run_notices_both_ways(house, monkeypatch):
    predict(house, "blue", leak=0.0)
    stages = Stages(house.platform, house.settings, lambda _: None)
    stages.phase("leaderboard")
    told = ranks(house)
    assert told == told | {"red": 1, "naive": 1, "blue": 1}

    def tomorrow(series):
        return pd.Series(series["close"]).shift(-1).ffill() / series["close"]

    with monkeypatch.context() as planted:
        planted.setitem(features._OWN_KINDS, "intraday_return", tomorrow)
        house.materialize(keys.features_key("red", "IBM"))
    stages.phase("leaderboard")
    assert ranks(house)["red"] is None
    assert "red has no rank: IBM: check blind_to_the_future failed: intraday at" in lines(house)
    house.materialize(keys.features_key("red", "IBM"))
    stages.phase("leaderboard")
    assert ranks(house)["red"] == 1


def test_a_teams_curve_is_judged_from_its_first_fills_on_as_holding_is():
    """The flat day before the first fill made a team's Sharpe ratio another one than that of the same curve, held."""
    first, *rest = [
        (date(2013, 1, day), equity) for day, equity in ((2, 100.0), (3, 101.0), (4, 100.5), (7, 103.0))
    ]
    assert _after_the_start([first, *rest]) == rest
    assert _after_the_start([first]) == [first]
