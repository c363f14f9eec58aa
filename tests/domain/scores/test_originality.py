"""What a forecast adds and whose it is like, against regressions and correlations of pandas and numpy."""

import numpy as np
import pandas as pd
import pytest

from my_dagster_project.domain.scores.originality import contribution, likeness, normal, originals

DAYS = pd.bdate_range("2012-12-03", periods=120)


def series(seed):
    return pd.Series(np.random.default_rng(seed).normal(0, 0.01, len(DAYS)), index=DAYS)


def test_a_contribution_is_the_covariance_with_the_rest_of_a_regression():
    came, others = series(0), series(1)
    own = 0.5 * came + others + series(2)
    x, y, target = normal(others), normal(own), normal(came)
    slope, _ = np.polyfit(x, y, 1)
    found = contribution({"A": own}, {"A": others}, {"A": came})
    assert found.value == pytest.approx(np.mean((y - slope * x) * target))
    assert found.low > 0


def test_who_says_what_all_say_adds_nothing_and_neither_do_scale_and_shift():
    came, others = series(0), series(1)
    same = contribution({"A": 3 * others + 1}, {"A": others}, {"A": came})
    assert (same.value, same.low, same.high) == pytest.approx((0, 0, 0), abs=1e-12)
    own = {"A": came + series(2)}
    one, other = (contribution({"A": k * own["A"] - k}, {"A": others}, {"A": came}) for k in (1, 50))
    assert one == other


def test_few_sessions_and_constants_have_no_contribution():
    few = DAYS[:19]
    assert np.isnan(contribution({"A": series(0)[few]}, {"A": series(1)}, {"A": series(2)}).value)
    constant = contribution({"A": series(0) * 0}, {"A": series(1)}, {"A": series(2)})
    assert (constant.value, constant.low) == (0, 0)


def test_likeness_is_spearman_s_correlation_and_a_copy_is_found():
    from scipy.stats import spearmanr

    red, blue = series(0), series(1)
    table = pd.DataFrame({"red": red, "blue": blue, "copy": 2 * red + 0.001})
    found = likeness({"A": table})
    assert found.loc["red", "blue"] == pytest.approx(spearmanr(red, blue).statistic)
    told = originals({"A": table}, {"A": series(2)})
    assert (told["copy"].like, told["red"].like) == ("red", "copy")
    assert told["copy"].likeness == pytest.approx(1)
    assert likeness({"A": table.iloc[:19]}).isna().all(axis=None)


def test_normal_is_by_ranks_alone():
    values = series(3)
    assert normal(values) == pytest.approx(normal(np.exp(50 * values)))
    assert normal(values).mean() == pytest.approx(0)
    assert normal([1.0, 1.0]).tolist() == [0, 0]
