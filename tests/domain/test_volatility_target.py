"""A volatility target: shares times target / volatility of the portfolio, within what there is and what is allowed."""

import math
import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.facts import Facts
from my_dagster_project.domain.limits import Limits
from my_dagster_project.domain.orders import plan_orders
from my_dagster_project.domain.volatility import WINDOW
from my_dagster_project.domain.volatility_target import portfolio_volatility
from tests.domain.trading import NO_LIMITS, RULES, SESSION, account, position, signal

DAYS = [SESSION - timedelta(days=WINDOW - 1 - n) for n in range(WINDOW)]
ALONE = replace(RULES, position_share=Decimal("0.5"), volatility_target=Decimal("0.1"))


def moving(daily):
    """Returns that go up and down by turns, with this standard deviation."""
    exact = daily / math.sqrt(WINDOW / (WINDOW - 1) * (1 - 1 / WINDOW**2))
    return {day: math.log1p(exact * (1 if n % 2 else -1)) for n, day in enumerate(DAYS)}


def plan(rules, returns, held=(), limits=NO_LIMITS, **signals):
    given_ = [signal(symbol, value) for symbol, value in signals.items()]
    closes = dict.fromkeys({*signals, *returns}, "100")
    worth = sum(one.market_value for one in held)
    money = account(100_000 - worth, equity=100_000)
    facts = Facts(returns=returns)
    return plan_orders("red", SESSION, given_, held, money, closes, rules, limits, facts=facts)


def bought(planned):
    return {one.symbol: one.qty if one.side == "buy" else -one.qty for one in planned.orders}


def test_the_volatility_is_that_of_the_covariance_matrix():
    rng = random.Random(3)
    returns = {symbol: {day: rng.gauss(0, 0.02) for day in DAYS} for symbol in ("A", "B", "C")}
    shares = {"A": 0.5, "B": 0.2, "C": 0.3}
    simple = np.array([[math.expm1(returns[symbol][day]) for day in DAYS] for symbol in shares])
    w = np.array(list(shares.values()))
    assert portfolio_volatility(w[None], simple.T) == pytest.approx(math.sqrt(w @ np.cov(simple) @ w * 252))


def test_a_lively_symbol_is_bought_less_of_and_a_quiet_one_more_and_the_reason_says_so():
    # Half the equity at 1 % a session is 7.9 % a year.
    lively, usual, quiet = (bought(plan(ALONE, {"A": moving(each)}, A=0.01)) for each in (0.02, 0.01, 0.008))
    assert 310 <= lively["A"] <= 320
    assert 620 <= usual["A"] <= 640
    assert quiet["A"] > usual["A"]
    [order] = plan(ALONE, {"A": moving(0.02)}, A=0.01).orders
    assert "; x 0.6" in order.reason
    assert "for a volatility of 10.0% a year (now 15." in order.reason


def test_what_moves_against_each_other_may_be_held_more_of():
    up = moving(0.02)
    down = {day: math.log1p(-math.expm1(value) * 0.8) for day, value in up.items()}
    together = bought(plan(replace(ALONE, position_share="0.4"), {"A": up, "B": up}, A=0.01, B=0.01))
    hedged = bought(plan(replace(ALONE, position_share="0.4"), {"A": up, "B": down}, A=0.01, B=0.01))
    assert sum(together.values()) < 400
    assert sum(hedged.values()) > 900


def test_nothing_is_borrowed_and_the_limits_hold():
    calm = {"A": moving(0.0005), "B": moving(0.0005)}
    both = bought(plan(replace(ALONE, position_share="0.3"), calm, A=0.01, B=0.01))
    assert sum(both.values()) <= 1000
    capped = plan(ALONE, calm, limits=Limits(position_share="0.35"), A=0.01)
    assert bought(capped)["A"] == 350


def test_what_the_strategy_leaves_alone_counts_and_is_only_made_smaller():
    wild = moving(0.03)
    held = [position("A", 500)]
    assert -330 < bought(plan(ALONE, {"A": wild}, held, A=0.0002))["A"] < -280
    assert bought(plan(ALONE, {"A": moving(0.001)}, held, A=0.0002)) == {}


def test_what_was_scaled_and_is_left_alone_is_not_scaled_anew_every_session():
    """MSFT shrank by 17 % a session for days: the others were counted whole each time, it as it was."""
    wild = {"A": moving(0.02), "B": moving(0.02)}
    rules = replace(ALONE, position_share="0.4")
    first = plan(rules, wild, A=0.01, B=0.01)
    held = [position(one.symbol, one.qty) for one in first.orders]
    assert sum(one.qty for one in held) < 400
    assert plan(rules, wild, held, A=0.01, B=0.0002).orders == ()
    assert plan(rules, wild, held, A=0.0002, B=0.0002).orders == ()


def test_without_returns_a_symbol_is_not_bought_and_one_that_stands_still_is_as_without_a_target():
    planned = plan(ALONE, {}, A=0.01)
    assert planned.orders == ()
    assert "its volatility is not known: left as it is" in planned.skipped[0].reason
    still = {"A": dict.fromkeys(DAYS, 0.0)}
    assert bought(plan(ALONE, still, A=0.01)) == {"A": 500}


@given(
    st.lists(st.floats(-0.2, 0.2), min_size=WINDOW, max_size=WINDOW), st.sampled_from(["0.05", "0.2", "1"])
)
def test_the_portfolio_that_is_wanted_never_moves_more_than_the_target(moves, target):
    returns = {"A": dict(zip(DAYS, moves, strict=True))}
    planned = plan(replace(ALONE, volatility_target=target), returns, A=0.01)
    for qty in bought(planned).values():
        share, simple = np.array([[qty * 100 / 100_000]]), np.expm1([moves]).T
        assert portfolio_volatility(share, simple) <= float(target) * 1.0001
        assert qty <= 1000


@given(st.data())
def test_no_later_bar_changes_it(data):
    from my_dagster_project.trading.closes import History

    closes = data.draw(st.lists(st.floats(1, 900), min_size=60, max_size=60))
    days = tuple(date(2012, 1, 2) + timedelta(days=n) for n in range(60))
    at = data.draw(st.integers(0, 59))
    whole = History(days, tuple(closes), tuple(closes)).returns_at(days[at])
    part = tuple(closes[: at + 1])
    assert whole == History(days[: at + 1], part, part).returns_at(days[at])
