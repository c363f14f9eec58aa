"""What an order costs by its symbol and its size: half the spread, and the square-root impact."""

import math
from datetime import date
from decimal import Decimal
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.paper_broker.costs import worse_by
from my_dagster_project.paper_broker.feed import Bar, TableFeed
from my_dagster_project.paper_broker.ledger import Costs, Terms
from my_dagster_project.paper_broker.open_account import OpenAccount
from my_dagster_project.trading.broker import OrderRequest
from my_dagster_project.trading.fills import settle
from tests.paper_broker.market import CALENDAR

DAYS = CALENDAR.sessions(date(2012, 11, 1), date(2013, 1, 8))
NOW = DAYS[30]


def market(seed=1, volume=10_000, halted=(), splits=None, dividends=None):
    """A lively symbol; prices and volumes are as traded, so a split halves one and doubles the other."""
    rng, price, size, bars = Random(seed), 100.0, 1.0, {}
    for day in DAYS:
        ratio = float((splits or {}).get(("AAPL", day), 1))
        size *= ratio
        price = (price * math.exp(rng.gauss(0, 0.02))) / ratio - float(
            (dividends or {}).get(("AAPL", day), 0)
        )
        ends = Decimal(f"{price:.6f}")
        if day not in halted:
            bars[day] = Bar(ends, ends, ends, ends, int(rng.uniform(0.5, 1.5) * volume * size))
    return TableFeed({"AAPL": bars}, splits or {}, dividends or {})


def worse(feed, qty=1000, session=NOW, **terms):
    given_ = {"cost_bps": Decimal(5), "impact": Decimal(1), **terms}
    account = OpenAccount(None, "red", feed, CALENDAR)
    return worse_by(
        account,
        Terms(commission=Decimal(0), partial_fills=Decimal(0), seed=1, **given_),
        "AAPL",
        session,
        qty,
    )


def test_without_a_word_it_is_the_half_spread_alone():
    assert worse(market(), impact=Decimal(0)) == Decimal("0.0005")


def test_a_symbol_may_have_costs_of_its_own():
    own = {"AAPL": Costs(Decimal(30))}
    assert worse(market(), symbols=own) == Decimal("0.003")
    assert worse(market(), symbols={"IBM": Costs(Decimal(30))}) == worse(market())


def test_impact_is_volatility_times_the_root_of_the_share_of_the_volume():
    feed = market()
    before = [feed.bars["AAPL"][day] for day in DAYS[DAYS.index(NOW) - 22 : DAYS.index(NOW)]]
    sigma = np.std(np.diff(np.log([float(one.close) for one in before])), ddof=1)
    volume = np.mean([one.volume for one in before])
    for qty in (10, 1000, 4000):
        expected = 0.0005 + 0.7 * sigma * math.sqrt(qty / volume)
        assert float(worse(feed, qty, impact=Decimal("0.7"))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("ratio", ["2", "0.1", "1.5"])
def test_a_split_and_a_dividend_on_the_way_change_nothing(ratio):
    day = DAYS[DAYS.index(NOW) - 5]
    plain, split = market(), market(splits={("AAPL", day): Decimal(ratio)})
    qty = Decimal(1000)
    assert float(worse(split, qty * Decimal(ratio))) == pytest.approx(float(worse(plain, qty)), rel=1e-3)
    paid = market(dividends={("AAPL", day): Decimal(20)})
    assert abs(worse(paid) / worse(plain) - 1) < Decimal("0.1")
    today = market(splits={("AAPL", NOW): Decimal(2)})
    assert float(worse(today, qty * 2)) == pytest.approx(float(worse(plain, qty)), rel=1e-3)


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_what_the_session_itself_and_later_ones_do_is_not_known(volume, seed):
    feed, other = market(), market()
    for day in DAYS[DAYS.index(NOW) :]:
        price = Decimal(seed) / 100
        other.bars["AAPL"][day] = Bar(price, price, price, price, volume)
    assert worse(feed) == worse(other)


def test_halts_are_passed_over_and_without_a_month_of_bars_or_volume_there_is_none():
    at = DAYS.index(NOW)
    assert worse(market(halted=DAYS[at - 4 : at - 1])) > Decimal("0.0005")
    assert worse(market(), session=DAYS[20]) == Decimal("0.0005")
    assert worse(market(volume=0)) == Decimal("0.0005")
    assert worse(market(), qty=10**12) == Decimal("0.5")


def test_an_order_pays_it_on_both_sides_and_the_costs_are_on_record(open_house):

    flat = {day: Bar(*[Decimal(100 + number % 2)] * 4, 1000) for number, day in enumerate(DAYS)}
    house = open_house(TableFeed({"AAPL": flat, "IBM": flat}))
    own = {"IBM": {"cost_bps": "40", "impact": "0"}}
    red = house.team(cost_bps=5, impact="1", symbol_costs=own)
    sent, filled = DAYS[30], DAYS[31]
    red.at_close_of(sent)
    orders = [red.submit(OrderRequest(f"red-{symbol}", symbol, "buy", 250)) for symbol in ("AAPL", "IBM")]
    red.at_close_of(filled)
    opened = flat[filled].open
    lines = red.activities(filled)
    aapl, ibm = lines
    assert ibm.price == opened * Decimal("1.004")
    assert ibm.cost_bps == 40
    assert aapl.price > opened * Decimal("1.0005")
    assert abs(aapl.price - opened * (1 + aapl.cost_bps / 10_000)) <= Decimal("0.0001")
    record = {
        "mode": "paper",
        "plan": {"snapshot": {"cash": "1", "held": {}, "closes": {}, "marks": {}}},
        "outcomes": [],
    }
    made = settle("red", sent, filled, record, red.orders(), lines, {}, None, Decimal(5))
    assert made.costs == sum(line.qty * line.price * line.cost_bps / 10_000 for line in lines)
    assert len(orders) == len(made.orders) == 2
