"""A process that serves FILE itself and submits the same orders as its twin: python -m ... FILE."""

import sys
from pathlib import Path

from my_dagster_project.paper_broker.client import BundledBroker, PaperAdmin
from my_dagster_project.paper_broker.server import serve_in_thread
from my_dagster_project.trading.broker import OrderRequest
from tests.paper_broker.market import CALENDAR, CASH, FIRST, SECOND, make_feed

if __name__ == "__main__":
    with serve_in_thread(Path(sys.argv[1]), make_feed(), CALENDAR) as server:
        PaperAdmin(server.url, server.admin_token).ensure_account("red", "PKred", "s", CASH)
        red = BundledBroker(server.url, "PKred", "s", team="red")
        red.at_close_of(FIRST)
        print("ready", flush=True)
        sys.stdin.readline()
        orders = [red.submit(OrderRequest(f"red-{n}", "AAPL", "buy", 1)) for n in range(40)]
        red.at_close_of(SECOND)
        print(sum(not order.already_there for order in orders), flush=True)
