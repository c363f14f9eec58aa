"""Tiers against arch's own confidence sets; who they are called and where they stand makes no difference."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from my_dagster_project.domain.scores.blocks import Figure
from my_dagster_project.domain.scores.tiers import forecast_tiers, money_tiers


def losses(means, sessions=60, seed=0):
    dice = np.random.default_rng(seed)
    common = dice.normal(0, 0.2, sessions)
    return pd.DataFrame(
        {f"t{n}": mean + common + dice.normal(0, 0.3, sessions) for n, mean in enumerate(means)}
    )


def test_the_first_tier_is_arch_s_confidence_set_and_the_second_that_of_the_rest():
    from arch.bootstrap import MCS

    table = losses([0, 0.02, 0.3, 0.31, 1.0], sessions=250)
    tiers = forecast_tiers(table)
    assert tiers == {"t0": 1, "t1": 1, "t2": 2, "t3": 2, "t4": 3}
    for tier in (1, 2):
        left = [team for team, one in tiers.items() if one >= tier]
        told = MCS(table[left].to_numpy(), 0.05, reps=2000, block_size=4, bootstrap="circular", seed=7)
        told.compute()
        assert [left[place] for place in told.included] == [team for team in left if tiers[team] == tier]


def test_teams_that_cannot_be_told_apart_tie_nearly_always():
    tied = [len(set(forecast_tiers(losses([0] * 4, seed=seed)).values())) == 1 for seed in range(12)]
    assert sum(tied) >= 10


@settings(max_examples=6)
@given(st.permutations(range(5)), st.integers(0, 3), st.sampled_from([19, 60]))
def test_permuting_teams_permutes_tiers_and_equal_teams_tie(order, seed, sessions):
    table = losses([0, 0.1, 0.2, 0.5, 0.5], sessions, seed)
    table["t4"] = table["t3"]
    told = forecast_tiers(table)
    assert forecast_tiers(table.iloc[:, list(order)]) == told
    renamed = table.rename(columns=lambda name: f"x{name}")
    assert forecast_tiers(renamed) == {f"x{team}": tier for team, tier in told.items()}
    assert told.get("t3") == told.get("t4")
    assert bool(told) == (sessions == 60)


def test_one_alone_and_only_equal_ones_are_the_first_tier():
    one = losses([0.5])
    assert forecast_tiers(one) == {"t0": 1}
    assert forecast_tiers(one.assign(same=one["t0"])) == {"t0": 1, "same": 1}


@pytest.mark.parametrize(
    ("excess", "expected"),
    [
        ({"a": (0.1, 0.2), "b": (-0.1, 0.3), "c": (-0.3, -0.1)}, {"a": 1, "b": 2, "c": 3}),
        ({"b": (-0.1, 0.3), "c": (-0.3, -0.1)}, {"b": 1, "c": 2}),
        ({"b": (-0.1, 0.3), "held": (0.0, 0.0)}, {"b": 1, "held": 1}),
        ({"few": (np.nan, np.nan)}, {}),
    ],
)
def test_money_is_above_holding_perhaps_luck_or_below_it(excess, expected):
    assert money_tiers({team: Figure(0.0, *one) for team, one in excess.items()}) == expected
