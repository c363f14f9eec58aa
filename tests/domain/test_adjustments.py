"""What a source declares of splits and dividends, beside prices of every convention that sources have."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.adjustments import corporate_actions
from my_dagster_project.market_data.sample import SampleSource
from tests.support.draws import draws

SESSIONS = pd.bdate_range("2012-01-02", periods=40)
SPLIT, PAID = 20, (10, 30)
DAY = SESSIONS[SPLIT].date()
QUARTERLY = {SESSIONS[row].date(): Decimal("0.5") for row in PAID}


def world(ratio=4.0, cash=0.5, seed=1):
    """A symbol's raw closes, and by how much a share of each session is to be multiplied: of the split, of the dividends."""
    random = np.random.default_rng(seed)
    value = 400 * np.exp(np.cumsum(random.normal(0, 0.01, len(SESSIONS))))
    split, paid = np.ones(len(SESSIONS)), np.ones(len(SESSIONS))
    split[:SPLIT] = 1 / ratio
    closes = value * split[-1] / ratio
    closes[:SPLIT] *= ratio
    for row in PAID:
        paid[:row] *= 1 - cash / closes[row - 1]
        closes[row:] *= 1 - cash / closes[row - 1]
    return closes, split, paid


def frame(closes, adjusted, split=4.0, cash=0.5, **gone):
    bars = pd.DataFrame({"session": SESSIONS, "volume": 1e6, "adj_close": adjusted})
    for name in ("open", "high", "low", "close"):
        bars[name] = closes
    bars["split_ratio"], bars["dividend"] = 1.0, 0.0
    bars.loc[SPLIT, "split_ratio"] = split
    bars.loc[list(PAID), "dividend"] = cash
    return bars.drop(columns=[name for name in gone if gone[name] is None])


def test_raw_prices_have_both_exactly_as_alpha_vantage_writes_them():
    closes, split, paid = world()
    found = corporate_actions(frame(closes, (closes * split * paid).round(4)))
    assert found.splits == {DAY: Decimal(4)}
    assert found.dividends == QUARTERLY
    assert found.unexplained == {}


def test_closes_adjusted_for_splits_have_the_dividends_alone_as_yfinance_writes_them():
    closes, split, paid = world()
    bars = frame(closes * split, closes * split * paid)
    bars["dividend"] *= split
    found = corporate_actions(bars)
    assert (found.splits, found.unexplained) == ({}, {})
    assert list(found.dividends.values()) == [Decimal("0.125"), Decimal("0.5")]


def test_closes_adjusted_for_everything_have_neither_as_yfinance_writes_them_by_default():
    closes, split, paid = world()
    adjusted = closes * split * paid
    found = corporate_actions(frame(adjusted, adjusted))
    assert (found.splits, found.dividends, found.unexplained) == ({}, {}, {})


@draws(40)
@given(
    st.sampled_from([1.0460, 1.05, 1.1, 1.2, 1.25, 1.3333, 1.5, 2.376, 3.0, 7.0, 20.0, 0.5, 0.1429, 0.08]),
    st.integers(0, 99),
)
def test_any_declared_ratio_is_booked_exactly_and_no_other_dividend_appears(ratio, seed):
    closes, split, paid = world(ratio, 0.31, seed)
    found = corporate_actions(frame(closes, closes * split * paid, ratio, 0.31))
    [(day, booked)] = found.splits.items()
    assert day == DAY
    assert abs(float(booked) - ratio) < 5.1e-5
    assert set(found.dividends.values()) == {Decimal("0.31")}
    assert found.unexplained == {}


def test_a_ratio_of_four_decimals_is_the_fraction_it_stands_for():
    closes, split, paid = world(4 / 3)
    found = corporate_actions(frame(closes, closes * split * paid, 1.3333))
    assert found.splits[DAY] == Decimal(4) / 3


def test_what_a_file_declares_only_half_of_is_completed_from_the_adjusted_closes():
    closes, split, paid = world()
    adjusted = closes * split * paid
    for gone in ("split_ratio", "dividend"):
        found = corporate_actions(frame(closes, adjusted, **{gone: None}))
        assert found.splits == {DAY: Decimal(4)}
        assert {day: round(cash, 4) for day, cash in found.dividends.items()} == QUARTERLY


def test_a_dividend_below_the_rounding_of_adjusted_closes_is_paid_and_paid_once():
    """An adjusted close of 0.40 is rounded to a cent; 20 dividends of a thousandth of it each are no step that can be seen."""
    sessions = pd.bdate_range("1990-01-01", periods=60)
    closes, factors = np.full(60, 100.0), np.full(60, 0.004)
    for row in range(10, 50, 2):
        closes[row:] *= 0.999
        factors[:row] *= 0.999
    bars = pd.DataFrame({"session": sessions, "volume": 1e6, "adj_close": (closes * factors).round(2)})
    for name in ("open", "high", "low", "close"):
        bars[name] = closes
    bars["dividend"] = 0.0
    bars.loc[range(10, 50, 2), "dividend"] = closes[range(9, 49, 2)] * 0.001
    found = corporate_actions(bars)
    assert len(found.dividends) == 20
    assert sum(found.dividends.values()) == pytest.approx(Decimal(bars["dividend"].sum()))


def test_a_declared_split_that_adjusted_closes_lack_is_booked_where_the_prices_step():
    closes, _, paid = world()
    assert corporate_actions(frame(closes, closes * paid)).splits == {DAY: Decimal(4)}


def test_a_dividend_that_was_never_as_declared_is_booked_as_the_prices_have_it():
    """Fifty cents, written as 50."""
    closes, split, paid = world()
    found = corporate_actions(frame(closes, closes * split * paid, cash=50.0))
    assert {day: round(cash, 4) for day, cash in found.dividends.items()} == QUARTERLY


def test_nothing_declared_of_the_sample_is_as_without_the_columns():
    bars = SampleSource().fetch("AAPL", date(2000, 3, 1), date(2013, 3, 1))
    plain = corporate_actions(bars)
    assert corporate_actions(bars.assign(split_ratio=1.0, dividend=0.0)) == plain
    assert corporate_actions(bars.assign(split_ratio=np.nan)) == plain
