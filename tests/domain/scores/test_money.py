"""Figures of money against `empyrical` and `holdout`, who write these formulas by themselves."""

import numpy as np
import pytest

from my_dagster_project.domain.scores.money_scores import money_scores, sharpe_error


@pytest.fixture
def returns():
    return np.random.default_rng(3).standard_t(4, 300) * 0.01 + 0.0004


def test_figures_are_empyricals(returns):
    import empyrical

    scores = money_scores(returns, held=returns / 2)
    assert scores.total_return.value == pytest.approx(empyrical.cum_returns_final(returns))
    assert scores.volatility.value == pytest.approx(empyrical.annual_volatility(returns))
    assert scores.sharpe.value == pytest.approx(empyrical.sharpe_ratio(returns))
    assert scores.sortino.value == pytest.approx(empyrical.sortino_ratio(returns))
    assert scores.max_drawdown.value == pytest.approx(empyrical.max_drawdown(returns))
    held = empyrical.cum_returns_final(returns / 2)
    assert scores.excess.value == pytest.approx(scores.total_return.value - held)


def test_the_error_of_a_sharpe_ratio_is_mertens(returns):
    import holdout

    told = holdout.SharpeRatio(
        float(returns.mean() / returns.std(ddof=1)),
        len(returns),
        holdout.skewness(returns),
        holdout.kurtosis(returns),
        252,
    )
    assert sharpe_error(returns) == pytest.approx(told.annualised_standard_error(), rel=0.01)


def test_what_was_traded_paid_and_at_risk_is_a_years(returns):
    scores = money_scores(returns, traded=[0.1] * 300, costs=[0.0001] * 300, exposure=[0.5] * 300)
    figures = (scores.turnover.value, scores.costs.value, scores.exposure.value)
    assert figures == pytest.approx((25.2, 0.0252, 0.5))
    assert np.isnan(scores.excess.value)
    assert np.isnan(scores.excess.low)


def test_intervals_hold_the_truth_as_often_as_they_say():
    """The true Sharpe ratio of 16 histories of 250 independent sessions, each in its 95 % interval."""
    inside = 0
    for seed in range(16):
        drawn = np.random.default_rng(seed).normal(0.0005, 0.01, 250)
        sharpe = money_scores(drawn).sharpe
        inside += sharpe.low <= 0.05 * 252**0.5 <= sharpe.high
    assert inside >= 13


def test_without_sessions_nothing_is_claimed():
    assert np.isnan(money_scores([0.01]).sharpe.value)
    few = money_scores([0.01, -0.02, 0.03]).total_return
    assert few.value == pytest.approx(1.01 * 0.98 * 1.03 - 1)
    assert np.isnan(few.low)
    flat = money_scores([0.0] * 30)
    assert np.isnan(flat.sharpe.value)
    assert flat.max_drawdown.value == 0
