import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.features import Feature, compute_features
from my_dagster_project.domain.indicators import FEATURE_KINDS
from my_dagster_project.domain.lookahead import check_features
from my_dagster_project.foundation.errors import ModelError
from tests.support.draws import draws

EVERY_KIND = [
    Feature(f"{name.lower()}_{output}", name, output=output if len(kind.outputs) > 1 else None)
    for name, kind in FEATURE_KINDS.items()
    for output in kind.outputs
]


def bars_of(closes: list[float]) -> pd.DataFrame:
    close = np.asarray(closes)
    return pd.DataFrame(
        {
            "session": pd.bdate_range("2001-01-01", periods=len(close)),
            "open": close * 0.99,
            "high": close * 1.02,
            "low": close * 0.97,
            "close": close,
            "volume": 1000.0 + np.arange(len(close)) % 7,
            "adj_close": close,
        }
    )


@pytest.mark.parametrize("feature", EVERY_KIND, ids=lambda feature: feature.name)
def test_every_kind_is_settled_after_its_warm_up_and_blind_to_the_future(apple, feature) -> None:
    assert check_features(compute_features(apple, [feature]), apple, [feature]) == []


@pytest.mark.parametrize("feature", EVERY_KIND, ids=lambda feature: feature.name)
def test_every_kind_gives_a_number_for_every_session_after_the_warm_up(apple, feature) -> None:
    column = compute_features(apple, [feature])[feature.name]
    assert len(column) == len(apple) - feature.warmup
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


@draws(25)
@given(st.lists(st.floats(1, 1000), min_size=60, max_size=90), st.floats(0.01, 100))
def test_features_do_not_depend_on_the_currency(closes, scale) -> None:
    wanted = [Feature("r", "log_return", {"sessions": 5}), Feature("sma", "SMA", {"timeperiod": 10})]
    one, other = (
        compute_features(bars_of(closes), wanted),
        compute_features(bars_of([c * scale for c in closes]), wanted),
    )
    assert np.allclose(one[["r", "sma"]], other[["r", "sma"]], atol=1e-6, rtol=1e-5)
