from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from my_dagster_project.domain.features import Feature, _adjusted, _column, compute_features
from my_dagster_project.domain.indicators import FEATURE_KINDS
from my_dagster_project.domain.lookahead import check_features
from my_dagster_project.domain.reach import Reach, lagged
from my_dagster_project.foundation.errors import ModelError
from tests.support.draws import draws

EVERY_KIND = [
    Feature(f"{name.lower()}_{output}", name, output=output if len(kind.outputs) > 1 else None)
    for name, kind in FEATURE_KINDS.items()
    for output in kind.outputs
]


@pytest.mark.parametrize("feature", EVERY_KIND, ids=lambda feature: feature.name)
def test_every_kind_is_settled_after_its_warm_up_and_blind_to_the_future(apple, feature) -> None:
    assert check_features(compute_features(apple, [feature]), apple, [feature]) == []


@pytest.mark.parametrize("feature", EVERY_KIND, ids=lambda feature: feature.name)
def test_every_kind_gives_a_number_for_every_session_after_the_warm_up(apple, feature) -> None:
    column = compute_features(apple, [feature])[feature.name]
    assert len(column) == len(apple) - feature.reach.past
    assert column.notna().all()


def test_a_split_is_not_a_crash(apple) -> None:
    table = compute_features(
        apple, [Feature("r", "log_return", {"sessions": 1}), Feature("gap", "overnight_gap")]
    )
    split = table[table["session"] == "2005-02-28"]  # 2 for 1: the raw close halves
    assert abs(split["r"].item()) < 0.05
    assert abs(split["gap"].item()) < 0.05


def test_price_levels_become_ratios_that_compare_over_years(apple) -> None:
    table = compute_features(apple, [Feature("sma", "SMA", {"timeperiod": 10}), Feature("atr", "ATR")])
    assert table["sma"].abs().max() < 1
    assert table["atr"].between(0, 1).all()


def test_a_lag_delays_by_sessions_without_changing_the_value(apple) -> None:
    table = compute_features(apple, [Feature("r", "log_return"), Feature("late", "log_return", lag=2)])
    assert np.allclose(table["late"].iloc[2:], table["r"].iloc[:-2])


def test_a_feature_that_sees_tomorrow_is_caught(apple, monkeypatch) -> None:
    from my_dagster_project.domain import features

    monkeypatch.setitem(
        features._OWN_KINDS,
        "intraday_return",
        lambda series: pd.Series(series["close"]).shift(-1).ffill() / series["close"],
    )
    leak = [Feature("leak", "intraday_return")]
    found = check_features(compute_features(apple, leak), apple, leak)
    assert {mismatch.why for mismatch in found} >= {"with nothing after it"}


def test_a_history_shorter_than_the_warm_up_says_what_to_do(apple) -> None:
    with pytest.raises(ModelError, match="AAPL: 20 sessions of bars, but the features need more than"):
        compute_features(apple.head(20), [Feature("rsi", "RSI")], "AAPL")


# Averages that remember all their past: their declared reach is where what they remember no longer counts.
RECURSIVE = {"EMA", "DEMA", "TEMA", "MACD", "RSI", "CMO", "ATR", "NATR", "ADX"}


@pytest.mark.parametrize("feature", EVERY_KIND, ids=lambda feature: feature.name)
@draws(4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.data(), lag=st.integers(0, 3))
def test_the_declared_reach_is_all_that_a_value_depends_on(apple, feature, drawn, lag) -> None:
    """The bars from t - past to t give the value of t, whatever came before and after."""
    kind = feature.definition
    periods = {
        name: drawn.draw(st.integers(int(known.minimum), 30), name)
        for name, known in kind.parameters.items()
        if known.type is int
    }
    wanted = replace(feature, parameters=periods, lag=lag)
    past = wanted.reach.past
    at = drawn.draw(st.integers(past + 1, len(apple) - 1), "session")
    full = compute_features(apple, [wanted])[feature.name]
    alone = compute_features(apple.iloc[at - past : at + 1].reset_index(drop=True), [wanted])[feature.name]
    if kind.category:
        assert list(alone) == [full[at - past]]
    else:
        assert alone.to_numpy() == pytest.approx([full[at - past]], abs=1e-5 * full.std(), nan_ok=True)


@pytest.mark.parametrize("feature", EVERY_KIND, ids=lambda feature: feature.name)
def test_no_reach_is_longer_than_what_gives_a_first_value(apple, feature) -> None:
    """A reach of all history would be true as well, and cost a team its first years."""
    missing = int(_column(feature, _adjusted(apple)).isna().sum())
    past = feature.reach.past
    assert missing < past <= 60 * missing if feature.kind in RECURSIVE else past == missing


def test_reaches_add_up_and_a_delay_moves_both_ends() -> None:
    assert Feature("r", "log_return", {"sessions": 5}, lag=2).reach == Reach(7, -2)
    assert Reach(5, 0) + lagged(2) + Reach(20, 3) == Reach(27, 1)
    assert Reach(3, 0).look_ahead is None
    assert Reach(3, 2).look_ahead == "looks 2 sessions into the future"


def test_what_looks_into_the_future_is_not_computed(apple) -> None:
    with pytest.raises(ModelError, match="AAPL: feature r looks 1 session into the future"):
        compute_features(apple, [Feature("r", "log_return", lag=-1)], "AAPL")


@pytest.mark.parametrize("feature", EVERY_KIND, ids=lambda feature: feature.name)
@draws(2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scale=st.floats(0.01, 100), adjusted=st.booleans())
def test_no_kind_depends_on_the_level_of_prices(apple, feature, scale, adjusted) -> None:
    """Adjusted prices carry later splits and dividends backwards, so that a level would know the future, and no shortened
    history shows it."""
    prices = ["adj_close"] if adjusted else ["open", "high", "low", "close", "adj_close"]
    other = compute_features(apple.assign(**{name: apple[name] * scale for name in prices}), [feature])
    one = compute_features(apple, [feature])
    pd.testing.assert_frame_equal(one, other, rtol=1e-7, atol=1e-9)
