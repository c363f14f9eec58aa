"""Figures of forecasts against those of one symbol (`evaluation`), statsmodels and scikit-learn."""

from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest

from my_dagster_project.domain.evaluation import evaluate, score
from my_dagster_project.domain.ranking import pooled_mase
from my_dagster_project.domain.scores.blocks import drawn
from my_dagster_project.domain.scores.forecasts import diebold_mariano, forecast_scores, hac_t

N = 300


def scored(seed: int, skill: float = 0.0, price: float = 100.0) -> pd.DataFrame:
    """What came of forecasts that know a part of the next return."""
    draw = np.random.default_rng(seed)
    sessions = pd.bdate_range("2010-01-04", periods=N + 1)
    moves = draw.normal(0.0003, 0.01, N + 1)
    close = price * np.exp(np.cumsum(moves))
    bars = pd.DataFrame({"session": sessions, "close": close, "adj_close": close})
    told = skill * moves[1:] + draw.normal(0, 0.002, N)
    predictions = pd.DataFrame(
        {
            "session": sessions[:-1],
            "target_session": sessions[1:],
            "symbol": "A",
            "close": close[:-1],
            "predicted_return": told,
            "probability_up": np.nan,
        }
    )
    return score(predictions, bars)


def test_of_one_symbol_the_figures_are_the_tables():
    from sklearn.metrics import precision_score, recall_score

    frame = scored(1)
    told, known = forecast_scores({"A": frame}), evaluate(frame)
    assert told.mase.value == pytest.approx(known.mase)
    assert (told.direction.value, told.direction.low) == pytest.approx((known.direction, known.direction_low))
    assert told.ic.value == pytest.approx(known.ic)
    assert told.sessions == told.n == N
    rose, up = frame["actual_return"] > 0, frame["predicted_return"] > 0
    assert told.precision == pytest.approx(precision_score(rose, up))
    assert told.recall == pytest.approx(recall_score(rose, up))


def test_of_several_the_dearest_does_not_decide():
    frames = {"A": scored(1), "B": scored(2, skill=0.5, price=5000)}
    told = forecast_scores(frames)
    assert told.mase.value == pytest.approx(pooled_mase(evaluate(frame) for frame in frames.values()))
    together = pd.concat(frames.values())
    missed = together["predicted_return"] - together["actual_return"]
    assert told.rmse == pytest.approx(np.sqrt((missed**2).mean()))
    assert told.r2.value == pytest.approx(1 - (missed**2).sum() / (together["actual_return"] ** 2).sum())


def test_symbols_that_move_together_are_one_witness():
    """Four copies of one symbol have its intervals and its t values; Wilson's interval alone believes four of them."""
    frame = scored(7, skill=0.1)
    one, four = forecast_scores({"A": frame}), forecast_scores(dict.fromkeys("ABCD", frame))
    assert astuple(four.mase) == pytest.approx(astuple(one.mase))
    assert four.loss_t == pytest.approx(one.loss_t)
    assert astuple(four.direction_drawn) == pytest.approx(astuple(one.direction_drawn))
    assert four.direction.high < one.direction.high


def test_skill_is_seen_and_luck_is_not():
    skilled, lucky = forecast_scores({"A": scored(3, skill=0.5)}), forecast_scores({"A": scored(3)})
    assert skilled.mase.high < 1
    assert (skilled.loss_p < 0.001, skilled.timing_t > 5, skilled.ic_t > 5) == (True, True, True)
    assert lucky.mase.value > 1
    assert (lucky.loss_p > 0.05, abs(lucky.ic_t) < 3) == (True, True)


def test_the_loss_test_is_statsmodels_on_the_losses():
    from statsmodels.tsa.stattools import diebold_mariano_test

    frame = scored(5, skill=0.2)
    own, naive = frame["error"].abs(), frame["naive_error"].abs()
    nothing = np.zeros(N)
    known = diebold_mariano_test(nothing, naive, own, criterion=lambda _, loss: loss, harvey_adj=True)
    t, p = diebold_mariano(naive - own)
    assert t == pytest.approx(known.statistic)
    assert p == pytest.approx(known.pvalue / 2)


def test_a_t_value_allows_for_what_hangs_on_the_session_before():
    noise = np.random.default_rng(9).normal(0.05, 1, 1000)
    smooth = np.convolve(noise, np.ones(5) / 5, mode="valid")
    plain = smooth.mean() / smooth.std(ddof=1) * len(smooth) ** 0.5
    assert hac_t(noise) == pytest.approx(noise.mean() / noise.std(ddof=1) * 1000**0.5, rel=0.15)
    assert hac_t(smooth) < plain / 1.6


def test_few_sessions_have_figures_and_no_interval():
    few = forecast_scores({"A": scored(1).head(10)})
    assert few.mase.value > 0
    assert np.isnan([few.mase.low, few.ic_t, few.loss_p]).all()
    assert forecast_scores({}).n == 0
    assert np.isnan(forecast_scores({"A": scored(1).head(0)}).mase.value)


def test_sessions_that_one_symbol_lacks_count_where_they_are():
    frames = {"A": scored(1), "B": scored(2).tail(100)}
    told = forecast_scores(frames)
    assert (told.sessions, told.n) == (N, N + 100)
    assert told.mase.value == pytest.approx(pooled_mase(evaluate(frame) for frame in frames.values()))


@pytest.mark.parametrize(("sessions", "block"), [(21, 1.0), (60, 3.3)])
def test_sessions_are_drawn_as_arch_draws_them_one_by_one(sessions, block):
    from arch.bootstrap import StationaryBootstrap

    one_by_one = StationaryBootstrap(block, np.arange(sessions), seed=np.random.default_rng(0))
    expected = [draw[0] for draw, _ in one_by_one.bootstrap(20)]
    assert np.array_equal(drawn(sessions, block, 20), expected)
