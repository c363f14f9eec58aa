"""Permutation importance: what a model ignores is worth nothing, what it copies is worth everything."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.importance import permutation_importance


def table(seed: int, rows: int) -> pd.DataFrame:
    drawn = np.random.default_rng(seed).normal(size=(rows, 3))
    return pd.DataFrame(drawn, columns=["copied", "ignored", "also_ignored"])


@given(st.integers(0, 2**32 - 1), st.integers(20, 60))
def test_an_ignored_input_has_none_and_the_copied_one_has_all(seed, rows):
    inputs = table(seed, rows)
    actual = inputs["copied"].to_numpy() + 0.5
    found = permutation_importance(lambda t: t["copied"].to_numpy(), inputs, actual, seed)
    assert found[0].input == "copied"
    assert found[0].increase > 0
    assert found[0].share == pytest.approx(found[0].increase / 0.5)
    assert [one.increase for one in found[1:]] == [0, 0]


@given(st.integers(0, 2**32 - 1))
def test_the_same_seed_gives_the_same_figures(seed):
    inputs = table(1, 30)
    actual = inputs["copied"].to_numpy() + 1
    asked = [
        permutation_importance(lambda t: t.sum(axis=1).to_numpy(), inputs, actual, seed) for _ in range(2)
    ]
    assert asked[0] == asked[1]


def test_without_rows_there_is_none():
    assert permutation_importance(lambda t: np.zeros(len(t)), table(1, 0), np.zeros(0), 1) == []
