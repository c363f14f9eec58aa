import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.evaluation import (
    SCORED_COLUMNS,
    Metrics,
    evaluate,
    rank_correlation,
    score,
    wilson_interval,
)
from my_dagster_project.foundation.errors import ModelError

RETURNS = st.lists(st.floats(-0.2, 0.2).filter(lambda x: abs(x) > 1e-4), min_size=2, max_size=80)


def bars_of(returns, first_close=100.0):
    """Bars whose adjusted log returns are exactly `returns`."""
    close = first_close * np.exp(np.concatenate([[0.0], np.cumsum(returns)]))
    sessions = pd.bdate_range("2012-01-02", periods=len(close))
    return pd.DataFrame({"session": sessions, "open": close, "close": close, "adj_close": close})


def predictions_of(bars, predicted, probability=math.nan):
    return pd.DataFrame(
        {
            "session": bars["session"][:-1].to_numpy(),
            "target_session": bars["session"][1:].to_numpy(),
            "symbol": "AAPL",
            "close": bars["close"][:-1].to_numpy(),
            "predicted_return": predicted,
            "probability_up": probability,
        }
    )


def scored_of(returns, predicted, probability=math.nan, first_close=100.0):
    bars = bars_of(returns, first_close)
    return score(predictions_of(bars, predicted, probability), bars)


def test_a_scored_row_is_right_to_the_cent():
    row = scored_of([math.log(1.1)], [math.log(1.2)]).iloc[0]
    assert list(row.index) == list(SCORED_COLUMNS)
    assert row["actual_close"] == pytest.approx(110)
    assert row["predicted_close"] == pytest.approx(120)
    assert row["error"] == pytest.approx(10)
    assert row["naive_error"] == pytest.approx(-10)
    assert row["hit"] == 1.0


def test_a_split_is_no_error():
    bars = bars_of([0.0, 0.0, 0.01])
    bars.loc[2:, "close"] /= 2
    scored = score(predictions_of(bars, [0.0, 0.0, 0.01]), bars)
    assert scored["error"].abs().max() == pytest.approx(0, abs=1e-9)
    assert scored["actual_close"].iloc[1] == pytest.approx(100)


def test_the_last_session_waits_for_its_target():
    bars = bars_of([0.01, 0.02, 0.03])
    scored = score(predictions_of(bars, 0.0), bars[:-1])
    assert len(scored) == 2
    assert scored["target_session"].max() == bars["session"].iloc[-2]


def test_rows_come_back_in_session_order_and_leave_the_input_alone():
    bars = bars_of([0.01, -0.02, 0.03])
    shuffled = predictions_of(bars, 0.001).iloc[[2, 0, 1]]
    before = shuffled.copy()
    assert score(shuffled, bars)["session"].is_monotonic_increasing
    pd.testing.assert_frame_equal(shuffled, before)


def test_two_symbols_in_one_frame_are_refused():
    bars = bars_of([0.01, 0.02])
    predictions = predictions_of(bars, 0.0)
    predictions.loc[1, "symbol"] = "IBM"
    with pytest.raises(ModelError, match="AAPL, IBM"):
        score(predictions, bars)


def test_no_call_and_a_flat_session_are_no_hit_and_no_miss():
    hits = scored_of([0.01, 0.0, 0.01, -0.01], [0.0, 0.01, 0.01, 0.01])["hit"]
    assert hits.isna().tolist() == [True, True, False, False]
    assert hits.tolist()[2:] == [1.0, 0.0]


def test_a_model_that_gives_only_probabilities_is_scored_on_direction():
    metrics = evaluate(scored_of([0.01, -0.01, 0.01], math.nan, [0.6, 0.6, 0.5]))
    assert (metrics.direction, metrics.direction_n) == (0.5, 2)
    assert math.isnan(metrics.mae)
    assert math.isnan(metrics.mase)


@given(RETURNS)
def test_predicting_no_change_is_exactly_the_naive_forecast(returns):
    metrics = evaluate(scored_of(returns, 0.0))
    assert metrics.mase == 1.0
    assert math.isnan(metrics.direction)
    assert math.isnan(metrics.ic)


@given(RETURNS)
def test_a_perfect_forecast_has_no_error(returns):
    metrics = evaluate(scored_of(returns, returns))
    assert metrics.mase == pytest.approx(0, abs=1e-6)
    assert metrics.direction == 1.0


@given(RETURNS, st.floats(0.01, 1000), st.integers(0, 2**32 - 1))
def test_ratios_do_not_depend_on_the_price_level(returns, scale, seed):
    predicted = np.random.default_rng(seed).normal(0, 0.01, len(returns))
    small = evaluate(scored_of(returns, predicted))
    large = evaluate(scored_of(returns, predicted, first_close=100.0 * scale))
    assert large.mase == pytest.approx(small.mase, rel=1e-6)
    assert large.mae == pytest.approx(small.mae * scale, rel=1e-6)
    assert large.direction == small.direction


@given(RETURNS, st.integers(0, 2**32 - 1))
def test_the_error_figures_keep_their_order(returns, seed):
    metrics = evaluate(scored_of(returns, np.random.default_rng(seed).normal(0, 0.01, len(returns))))
    assert abs(metrics.bias) <= metrics.mae * (1 + 1e-9)
    assert metrics.mae <= metrics.rmse * (1 + 1e-9)
    assert metrics.direction_low <= metrics.direction <= metrics.direction_high


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_wilson_interval_is_scipys(pair):
    from scipy import stats

    hits, n = pair
    expected = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson_interval(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=3, max_size=50))
def test_the_rank_correlation_is_scipys(pairs):
    from scipy import stats

    left, right = zip(*pairs, strict=True)
    ours = rank_correlation(left, right)
    if len(set(left)) == 1 or len(set(right)) == 1:
        assert math.isnan(ours)
    else:
        assert ours == pytest.approx(stats.spearmanr(left, right).statistic, abs=1e-12)


@given(st.lists(st.tuples(st.floats(1e-6, 1 - 1e-6), st.booleans()), min_size=1, max_size=50))
def test_probability_figures_are_sklearns(rows):
    from sklearn.metrics import brier_score_loss, log_loss

    probability = [p for p, _ in rows]
    up = [u for _, u in rows]
    metrics = evaluate(scored_of([0.01 if u else -0.01 for u in up], math.nan, probability))
    assert metrics.log_loss == pytest.approx(log_loss(up, probability, labels=[False, True]), rel=1e-6)
    assert metrics.brier == pytest.approx(brier_score_loss(up, probability, labels=[False, True]), abs=1e-12)


def test_no_rows_give_no_figures():
    empty = scored_of([0.01], [0.01]).iloc[:0]
    assert evaluate(empty) == Metrics()


def test_one_row_gives_the_figures_that_need_no_spread():
    metrics = evaluate(scored_of([0.01], [0.02]))
    assert metrics.n == 1
    assert metrics.mae > 0
    assert math.isnan(metrics.ic)


def test_a_price_that_never_moved_has_no_mase():
    metrics = evaluate(scored_of([0.0, 0.0], [0.01, 0.01]))
    assert metrics.mae > 0
    assert math.isnan(metrics.mase)
    assert math.isnan(metrics.up_share)


def test_the_drift_forecast_is_the_mean_of_all_returns_so_far():
    scored = scored_of([0.01, 0.03, -0.02], 0.0)
    expected = [
        math.exp(drift) * close for drift, close in zip([0, 0.01, 0.02], scored["close"], strict=True)
    ]
    assert (scored["drift_error"] + scored["actual_close"]).tolist() == pytest.approx(expected)
    rising = evaluate(scored_of([0.0, *[0.01] * 20], 0.0))
    assert rising.drift_mase < 0.2


def test_sessions_are_dates_of_the_bars():
    assert scored_of([0.01], [0.01])["session"].iloc[0].date() == date(2012, 1, 2)
