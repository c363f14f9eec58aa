"""Nothing of a session after the clock of a lapse is to be seen anywhere; up to it everything is as if it had always been so."""

import re
from datetime import date

import pytest

from my_dagster_project.market_data.sample import SampleSource
from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.pages import home_html, status_html
from my_dagster_project.people.status.reader import StatusReader
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.due import recorded_sessions
from my_dagster_project.storage.parquet import from_parquet
from my_dagster_project.teams.deployment import season_book
from my_dagster_project.trading.broker import BrokerRefusedError
from tests.support.deployment import embedded_instance
from tests.support.house import House, build, failures
from tests.support.lapse import FIRST, LAST, lapse

SYMBOL = "IBM"
DAYS = re.compile(r"20\d\d-\d\d-\d\d")


def seen(house: House) -> dict[str, set[date]]:
    """By place, the sessions that are to be seen there."""
    stored = {noun: from_parquet(*house.store.read(asset).values())["session"].dt.date
              for noun, asset in {"bars": ("market", SYMBOL, "bars"), "features": ("red", SYMBOL, "features")}.items()}  # fmt: skip
    page = StatusReader(house.settings).page(house.platform, patience=60)
    links = Links("", "", "")
    # How long the season is said to be is no news of its end.
    text = (status_html(page, links) + home_html(links, page, None, {})).replace(f"to {LAST}", "")
    feed = house.broker.embedded()._market.current()
    return {
        **{noun: set(days) for noun, days in stored.items()},
        "broker": set(feed.bars[SYMBOL]),
        "pages": {date.fromisoformat(day) for day in DAYS.findall(text) if day < "2020"},
        "due": {date.fromisoformat(day) for day in recorded_sessions(house.platform)},
    }


@pytest.fixture
def house(tmp_path):
    configs = build(tmp_path / "configs", {"red": [SYMBOL]}, start=date(2010, 6, 1))
    platform, settings = lapse(tmp_path, FIRST, configs.platform)
    house = House(platform, settings)
    with embedded_instance(tmp_path / "dagster") as house.instance:
        yield house


def test_everything_follows_the_clock(house):
    season, calendar = season_book(house.settings), house.platform.calendar
    for jump in (0, 30):
        for _ in range(jump):
            season.close(calendar, season.require().session, "driver")
        now = season.require().session
        result = house.materialize(keys.bars_key(SYMBOL), keys.features_key("red", SYMBOL))
        assert result.success, failures(result)
        shown = seen(house)
        assert {place: max(days) for place, days in shown.items() if days} == dict.fromkeys(shown, now)
        known = SampleSource().fetch(SYMBOL, house.platform.registry.market.start, now)
        bars = from_parquet(*house.store.read(("market", SYMBOL, "bars")).values())
        assert bars["close"].equals(known["close"])
        assert house.account().settled(now)
        with pytest.raises(BrokerRefusedError, match="has not closed there"):
            house.account().settled(calendar.next_session(now))
