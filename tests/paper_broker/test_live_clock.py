"""Accounts that follow the wall clock: what is due is settled when somebody asks, and only then can be."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from my_dagster_project.paper_broker.client import PaperAdmin
from my_dagster_project.paper_broker.feed import TableFeed
from my_dagster_project.paper_broker.server import serve_in_thread
from my_dagster_project.trading.alpaca import AlpacaBroker
from my_dagster_project.trading.broker import BrokerRefusedError, OrderRequest, SessionPassedError
from tests.paper_broker.conftest import House
from tests.paper_broker.market import CALENDAR, FIRST, SECOND, THIRD, make_feed

NEW_YORK = ZoneInfo("America/New_York")


@dataclass
class World:
    """The time, and the bars there are by then."""

    now: datetime = datetime(2012, 12, 28, 21, 30, tzinfo=UTC)
    last: object = FIRST
    bars: TableFeed = field(default_factory=make_feed)

    def current(self):
        tables = {
            symbol: {day: bar for day, bar in table.items() if day <= self.last}
            for symbol, table in self.bars.bars.items()
        }
        return TableFeed(tables)

    def new_york(self, day, hour, minute=0):
        self.now = datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def house(world, tmp_path):
    with ExitStack() as stack:
        server = serve_in_thread(tmp_path / "live.sqlite", world, CALENDAR, wall=lambda: world.now)
        yield House(stack.enter_context(server))


@pytest.fixture
def red(house):
    return house.team(cost_bps=0, clock="live")


def order(name, **more):
    return OrderRequest(name, "AAPL", "buy", 10, **more)


def test_an_order_sent_after_the_close_fills_at_the_next_open_once_its_bar_is_there(world, red):
    red.at_close_of(FIRST)
    red.submit(order("one"))
    world.new_york(SECOND, 18)
    assert red.order_by_client_id("one").status == "accepted"
    world.last = SECOND
    done = red.order_by_client_id("one")
    assert (done.status, done.filled_at) == ("filled", datetime(2012, 12, 31, 14, 30, tzinfo=UTC))
    assert [point.session for point in red.equity_history()] == [FIRST, SECOND]
    red.at_close_of(SECOND)
    with pytest.raises(SessionPassedError, match="follows the wall clock"):
        red.at_close_of(FIRST)


def test_several_sessions_are_settled_in_order_when_nobody_asked_for_days(world, red):
    red.at_close_of(FIRST)
    red.submit(order("one"))
    world.new_york(THIRD, 20)
    world.last = THIRD
    assert [point.session for point in red.equity_history()] == [FIRST, SECOND, THIRD]
    assert red.fills()[0].at.date() == SECOND


def test_an_order_sent_while_the_exchange_is_open_waits_for_the_next_open(world, red):
    red.at_close_of(FIRST)
    world.new_york(SECOND, 10)
    red.submit(order("one"))
    world.new_york(SECOND, 18)
    world.last = SECOND
    assert red.order_by_client_id("one").status == "accepted"
    world.new_york(THIRD, 18)
    world.last = THIRD
    assert red.order_by_client_id("one").filled_at.date() == THIRD


def test_the_clock_is_the_wall_clock_and_the_adapter_refuses_an_open_exchange(world, house, red):
    plain = AlpacaBroker(house.url, "PKred", "secret-of-red", team="red")
    plain.at_close_of(FIRST)
    world.new_york(SECOND, 10)
    with pytest.raises(Exception, match="the exchange is open"):
        plain.at_close_of(FIRST)
    with pytest.raises(BrokerRefusedError, match="follows the wall clock"):
        red.at_close_of(FIRST)


@pytest.mark.parametrize(
    ("session", "hour"), [(SECOND, 12), (SECOND, 17), (THIRD, 17)], ids=["open", "bars missing", "future"]
)
def test_a_session_that_is_not_due_is_refused(world, red, session, hour):
    red.at_close_of(FIRST)
    world.new_york(SECOND, hour)
    with pytest.raises(BrokerRefusedError, match="are not due"):
        red.at_close_of(session)


def test_opening_orders_are_taken_from_seven_in_the_evening_on(world, house, red):
    red.at_close_of(FIRST)
    client = red._transport._client
    body = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "opg"}
    world.new_york(FIRST, 18, 59)
    with pytest.raises(Exception, match="between 9:28am and 7:00pm"):
        client.post("/orders", body)
    world.new_york(FIRST, 19)
    sent = client.post("/orders", {**body, "client_order_id": "evening"})
    world.new_york(SECOND, 9, 27)
    client.post("/orders", {**body, "client_order_id": "morning"})
    world.new_york(SECOND, 9, 28)
    with pytest.raises(Exception, match="between 9:28am and 7:00pm"):
        client.post("/orders", body)
    world.new_york(SECOND, 18)
    world.last = SECOND
    assert sent["time_in_force"] == "opg"
    assert {one.status for one in red.orders()} == {"filled"}


def test_an_account_without_any_bars_yet_says_so(world, house):
    world.last = FIRST.replace(year=2000)
    red = house.team(clock="live")
    with pytest.raises(BrokerRefusedError, match="no clock yet"):
        red.at_close_of(FIRST)
    assert PaperAdmin(house.url, house.server.admin_token)
