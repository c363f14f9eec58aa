"""Scores of probabilities against scikit-learn's."""

import numpy as np
import pandas as pd
import pytest

from my_dagster_project.domain.scores.probabilities import probability_scores


def scored(said, moves):
    return pd.DataFrame({"probability_up": said, "actual_return": moves})


def test_scores_are_scikit_learns():
    from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

    draw = np.random.default_rng(2)
    said = np.round(draw.uniform(0.3, 0.7, 400), 2)  # with ties
    moves = np.where(draw.random(400) < said, 0.01, -0.01)
    told, rose = probability_scores(scored(said, moves)), moves > 0
    assert told.brier == pytest.approx(brier_score_loss(rose, said))
    assert told.log_loss == pytest.approx(log_loss(rose, said))
    assert told.auc == pytest.approx(roc_auc_score(rose, said))
    assert told.constant_brier == pytest.approx(brier_score_loss(rose, np.full(400, rose.mean())))


def test_who_is_calibrated_has_slope_one_and_who_boasts_less():
    draw = np.random.default_rng(4)
    true = draw.uniform(0.4, 0.6, 20_000)
    moves = np.where(draw.random(20_000) < true, 0.01, -0.01)
    honest = probability_scores(scored(true, moves))
    boaster = probability_scores(scored(0.5 + 4 * (true - 0.5), moves))
    assert honest.slope == pytest.approx(1, abs=0.15)
    assert boaster.slope == pytest.approx(0.25, abs=0.05)
    assert honest.apart < 0.02 < boaster.apart
    assert boaster.skill < 0 < honest.skill
    assert [one.n for one in honest.bins] == [2000] * 10
    assert all(one.rose.low < one.rose.value < one.rose.high for one in honest.bins)


def test_a_constant_has_no_skill_and_nothing_has_no_score():
    told = probability_scores(scored([0.5] * 4, [0.01, -0.01, 0.02, -0.02]))
    assert (told.brier, told.skill, told.auc) == (0.25, 0, 0.5)
    assert np.isnan(told.slope)
    assert np.isnan(probability_scores(scored([0.6], [0.01])).auc)
    assert probability_scores(scored([np.nan], [0.01])).n == 0
