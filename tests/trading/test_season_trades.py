"""In a season a session is traded before the next open, once, whatever dies and however late somebody is."""

from datetime import date

import pytest

from my_dagster_project.pipeline.assets import keys, orders_asset
from my_dagster_project.teams.deployment import season_book
from tests.support.house import House, failures
from tests.support.lapse import lapse
from tests.support.trading import FIRST, predict, record, sent, statuses, trade, trading_house


@pytest.fixture
def house(tmp_path):
    """A lapse at the session FIRST, for which red has predictions."""
    made = trading_house(tmp_path)
    one = House(*lapse(made.settings.home, date.fromisoformat(FIRST), made.platform))
    predict(one, FIRST, AAPL=0.01, IBM=0.01)
    return one


def close(house: House) -> None:
    season = season_book(house.settings)
    season.close(house.platform.calendar, season.require().session, "driver")


def test_a_session_that_closes_while_its_orders_are_planned_is_not_traded(house, monkeypatch):
    planned = orders_asset.session_plan

    def slowly(*about):
        plan = planned(*about)
        close(house)
        return plan

    monkeypatch.setattr(orders_asset, "session_plan", slowly)
    assert trade(house, FIRST).success
    assert (statuses(house), sent(house)) == ({"AAPL": "halted", "IBM": "halted"}, [])
    said = "session 2013-02-22 is over: the exchange opened at 2013-02-25 14:30 UTC"
    assert all(said in one["detail"] for one in record(house)["outcomes"])


def test_a_run_that_died_after_its_record_is_gone_on_from_and_nothing_is_sent_again(house):
    assert trade(house, FIRST).success
    before, orders = record(house), sent(house)
    house.instance.wipe_assets(
        [keys.orders_key("red")]
    )  # what a kill leaves: the record, and no word of it in Dagster
    predict(house, FIRST, AAPL=-0.01, IBM=-0.01)
    assert trade(house, FIRST).success
    assert (record(house), sent(house)) == (before, orders)
    assert len(orders) == 2
    assert "is on record, and a season writes what was decided once" in str(failures(trade(house, FIRST)))
