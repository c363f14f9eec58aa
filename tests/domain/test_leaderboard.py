import json
import math
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.alarms import Alarm
from my_dagster_project.domain.evaluation import Metrics, score, wilson_interval
from my_dagster_project.domain.latecomers import Latecomer, latecomers
from my_dagster_project.domain.leaderboard import BUY_AND_HOLD, NAIVE, TradingSummary, from_json, to_json
from my_dagster_project.domain.ranking import assemble, beside, pooled_mase
from my_dagster_project.reports.leaderboard_columns import ranking_rule


def metrics_of(mase, hits=30, n=60):
    low, high = wilson_interval(hits, n)
    return Metrics(
        n=n, mae=mase, naive_mae=1.0, mase=mase, direction=hits / n, direction_low=low, direction_high=high,
        direction_n=n, up_share=0.55, moved_n=n,
    )  # fmt: skip


def ranks(board):
    return {row.team: row.rank for row in board.teams}


def test_the_better_forecast_ranks_first_and_the_naive_team_stands_between():
    board = assemble({("red", "A"): metrics_of(0.9), ("blue", "A"): metrics_of(1.2)}, {})
    assert [row.team for row in board.teams] == ["red", NAIVE, "blue", BUY_AND_HOLD]
    assert ranks(board) == {"red": 1, NAIVE: 2, "blue": 3, BUY_AND_HOLD: None}


def test_teams_too_close_to_tell_apart_share_a_rank():
    board = assemble({("red", "A"): metrics_of(0.998), ("blue", "A"): metrics_of(1.004)}, {})
    assert ranks(board) == {"red": 1, NAIVE: 1, "blue": 1, BUY_AND_HOLD: None}


def test_ties_do_not_chain():
    board = assemble(
        {(team, "A"): metrics_of(mase) for team, mase in [("a", 0.9), ("b", 0.908), ("c", 0.916)]}, {}
    )
    assert ranks(board) == {"a": 1, "b": 1, "c": 3, NAIVE: 4, BUY_AND_HOLD: None}


def test_directions_that_differ_for_certain_break_a_tie():
    board = assemble({("a", "A"): metrics_of(0.900, 300, 600), ("b", "A"): metrics_of(0.901, 400, 600)}, {})
    assert ranks(board)["b"] == 2


def test_return_does_not_rank():
    trading = {"red": TradingSummary(total_return=-0.5), "blue": TradingSummary(total_return=2.0)}
    board = assemble({("red", "A"): metrics_of(0.9), ("blue", "A"): metrics_of(1.2)}, trading)
    assert ranks(board)["red"] == 1
    assert next(row for row in board.teams if row.team == "blue").trading.total_return == 2.0


def test_a_team_without_predictions_and_one_without_trades_both_show():
    board = assemble({("red", "A"): metrics_of(0.9)}, {"blue": TradingSummary(orders=3)})
    assert ranks(board) == {"red": 1, NAIVE: 2, "blue": None, BUY_AND_HOLD: None}


def test_house_teams_stand_even_on_an_empty_board():
    board = assemble({}, {BUY_AND_HOLD: TradingSummary(total_return=0.08)})
    assert [(row.team, row.house, row.rank) for row in board.teams] == [
        (BUY_AND_HOLD, True, None),
        (NAIVE, True, None),
    ]
    assert board.teams[0].trading.total_return == 0.08


def test_buy_and_hold_calls_every_session_up():
    board = assemble({("red", "A"): metrics_of(0.9), ("red", "B"): metrics_of(0.9)}, {})
    row = next(row for row in board.teams if row.team == BUY_AND_HOLD)
    assert row.direction == pytest.approx(66 / 120)
    assert math.isnan(row.mase)


def test_direction_is_pooled_over_calls_not_over_symbols():
    board = assemble({("red", "A"): metrics_of(1.0, 10, 10), ("red", "B"): metrics_of(1.0, 40, 90)}, {})
    row = next(row for row in board.teams if row.team == "red")
    assert row.direction == 0.5
    assert (row.direction_low, row.direction_high) == wilson_interval(50, 100)


def test_twice_as_good_and_twice_as_bad_cancel():
    assert pooled_mase([metrics_of(0.5), metrics_of(2.0)]) == pytest.approx(1.0)


def test_symbols_without_a_mase_are_left_out():
    assert pooled_mase([metrics_of(0.9), Metrics(n=5)]) == pytest.approx(0.9)
    assert math.isnan(pooled_mase([Metrics(), Metrics(n=5)]))
    assert pooled_mase([metrics_of(0.0), metrics_of(1.0)]) == 0.0


FIGURES = st.one_of(st.just(math.nan), st.floats(0.1, 10))
METRICS = st.builds(
    Metrics, n=st.integers(0, 500), mae=FIGURES, mase=FIGURES, ic=FIGURES, up_share=st.floats(0, 1)
)
TRADING = st.builds(TradingSummary, orders=st.integers(0, 99), equity=FIGURES, sharpe=FIGURES, costs=FIGURES)
TEAMS = st.sampled_from(["red", "blue", "green"])


@given(
    st.dictionaries(st.tuples(TEAMS, st.sampled_from(["AAPL", "IBM"])), METRICS),
    st.dictionaries(st.one_of(TEAMS, st.sampled_from([NAIVE, BUY_AND_HOLD])), TRADING),
)
def test_json_gives_the_same_board_back(metrics, trading):
    board = assemble(metrics, trading)
    text = to_json(board)
    assert to_json(from_json(text)) == text
    assert from_json(text) == board
    assert "NaN" not in text


@given(st.dictionaries(st.tuples(TEAMS, st.just("A")), METRICS))
def test_the_order_of_the_input_does_not_matter(metrics):
    assert to_json(assemble(dict(reversed(metrics.items())), {})) == to_json(assemble(metrics, {}))


def test_a_missing_figure_is_null_in_json():
    assert json.loads(to_json(assemble({}, {})))["teams"][0]["mase"] is None


def test_an_open_alarm_costs_the_rank_and_a_cleared_one_does_not():
    figures = {("red", "A"): metrics_of(0.9), ("blue", "A"): metrics_of(0.3)}
    alarm = Alarm("A", "A: too good to be true", "leak A 1")
    board = assemble(figures, {}, alarms={"blue": (alarm,)})
    assert [row.team for row in board.teams] == ["red", NAIVE, "blue", BUY_AND_HOLD]
    assert ranks(board) == {"red": 1, NAIVE: 2, "blue": None, BUY_AND_HOLD: None}
    assert to_json(from_json(to_json(board))) == to_json(board)
    cleared = replace(alarm, cleared="by me: known")
    assert ranks(assemble(figures, {}, alarms={"blue": (cleared,)}))["blue"] == 1


def test_a_table_from_before_there_were_alarms_opens():
    data = json.loads(to_json(assemble({("red", "A"): metrics_of(0.9)}, {})))
    for row in data["teams"]:
        for name in ("alarms", "chances", "drift_mase"):
            del row[name]
    del data["first"], data["last"]
    assert ranks(from_json(json.dumps(data)))["red"] == 1


def test_a_flat_session_is_neither_up_nor_down_for_buy_and_hold():
    figures = replace(metrics_of(0.9, n=60), up_share=0.6, moved_n=50)
    [held] = [row for row in assemble({("red", "A"): figures}, {}).teams if row.team == BUY_AND_HOLD]
    assert (held.direction, held.direction_low) == (0.6, wilson_interval(30, 50)[0])


def evaluated(first):
    """The scored sessions of a team from one on, up to the last one of all."""
    sessions = pd.bdate_range(first, "2013-03-05")
    bars = pd.DataFrame({"session": sessions, "adj_close": [100.0 + n % 7 for n in range(len(sessions))]})
    predictions = pd.DataFrame(
        {
            "symbol": "A", "session": sessions[:-1], "target_session": sessions[1:],
            "close": 100.0, "predicted_return": 0.01, "probability_up": math.nan,
        }
    )  # fmt: skip
    return score(predictions, bars)


def test_a_team_that_came_later_is_ranked_on_the_sessions_it_shares_with_each():
    """Red was bad early and is good now; green, who came late, is better than red's whole record and worse than red since."""
    whole = {
        ("red", "A"): metrics_of(0.95), ("blue", "A"): metrics_of(0.97), ("green", "A"): metrics_of(0.80, 9, 18),
    }  # fmt: skip
    since = {("red", "A"): metrics_of(0.60, 9, 18), ("blue", "A"): metrics_of(0.99, 9, 18)}
    late = {"green": Latecomer("2013-02-21", since | {("green", "A"): metrics_of(0.80, 9, 18)})}
    assert ranks(assemble(whole, {})) == {"green": 1, "red": 2, "blue": 3, NAIVE: 4, BUY_AND_HOLD: None}
    board = assemble(whole, {}, late=late)
    assert ranks(board) == {"red": 1, "green": 2, "blue": 3, NAIVE: 4, BUY_AND_HOLD: None}
    assert [row.since for row in board.teams if row.team == "green"] == ["2013-02-21"]
    assert "green came later: its rank is of the sessions from 2013-02-21 on" in ranking_rule(board)
    assert from_json(to_json(board)) == board


def test_a_latecomer_shares_a_rank_and_moves_nobody_who_shares_one():
    whole = {(team, "A"): metrics_of(mase) for team, mase in [("a", 0.9), ("b", 0.905), ("c", 1.2)]}
    for own, expected in [
        (0.902, {"a": 1, "b": 1, "late": 1, NAIVE: 4, "c": 5}),
        (0.5, {"late": 1, "a": 2, "b": 2, NAIVE: 4, "c": 5}),
        (1.1, {"a": 1, "b": 1, NAIVE: 3, "late": 4, "c": 5}),
    ]:
        every = whole | {("late", "A"): metrics_of(own)}
        board = assemble(every, {}, late={"late": Latecomer("2013-02-21", every)})
        assert {team: rank for team, rank in ranks(board).items() if rank} == expected
        assert [row.rank for row in board.teams if row.rank] == sorted(expected.values())


def test_who_came_later_is_told_by_the_first_scored_session():
    frames = {("red", "A"): "2013-01-02", ("red", "B"): "2013-01-10", ("blue", "A"): "2013-01-10"}
    found = latecomers({of: evaluated(first) for of, first in frames.items()})
    assert {team: one.since for team, one in found.items()} == {"blue": "2013-01-10"}
    assert {of: figures.n for of, figures in found["blue"].common.items()} == {
        ("red", "A"): 38, ("red", "B"): 38, ("blue", "A"): 38,
    }  # fmt: skip


def test_a_table_says_how_far_teams_moved_since_the_one_before():
    before = assemble(
        {("red", "A"): metrics_of(0.90), ("blue", "A"): metrics_of(0.95)}, {"red": TradingSummary(equity=1e5)}
    )
    now = assemble(
        {("red", "A"): metrics_of(0.95), ("blue", "A"): metrics_of(0.90), ("new", "A"): metrics_of(0.5)}, {}
    )
    rows = {row.team: row for row in from_json(to_json(beside(now, before))).teams}
    assert [rows[team].rose for team in ("red", "blue", "new", "naive")] == [-2, 0, 0, -1]
    assert rows["red"].equity_before == 1e5
