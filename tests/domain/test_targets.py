from datetime import date

import numpy as np
import pandas as pd
import pytest

from my_dagster_project.domain.features import Feature, compute_features
from my_dagster_project.domain.targets import REACH, TARGETS, next_returns, training_rows
from my_dagster_project.foundation.errors import ModelError

CUTOFF = date(2008, 9, 12)


@pytest.fixture(scope="module")
def features(apple) -> pd.DataFrame:
    return compute_features(apple, [Feature("r", "log_return")])


def rows_of(features, bars, target="next_return", cutoff=CUTOFF) -> pd.DataFrame:
    return training_rows(
        features, bars, target, start=None, cutoff=cutoff, validation_fraction=0.15, symbol="AAPL"
    )


def test_the_target_is_the_next_sessions_adjusted_log_return(apple) -> None:
    targets = next_returns(apple)
    assert targets["next_return"].iloc[10] == pytest.approx(
        np.log(apple["adj_close"][11] / apple["adj_close"][10])
    )
    assert np.isnan(targets["next_return"].iloc[-1])


def test_no_row_knows_a_close_after_the_cut_off(features, apple) -> None:
    rows = rows_of(features, apple)
    assert rows["session"].max() < pd.Timestamp(CUTOFF)
    tampered = apple.copy()
    tampered.loc[tampered["session"] > pd.Timestamp(CUTOFF), ["close", "adj_close"]] *= 3
    pd.testing.assert_frame_equal(rows, rows_of(features, tampered))


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_looks_exactly_as_far_as_declared(features, apple, target) -> None:
    """Its last row is as many sessions before the cut-off as it looks ahead, and its value depends on no bar before its own."""
    rows, sessions = rows_of(features, apple, target), list(apple["session"])
    last = sessions.index(rows["session"].iloc[-1])
    assert last + REACH[target].future == sessions.index(pd.Timestamp(CUTOFF))
    from_its_own = next_returns(apple.iloc[last - REACH[target].past : last + REACH[target].future + 1])
    assert from_its_own["next_return"].iloc[0] == rows["next_return"].iloc[-1]


def test_training_ends_one_purged_row_before_validation_begins(features, apple) -> None:
    rows = rows_of(features, apple)
    last_training = rows[rows["split"] == 0]["session"].max()
    first_validation = rows[rows["split"] == 1]["session"].min()
    between = features[(features["session"] > last_training) & (features["session"] < first_validation)]
    assert len(between) == 1
    assert (rows["split"] == 1).mean() == pytest.approx(0.15, abs=0.01)


def test_direction_is_zero_or_one_and_leaves_out_unchanged_sessions(features, apple) -> None:
    flat = apple.copy()
    flat.loc[500, "adj_close"] = flat.loc[499, "adj_close"]
    rows = rows_of(features, flat, "next_direction")
    assert set(rows["next_direction"]) == {0, 1}
    assert ((rows["next_return"] > 0) == (rows["next_direction"] == 1)).all()
    assert flat["session"][499] not in set(rows["session"])


def test_too_few_rows_are_refused_in_words(features, apple) -> None:
    with pytest.raises(ModelError, match=r"AAPL: only \d+ training rows up to 2000-04-03"):
        rows_of(features, apple, cutoff=date(2000, 4, 3))
