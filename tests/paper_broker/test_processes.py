"""What only real processes show: kill -9 between requests, and two of them on one file."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.paper_broker.client import BundledBroker, PaperAdmin
from my_dagster_project.paper_broker.server import serve_in_thread
from my_dagster_project.trading.broker import OrderRequest
from tests.paper_broker.market import CALENDAR, CASH, FIRST, SECOND, make_feed
from tests.support.accounts import fills

pytestmark = pytest.mark.slow


@pytest.fixture
def start(tmp_path):
    running = []

    def run(module):
        process = subprocess.Popen(
            [sys.executable, "-m", f"tests.paper_broker.{module}", str(tmp_path / "broker.sqlite")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process, process.stdout.readline().strip()

    yield run
    for process in running:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_nothing_is_lost_when_the_server_is_killed_between_requests(start):
    sent = []
    for number in range(2):
        process, url = start("serve_process")
        PaperAdmin(url, "organiser").ensure_account("red", "PKred", "s", CASH)
        red = BundledBroker(url, "PKred", "s", team="red", sleep=lambda seconds: None)
        red.at_close_of(FIRST)
        assert [order.client_order_id for order in red.orders()] == sent
        request = OrderRequest(f"red-{number}", "AAPL", "buy", 1)
        red.submit(request)
        sent.append(request.client_order_id)
        process.kill()
        process.wait()
        with pytest.raises(BrokerError):
            red.submit(OrderRequest("red-lost", "AAPL", "buy", 1))
    _, url = start("serve_process")
    red = BundledBroker(url, "PKred", "s", team="red")
    red.at_close_of(SECOND)
    assert red.positions()[0].qty == 2
    assert red.account().cash == CASH - 2 * Decimal(100)


def test_two_processes_that_submit_the_same_orders_at_once_make_each_of_them_once(start, tmp_path):
    twins = [start("submit_process")[0] for _ in range(2)]
    for twin in twins:
        twin.stdin.write("go\n")
        twin.stdin.flush()
    made = [int(twin.stdout.readline()) for twin in twins]
    # A twin may find the clock moved on by the other: its orders are refused or there already, never doubled.
    assert sum(made) == 40
    with serve_in_thread(tmp_path / "broker.sqlite", make_feed(), CALENDAR) as server:
        red = BundledBroker(server.url, "PKred", "s", team="red")
        assert len(red.orders()) == 40
        assert red.positions()[0].qty == 40
        assert len(fills(red)) == 40


def test_many_processes_may_open_a_new_file_at_once(tmp_path):
    code = (
        "import sys, pathlib; from my_dagster_project.paper_broker.store import Store\n"
        "with Store(pathlib.Path(sys.argv[1])).transaction() as db: print(db.execute('PRAGMA journal_mode').fetchone()[0])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "new" / "broker.sqlite")]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True), range(6)))
    assert [(r.returncode, r.stdout.strip(), r.stderr) for r in results] == [(0, "wal", "")] * 6
