import math
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.performance import (
    Performance,
    buy_and_hold,
    buying_costs,
    performance,
    return_interval,
)
from my_dagster_project.foundation.errors import MarketDataError

EQUITY = st.lists(st.floats(1, 1e6), min_size=3, max_size=60)
MONDAY = date(2012, 1, 2)


def curve_of(values):
    return [(MONDAY + timedelta(days=i), value) for i, value in enumerate(values)]


def bars_of(open_, close, adj_close=None, first="2012-01-02"):
    frame = pd.DataFrame(
        {"session": pd.bdate_range(first, periods=len(close)), "open": open_, "close": close}
    )
    return frame.assign(adj_close=close if adj_close is None else adj_close)


def test_figures_of_a_small_curve_by_hand():
    figures = performance(curve_of([110.0, 99.0]), starting_cash=100.0)
    assert figures.total_return == pytest.approx(-0.01)
    assert figures.max_drawdown == pytest.approx(-0.1)
    assert figures.volatility == pytest.approx(np.std([0.1, -0.1], ddof=1) * math.sqrt(252))
    assert figures.sharpe == pytest.approx(0.0, abs=1e-9)


def test_a_flat_curve_has_no_sharpe():
    figures = performance(curve_of([100.0] * 5))
    assert (figures.total_return, figures.volatility, figures.max_drawdown) == (0.0, 0.0, 0.0)
    assert math.isnan(figures.sharpe)


@pytest.mark.parametrize("values", [[], [100.0]])
def test_a_curve_without_a_step_has_no_figures(values):
    assert performance(curve_of(values)) == Performance()


@given(EQUITY)
def test_figures_agree_with_numpy(values):
    figures = performance(curve_of(values))
    returns = np.diff(values) / np.array(values[:-1])
    assert figures.volatility == pytest.approx(returns.std(ddof=1) * math.sqrt(252), rel=1e-6, abs=1e-9)
    assert figures.max_drawdown == pytest.approx(
        (values / np.maximum.accumulate(values) - 1).min(), abs=1e-12
    )


@given(EQUITY, st.floats(0.01, 100))
def test_figures_do_not_depend_on_the_money_at_stake(values, scale):
    one, many = performance(curve_of(values)), performance(curve_of([value * scale for value in values]))
    assert many.total_return == pytest.approx(one.total_return, rel=1e-6, abs=1e-9)
    assert many.max_drawdown == pytest.approx(one.max_drawdown, rel=1e-6, abs=1e-9)


def test_the_interval_holds_what_was_earned_and_is_the_same_every_time():
    rng = np.random.default_rng(3)
    curve = curve_of(100 * np.cumprod(1 + rng.normal(0.001, 0.01, 60)))
    low, high = return_interval(curve, starting_cash=100.0)
    assert low < performance(curve, starting_cash=100.0).total_return < high
    assert (low, high) == return_interval(curve, starting_cash=100.0)
    # 60 sessions of 1 % a day: sqrt(60) x 1 % = 7.7 %, twice that on either side.
    assert high - low == pytest.approx(4 * 0.01 * math.sqrt(60), rel=0.25)


def test_the_interval_holds_the_true_return_nineteen_times_in_twenty():
    rng, drift, inside = np.random.default_rng(4), 0.0005, 0
    for _ in range(200):
        curve = curve_of(np.cumprod(1 + rng.normal(drift, 0.01, 120)))
        low, high = return_interval(curve, starting_cash=1.0)
        inside += low <= (1 + drift) ** 120 - 1 <= high
    assert 175 <= inside <= 198


def test_sessions_that_hang_together_make_it_wider():
    rng = np.random.default_rng(5)
    noise, moves = rng.normal(0, 0.01, 250), [0.0]
    for one in noise:
        moves.append(0.6 * moves[-1] + one)
    trending, shuffled = np.array(moves), rng.permutation(moves)
    wide, narrow = (return_interval(curve_of(np.cumprod(1 + one)), 1.0) for one in (trending, shuffled))
    assert wide[1] - wide[0] > 1.3 * (narrow[1] - narrow[0])


@pytest.mark.parametrize("sessions", [0, 1, 19])
def test_of_a_few_sessions_there_is_no_interval(sessions):
    assert all(map(math.isnan, return_interval(curve_of([100.0] * sessions), 100.0)))


def test_an_account_that_did_nothing_has_an_interval_of_nothing():
    assert return_interval(curve_of([100.0] * 60), 100.0) == (0.0, 0.0)


def test_buying_at_the_open_pays_the_cost_once():
    curve = buy_and_hold({"A": bars_of([100.0, 120.0], [110.0, 132.0])}, MONDAY, date(2012, 1, 3), 1001.0, 10)
    assert curve == [(MONDAY, pytest.approx(1100.0)), (date(2012, 1, 3), pytest.approx(1320.0))]


def test_a_split_and_a_dividend_lose_nothing():
    split = bars_of([100.0, 50.0], [100.0, 50.0], adj_close=[50.0, 50.0])
    assert [value for _, value in buy_and_hold({"A": split}, MONDAY, date(2012, 1, 3), 1000.0)] == [
        1000.0,
        1000.0,
    ]


def test_symbols_get_equal_shares_and_a_late_one_waits_as_cash():
    bars = {
        "A": bars_of([10.0] * 3, [10.0, 20.0, 20.0]),
        "B": bars_of([5.0, 5.0], [5.0, 10.0], first="2012-01-03"),
    }
    assert [value for _, value in buy_and_hold(bars, MONDAY, date(2012, 1, 4), 1000.0)] == [
        1000.0,
        1500.0,
        2000.0,
    ]


def test_a_missing_bar_keeps_the_last_value():
    bars = {
        "A": bars_of([10.0] * 3, [10.0, 11.0, 12.0]),
        "B": bars_of([5.0] * 3, [5.0, 5.0, 10.0]).drop(index=1),
    }
    assert [value for _, value in buy_and_hold(bars, MONDAY, date(2012, 1, 4), 100.0)] == [
        100.0,
        105.0,
        160.0,
    ]


def test_bars_outside_the_range_do_not_count():
    bars = {"A": bars_of([1.0, 10.0, 10.0], [2.0, 10.0, 99.0])}
    assert buy_and_hold(bars, date(2012, 1, 3), date(2012, 1, 3), 100.0) == [(date(2012, 1, 3), 100.0)]


def test_a_symbol_without_bars_is_named():
    with pytest.raises(MarketDataError, match="IBM: no bar between 2020-01-01 and 2020-02-01"):
        buy_and_hold({"IBM": bars_of([1.0], [1.0])}, date(2020, 1, 1), date(2020, 2, 1), 100.0)


def test_the_rest_of_a_capped_share_stays_cash():
    bars = {"A": bars_of([10.0] * 2, [10.0, 20.0])}
    values = [value for _, value in buy_and_hold(bars, MONDAY, date(2012, 1, 3), 1000.0, largest_share=0.3)]
    assert values == [1000.0, 1300.0]


def test_buying_costs_what_was_paid():
    """$50.00 stood on the table where $49.98 had been paid: the cost is part of the money, not on top of it."""
    [(_, equity)] = buy_and_hold({"A": bars_of([10.0], [10.0])}, MONDAY, MONDAY, 100_000.0, cost_bps=5)
    assert buying_costs(100_000, 5) == pytest.approx(100_000 - equity)
    assert f"{buying_costs(100_000, 5):.2f}" == "49.98"
