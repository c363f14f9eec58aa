"""The money of the house teams: they pay what teams pay."""

from dataclasses import replace
from datetime import date

import dagster as dg
import pandas as pd
import pytest

from my_dagster_project.domain.leaderboard import BUY_AND_HOLD
from my_dagster_project.pipeline.assets.keys import bars_key, leaderboard_key
from my_dagster_project.pipeline.assets.money import _held, from_one_start, trading_summaries
from my_dagster_project.pipeline.due import Due
from tests.support.committed import committed
from tests.support.house import csv_house


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


def test_who_buys_and_holds_is_drawn_from_the_cash_that_teams_begin_with():
    """Its curve began a session later than theirs, at what the first session had made of it."""
    days = [date(2013, 1, 2), date(2013, 1, 3)]
    team, held = [(days[0], 1000.0), (days[1], 1010.0)], [(days[1], 990.0)]
    assert from_one_start({"red": team, BUY_AND_HOLD: held}, 1000.0)[BUY_AND_HOLD] == [
        (days[0], 1000.0),
        *held,
    ]
    first_day = {"red": team[:1], BUY_AND_HOLD: [(days[0], 1000.0)]}
    assert from_one_start(first_day, 1000.0) == first_day
    assert from_one_start({"red": []}, 1000.0) == {"red": []}


def test_an_open_that_its_source_revised_makes_the_table_due(tmp_path):
    """Buying and holding begins there; the table said "up to date" beside what it would have come to on the old one."""
    house = csv_house(tmp_path, {"red": ["IBM"]}, ["IBM"])
    graph = dg.Definitions(house.assets, resources=house.resources).resolve_asset_graph()

    def due():
        wanted = [leaderboard_key()]
        return Due(house.platform, graph, house.instance, house.settings).of(wanted) == wanted

    assert house.materialize(bars_key("IBM"), leaderboard_key()).success
    assert not due()
    file = tmp_path / "prices" / "IBM.csv"
    frame = pd.read_csv(file)
    file.write_text(
        frame.assign(open=frame["open"].where(frame.index != 900, frame["low"])).to_csv(index=False)
    )
    house.materialize(bars_key("IBM"))
    assert due()
