import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.alarms import Alarm
from my_dagster_project.domain.evaluation import Metrics, score, wilson_interval
from my_dagster_project.domain.house import house_forecasts
from my_dagster_project.domain.latecomers import latecomers
from my_dagster_project.domain.leaderboard import (
    ALWAYS_UP,
    BUY_AND_HOLD,
    CONSENSUS,
    DRIFT,
    NAIVE,
    Standing,
    TradingSummary,
    from_json,
    to_json,
)  # fmt: skip
from my_dagster_project.domain.ranking import assemble, beside, carried, pooled_mase, ranked
from my_dagster_project.domain.scores.blocks import Figure
from my_dagster_project.domain.scores.money_scores import MoneyScores
from my_dagster_project.reports.leaderboard_columns import ranking_rule

DAYS = pd.bdate_range("2012-12-03", periods=60)


def metrics_of(mase, hits=30, n=60):
    low, high = wilson_interval(hits, n)
    return Metrics(
        n=n, mae=mase, naive_mae=1.0, mase=mase, direction=hits / n, direction_low=low, direction_high=high,
        direction_n=n, up_share=0.55, moved_n=n,
    )  # fmt: skip


def losing(mase, seed=0, days=DAYS):
    """Evidence whose mean loss is that of a MASE, moved a little by luck of its own."""
    noise = np.random.default_rng(seed).normal(0, 0.05, len(days))
    return pd.DataFrame({"loss": 1 - mase + noise - noise.mean(), "rank": 0.0, "timing": 0.0}, index=days)


def table(mases, money=None, late=None, alarms=None):
    """A table of teams by MASE, or by their evidence."""
    found = {
        (team, "A"): losing(one, seed) if isinstance(one, float) else one
        for seed, (team, one) in enumerate(mases.items())
    }
    metrics = {of: metrics_of(1 - one["loss"].mean(), len(one) // 2, len(one)) for of, one in found.items()}
    return ranked(
        assemble(metrics, {}, found, alarms),
        found,
        {team: Standing(money=one) for team, one in (money or {}).items()},
        late,
    )


def ranks(board):
    return {row.team: row.rank for row in board.teams}


def test_the_better_forecast_ranks_first_and_the_naive_team_stands_between():
    board = table({"blue": 1.2, "red": 0.9, NAIVE: losing(1.0, 0) * 0})
    assert [row.team for row in board.teams] == ["red", NAIVE, "blue"]
    assert ranks(board) == {"red": 1, NAIVE: 2, "blue": 3}


def test_teams_too_close_to_tell_apart_share_a_rank():
    assert ranks(table({"red": 0.998, "blue": 1.004, "green": 1.3})) == {"red": 1, "blue": 1, "green": 2}


def test_a_return_does_not_rank_and_money_does_not_rank_a_forecast():
    money = {
        "red": MoneyScores(60, Figure(2.0), Figure(0.5, -0.1, 1.1)),
        "blue": MoneyScores(60, Figure(0.1), Figure(0.1, 0.05, 0.15)),
        "green": MoneyScores(60, Figure(3.0), Figure(-0.2, -0.3, -0.1)),
    }
    board = table({"red": 1.0, "blue": 1.2, "green": 0.9}, money)
    assert ranks(board) == {"green": 1, "red": 2, "blue": 3}
    assert {row.team: row.standing.money_rank for row in board.by_money} == {"blue": 1, "red": 2, "green": 3}
    assert [row.team for row in board.by_money] == ["blue", "red", "green"]


def test_of_few_sessions_nobody_is_ranked():
    few = DAYS[:19]
    board = table(
        {"red": losing(0.5, 1, few), "blue": losing(1.5, 2, few)},
        {"red": MoneyScores(19, excess=Figure(0.5))},
    )
    assert ranks(board) == {"red": None, "blue": None}
    assert [row.standing.money_rank for row in board.teams] == [None, None]
    assert ranks(table({"red": losing(0.5, 1, DAYS[:20]), "blue": losing(1.5, 2, DAYS[:20])})) == {
        "red": 1,
        "blue": 2,
    }


def test_a_team_without_predictions_and_one_without_trades_both_show():
    board = assemble({("red", "A"): metrics_of(0.9)}, {"blue": TradingSummary(orders=3)})
    assert ranks(board) == {"red": None, "blue": None}
    assert {row.team for row in board.by_forecast} == {row.team for row in board.by_money} == {"red", "blue"}


def test_a_house_team_stands_where_it_competes():
    board = assemble({(NAIVE, "A"): metrics_of(1.0)}, {BUY_AND_HOLD: TradingSummary(total_return=0.08)})
    assert [row.team for row in board.by_forecast] == [NAIVE]
    assert [row.team for row in board.by_money] == [BUY_AND_HOLD]
    assert all(row.house for row in board.teams)
    assert not board.symbols


def test_direction_is_pooled_over_calls_not_over_symbols():
    board = assemble({("red", "A"): metrics_of(1.0, 10, 10), ("red", "B"): metrics_of(1.0, 40, 90)}, {})
    [row] = board.teams
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
    assert json.loads(to_json(assemble({}, {"red": TradingSummary()})))["teams"][0]["mase"] is None


def test_an_open_alarm_costs_both_ranks_and_moves_nobody():
    """Its losses are what is in doubt: a leak would have put every honest team into the second tier."""
    alarm = Alarm("A", "A: too good to be true", "leak A 1")
    money = {team: MoneyScores(60, excess=Figure(0.1, 0.05, 0.2)) for team in ("red", "blue")}
    mases = {"red": 0.9, "blue": 0.3, "green": 1.2}
    board = table(mases, money, alarms={"blue": (alarm,)})
    assert ranks(board) == {"red": 1, "green": 2, "blue": None}
    assert {row.team: row.standing.money_rank for row in board.teams} == {
        "red": 1,
        "green": None,
        "blue": None,
    }
    assert to_json(from_json(to_json(board))) == to_json(board)
    cleared = replace(alarm, cleared="by me: known")
    assert ranks(table(mases, alarms={"blue": (cleared,)})) == {"blue": 1, "red": 2, "green": 3}


def test_a_table_from_before_there_were_alarms_opens():
    data = json.loads(to_json(assemble({("red", "A"): metrics_of(0.9)}, {})))
    for row in data["teams"]:
        for name in ("alarms", "chances", "drift_mase"):
            del row[name]
    del data["first"], data["last"]
    for name in ("standing", "sessions", "rose", "equity_before"):
        del data["teams"][0][name]
    del data["ranked"]
    assert from_json(json.dumps(data)).teams[0].mase == 0.9


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


def test_a_team_that_came_later_is_in_the_tier_behind_who_was_surely_better_since():
    """Red was no good early and is now; green, who came late, is better than red's whole record and worse than red since."""
    since = DAYS[35]
    red = pd.concat([losing(0.99, 1, DAYS[:35]), losing(0.8, 2, DAYS[35:])])
    others = {"red": red, "blue": losing(1.2, 3), NAIVE: losing(1.0, 0) * 0}
    for own, expected in [(0.87, 2), (0.6, 1), (0.8, 1), (1.1, 3), (1.4, 4)]:
        board = table(others | {"green": losing(own, 4, DAYS[35:])}, late={"green": since})
        assert ranks(board) == {"red": 1, NAIVE: 2, "blue": 3, "green": expected}, own
    assert [row.since for row in board.teams if row.team == "green"] == [str(since.date())]
    assert f"green came later: its rank is of the sessions from {since.date()} on" in ranking_rule(board)
    few = table(others | {"green": losing(0.4, 4, DAYS[45:])}, late={"green": DAYS[45]})
    assert ranks(few)["green"] is None


def test_who_came_later_is_told_by_the_first_scored_session():
    frames = {("red", "A"): "2013-01-02", ("red", "B"): "2013-01-10", ("blue", "A"): "2013-01-10"}
    assert latecomers({of: evaluated(first) for of, first in frames.items()}) == {
        "blue": pd.Timestamp("2013-01-10")
    }


def test_a_table_says_how_many_tiers_teams_moved_since_the_ranking_before():
    before = replace(table({"red": 0.8, "blue": 0.9}), ranked="2013-01-04")
    now = replace(table({"red": 0.9, "blue": 0.8, "new": 0.5}), ranked="2013-01-11")
    moved = beside(now, before, {"red": 1e5})
    rows = {row.team: row for row in from_json(to_json(moved)).teams}
    assert {team: row.rose for team, row in rows.items()} == {"red": -2, "blue": 0, "new": 0}
    assert rows["red"].equity_before == 1e5
    again = beside(now, moved, {})
    assert [row.rose for row in again.teams] == [row.rose for row in moved.teams], (
        "made again, it moved as it did"
    )


def test_between_two_rankings_the_ranks_stay_and_an_alarm_costs_its_at_once():
    money = {team: MoneyScores(60, excess=Figure(0.1, 0.05, 0.2)) for team in ("red", "blue")}
    before = replace(table({"red": 0.8, "blue": 1.2, NAIVE: losing(1.0, 0) * 0}, money), ranked="2013-01-04")
    alarm = Alarm("A", "A: too good to be true", "leak A 1")
    figures = {("red", "A"): metrics_of(1.3), ("blue", "A"): metrics_of(0.7), ("new", "A"): metrics_of(0.7)}
    board = carried(assemble(figures, {}, None, {"blue": (alarm,)}), before)
    assert ranks(board) == {"red": 1, NAIVE: 2, "blue": None, "new": None}
    rows = {row.team: row for row in board.teams}
    assert (rows["red"].mase, rows["red"].standing.money_rank, rows["blue"].standing.money_rank) == (
        1.3,
        1,
        None,
    )
    assert board.ranked == "2013-01-04"


def test_house_teams_forecast_what_their_names_say():
    """Of the same sessions as teams, scored by the same function; the mean of all needs two."""
    sessions = pd.bdate_range("2013-01-01", "2013-03-05")
    prices = 100 * np.exp(np.random.default_rng(3).normal(0, 0.01, len(sessions)).cumsum())
    bars = pd.DataFrame({"session": sessions, "adj_close": prices})
    asked = pd.DataFrame(
        {"symbol": "A", "session": sessions[5:-1], "target_session": sessions[6:], "close": prices[5:-1]}
    )
    said = {"red": 0.01, "blue": -0.03, "held": 9.0}
    scored = {
        (team, "A"): score(asked.assign(predicted_return=one, probability_up=math.nan), bars)
        for team, one in said.items()
    }
    found = {
        team: frame["predicted_return"].to_numpy()
        for (team, _), frame in house_forecasts(scored, {"A": bars}, {"held"}).items()
    }
    returns = pd.Series(prices).apply(np.log).diff()
    assert set(found) == {NAIVE, DRIFT, ALWAYS_UP, CONSENSUS}
    assert not found[NAIVE].any()
    assert found[CONSENSUS] == pytest.approx(-0.01)
    assert found[DRIFT][-1] == pytest.approx(returns[:-1].mean())
    assert found[ALWAYS_UP][-1] == pytest.approx(returns[:-1].abs().mean())
    assert CONSENSUS not in {
        team for team, _ in house_forecasts({("red", "A"): scored["red", "A"]}, {"A": bars})
    }
