from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal

import pytest

from my_dagster_project.paper_broker.client import BundledBroker, PaperAdmin
from my_dagster_project.paper_broker.server import serve_in_thread
from tests.paper_broker.drivers import New, Old
from tests.paper_broker.market import CALENDAR, CASH, FIRST, SECOND, make_feed


class House:
    """A running bundled broker with an organiser's desk, and teams opened by name."""

    def __init__(self, server):
        self.url, self.server = server.url, server
        self.admin = PaperAdmin(server.url, server.admin_token)

    def team(self, name="red", cost_bps=5, cash=CASH, timeout=5.0, **options):
        self.admin.ensure_account(
            name, f"PK{name}", f"secret-of-{name}", cash, Decimal(str(cost_bps)), **options
        )
        return BundledBroker(
            self.url, f"PK{name}", f"secret-of-{name}", timeout, team=name, sleep=lambda seconds: None
        )


# Servers are stopped while the next test runs: uvicorn takes 0.2 s for it, and two tests in three of this room have one.
_stopper = ThreadPoolExecutor(1)
_stopping: list[Future[None]] = []


@pytest.fixture
def open_house(tmp_path):
    while _stopping and _stopping[0].done():
        _stopping.pop(0).result()
    with ExitStack() as stack:

        def start(feed=None, name="broker.sqlite"):
            server = serve_in_thread(tmp_path / name, feed or make_feed(), CALENDAR)
            stack.callback(lambda: _stopping.append(_stopper.submit(server.stop)))
            return House(server)

        yield start


@pytest.fixture
def house(open_house):
    return open_house()


@pytest.fixture(params=[Old, New], ids=["alpaca-trade-api", "alpaca-py"])
def connect(request, house, monkeypatch):
    return lambda key="PKred", secret="secret-of-red": request.param(house.url, key, secret, monkeypatch)


@pytest.fixture
def client(house, connect):
    """One of both clients, whose account stands after the first session."""
    house.team().at_close_of(FIRST)
    return connect()


@pytest.fixture
def later(house, client):
    """Buy 10 AAPL and move to the close of the second session."""
    client.submit("AAPL", qty=10, client_order_id="one")
    house.team().at_close_of(SECOND)
    return client
