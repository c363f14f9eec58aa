import math
import statistics
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.volatility import WINDOW, realised_volatility

DAYS = [date(2012, 1, 2) + timedelta(days=n) for n in range(60)]
prices = st.floats(0.01, 1000)


def test_it_is_the_standard_deviation_of_the_last_log_returns():
    closes = [100 * 1.01 ** (n % 3) for n in range(60)]
    returns = [math.log(closes[n] / closes[n - 1]) for n in range(60 - WINDOW, 60)]
    assert realised_volatility(DAYS, closes, DAYS[-1]) == statistics.stdev(returns)


def test_the_feature_of_the_same_name_agrees(apple):
    from my_dagster_project.domain.features import Feature, compute_features

    days = [stamp.date() for stamp in apple["session"]]
    table = compute_features(apple, [Feature("v", "volatility", {"sessions": WINDOW})], "AAPL").set_index(
        "session"
    )
    for session in (days[500], days[1234], days[-1]):
        ours = realised_volatility(days, list(apple["adj_close"]), session)
        assert math.isclose(ours, table["v"][str(session)], rel_tol=1e-9)


@given(
    st.lists(prices, min_size=60, max_size=60), st.lists(prices | st.just(math.nan), max_size=20), st.data()
)
def test_no_later_bar_changes_it(closes, later, data):
    at = data.draw(st.integers(0, len(DAYS) - 1))
    truncated = realised_volatility(DAYS[: at + 1], closes[: at + 1], DAYS[at])
    changed = closes[: at + 1] + later
    sessions = DAYS[: at + 1] + [DAYS[at] + timedelta(days=n + 1) for n in range(len(later))]
    assert realised_volatility(DAYS, closes, DAYS[at]) == truncated
    assert realised_volatility(sessions, changed, DAYS[at]) == truncated


def test_there_is_none_without_a_bar_of_the_session_itself():
    closes = [100.0 + n for n in range(60)]
    assert realised_volatility(DAYS, closes, DAYS[-1] + timedelta(days=1)) is None
    assert realised_volatility(DAYS[:-1], closes[:-1], DAYS[-1]) is None


def test_there_is_none_with_too_few_bars_or_a_price_that_is_none():
    closes = [100.0 + n for n in range(60)]
    assert realised_volatility(DAYS, closes, DAYS[WINDOW - 1]) is None
    assert realised_volatility(DAYS, closes, DAYS[WINDOW]) is not None
    for bad in (math.nan, math.inf, 0.0, -1.0):
        assert realised_volatility(DAYS, [*closes[:-1], bad], DAYS[-1]) is None
