"""The money of the house teams: they pay what teams pay."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from my_dagster_project.domain.leaderboard import BUY_AND_HOLD
from my_dagster_project.pipeline.assets.money import _held, trading_summaries
from tests.support.committed import committed


def test_holding_pays_half_the_spread_and_the_commission_of_what_it_buys_once():
    """With 5 cents a share the teams paid and holding did not: 5 bps at $100 are as much again as the spread."""
    platform = committed()
    dear = platform.registry.competition.model_copy(update={"commission": 0.05, "cost_bps": 5})
    platform = replace(platform, registry=platform.registry.model_copy(update={"competition": dear}))
    frame = pd.DataFrame({"session": pd.to_datetime(["2013-01-02", "2013-01-03"])})
    frame = frame.assign(open=100.0, close=100.0, adj_close=100.0)
    curve = _held(platform, {"AAPL": frame}, date(2012, 12, 31), date(2013, 1, 3))
    assert [day for day, _ in curve] == [date(2013, 1, 2), date(2013, 1, 3)]
    assert curve[-1][1] == pytest.approx(100_000 / 1.001)
    money = trading_summaries(platform, [], {}, {}, {"AAPL": frame}, {BUY_AND_HOLD: curve})[BUY_AND_HOLD]
    assert money.costs == pytest.approx(100_000 - curve[-1][1])
