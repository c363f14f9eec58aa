"""Whatever fails, dies, is repeated or given up: no order twice, none lost, books that add up, limits that hold."""

from datetime import date
from random import Random

import pytest

from tests.trading.scenarios import Tally, play
from tests.trading.street import CALENDAR, open_street, predictions
from tests.trading.world import make_world

pytestmark = pytest.mark.slow
# 24 markets of 42 scenarios are 1,008 in `make test-full`; `make test` plays the first of the markets.
MARKETS, DRAWN, SCENARIOS = 24, 1, 42
SESSIONS = CALENDAR.sessions(date(2012, 12, 20), date(2013, 1, 4))


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=[pytest.mark.full] if seed >= DRAWN else []) for seed in range(MARKETS)]
)
def test_no_order_twice_none_lost_and_books_that_add_up(tmp_path, seed):
    rng = Random(seed)
    start = rng.randint(0, len(SESSIONS) - 4)
    # Three to trade, and one more for the last orders to fill in.
    world, tally = make_world(rng, SESSIONS[start : start + 4], dividends=0.1), Tally()
    with open_street(tmp_path, world) as street, predictions(world):
        for number in range(SCENARIOS):
            try:
                play(street, number, Random(f"{seed}/{number}"), tally)
            except AssertionError as error:
                raise AssertionError(f"market {seed}, scenario {number}: {error}") from error
    # The scenarios are worth their name only when all of this has happened.
    counts = (tally.orders, tally.kills, tally.failures, tally.given_up, tally.repeated, tally.panics)
    assert min(*counts, tally.exits, tally.scaled, tally.short) > 0, tally
