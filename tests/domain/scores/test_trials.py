"""Many tries and the best of them, against `holdout`."""

import math

import numpy as np
import pandas as pd
import pytest

from my_dagster_project.domain.scores.money_scores import per_session_sharpe
from my_dagster_project.domain.scores.trials import (
    deflated_sharpe,
    effective_trials,
    expected_maximum,
    overfitting,
    probabilistic_sharpe,
    tries_of,
)


@pytest.fixture
def tries():
    return np.random.default_rng(5).normal(0.0, 0.01, (320, 8)) + np.linspace(0, 0.001, 8)


def test_a_deflated_ratio_is_holdouts_by_as_many_tries(tries):
    import holdout

    ratios = tries.mean(axis=0) / tries.std(axis=0, ddof=1)
    best = tries[:, ratios.argmax()]
    shape = {"skewness": holdout.skewness(best), "kurtosis": holdout.kurtosis(best)}
    known = holdout.probabilistic_sharpe_ratio(float(ratios.max()), 320, benchmark=0.05, **shape)
    assert probabilistic_sharpe(best, 0.05) == pytest.approx(known, abs=2e-3)
    assert expected_maximum(8) == pytest.approx(holdout.expected_maximum_sharpe(8, 1.0))
    told = deflated_sharpe(tries)
    assert (told.best, told.trials) == (int(ratios.argmax()), 8)
    assert told.expected == pytest.approx(ratios.std(ddof=1) * expected_maximum(told.effective))
    assert told.probability == pytest.approx(probabilistic_sharpe(best, told.expected))


def test_the_same_try_again_counts_for_nothing(tries):
    assert effective_trials(tries) == pytest.approx(8, abs=0.5)
    assert effective_trials(np.repeat(tries[:, :2], 10, axis=1)) == pytest.approx(2, abs=0.05)
    assert effective_trials(tries[:, :1]) == 1
    assert effective_trials(np.c_[tries[:, :1], np.zeros(320)]) == 1


def test_overfitting_is_holdouts(tries):
    import holdout

    for blocks in (4, 16):
        assert (
            overfitting(tries, blocks)
            == holdout.probability_of_backtest_overfitting(tries, n_blocks=blocks).pbo
        )
    uneven = tries[:317]
    assert overfitting(uneven, 6) == holdout.probability_of_backtest_overfitting(uneven, n_blocks=6).pbo


def test_luck_is_found_out_and_skill_stands():
    histories = [np.random.default_rng(seed).normal(0, 0.01, (500, 20)) for seed in range(8)]
    assert np.mean([overfitting(one, 8) for one in histories]) == pytest.approx(0.5, abs=0.15)
    assert max(deflated_sharpe(one).probability for one in histories) < 0.95
    drawn = histories[0]
    drawn[:, 7] += 0.003
    assert overfitting(drawn) < 0.01
    assert deflated_sharpe(drawn).probability > 0.99


def test_what_cannot_be_said_is_not_said(tries):
    assert np.isnan(overfitting(tries[:, :1]))
    assert np.isnan(overfitting(tries[:20]))
    with pytest.raises(ValueError, match="no try moved"):
        deflated_sharpe(np.zeros((50, 2)))


def test_a_record_is_judged_among_the_tries_on_its_own_sessions():
    """Twenty tries of noise make the best of them look good; judged among them it is no proof, alone it would be."""
    dice = np.random.default_rng(4)
    days = [str(day.date()) for day in pd.bdate_range("2012-12-03", periods=60)]
    tried = [dict(zip(days, dice.normal(0, 0.01, 60), strict=True)) for _ in range(20)]
    best = max(tried, key=lambda one: per_session_sharpe([*one.values()]))
    alone, among = tries_of(best, []), tries_of(best, tried)
    assert (alone.trials, among.trials) == (1, 20)
    assert alone.deflated == pytest.approx(probabilistic_sharpe([*best.values()]))
    assert among.deflated < 0.9 < alone.deflated
    assert 10 < among.effective <= 20
    assert 0 < among.overfit < 1
    longer = {**tried[0], "2013-12-31": 0.0}
    assert tries_of(best, [longer, {days[0]: 0.1}]).trials == 2, (
        "a longer span covers these sessions, a shorter does not"
    )
    assert tries_of(dict(zip(days[:19], range(19), strict=True)), tried).trials == 0
    assert math.isnan(tries_of(dict.fromkeys(days, 0.0), tried).deflated)
