"""A bundled broker in a process of its own, for tests that kill it: python -m tests.paper_broker.serve_process FILE."""

import sys
import time
from pathlib import Path

from my_dagster_project.paper_broker.server import serve_in_thread
from tests.paper_broker.market import CALENDAR, make_feed

if __name__ == "__main__":
    server = serve_in_thread(Path(sys.argv[1]), make_feed(), CALENDAR, admin_token="organiser")
    print(server.url, flush=True)
    time.sleep(600)
