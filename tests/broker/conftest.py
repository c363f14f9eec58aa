from contextlib import ExitStack
from decimal import Decimal

import pytest

from my_dagster_project.broker.paper.client import BundledBroker, PaperAdmin
from my_dagster_project.broker.paper.server import serve_in_thread
from tests.broker.market import CALENDAR, CASH, make_feed


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


@pytest.fixture
def open_house(tmp_path):
    with ExitStack() as stack:

        def start(feed=None, name="broker.sqlite"):
            server = serve_in_thread(tmp_path / name, feed or make_feed(), CALENDAR)
            return House(stack.enter_context(server))

        yield start


@pytest.fixture
def house(open_house):
    return open_house()
