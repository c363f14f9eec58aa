"""The broker as a service, in a process of its own, with workers in theirs."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
import requests

from my_dagster_project.foundation.errors import BrokerError, ConfigError, StorageError, TradingError
from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.main_job.run import require_broker
from my_dagster_project.market_data.sample import SampleSource
from my_dagster_project.paper_broker.client import AccountTerms, BundledBroker, PaperAdmin
from my_dagster_project.paper_broker.served import ServedBroker, team_secret
from my_dagster_project.paper_broker.server import serve_in_thread
from my_dagster_project.paper_broker.stored_feed import CHECK_S, StoreFeed
from my_dagster_project.pipeline import resources
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.file_store import FileStore
from my_dagster_project.storage.parquet import to_parquet
from my_dagster_project.storage.season import SeasonBook, State
from my_dagster_project.trading.broker import BrokerRefusedError
from tests.paper_broker.market import CALENDAR
from tests.support.committed import committed
from tests.support.loopback import Reply, serving
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

TOKEN = "an-organisers-token"
TERMS = AccountTerms(starting_cash=1e5, cost_bps=5)
CONFIGS = Path(__file__).parents[2] / "configs"
START = date(2012, 12, 28)
DAYS = CALENDAR.sessions(START, date(2013, 1, 16))


@pytest.fixture
def assets(tmp_path):
    return AssetStore(FileStore(tmp_path / "store"), FileStore(tmp_path / "dvc"))


def store_bars(assets, symbol, end):
    frame = SampleSource().fetch(symbol, date(2012, 12, 3), end)
    files = {"bars.parquet": to_parquet(frame)}
    assets.write(("market", symbol, "bars"), files, replace=True, record={})
    return frame


class Service:
    """A running service; 127.0.0.2 is this machine, but no address the adapter trusts by itself."""

    def __init__(self, folder, **environment):
        with socket.socket() as free:
            free.bind(("127.0.0.2", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.2:{self.port}"
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("TRADING_", "PAPER_"))
        }
        self.environment = {
            **kept,
            "TRADING_PROJECT": str(CONFIGS.parent),
            "TRADING_HOME": str(folder / "home"),
            "TRADING_STORE_URL": (folder / "store").as_uri(),
            "TRADING_DVC_URL": (folder / "dvc").as_uri(),
            "PAPER_BROKER_TOKEN": TOKEN,
            **environment,
        }
        where = ["--host", "127.0.0.2", "--port", str(self.port)]
        command = [sys.executable, "-m", "my_dagster_project.paper_broker", *where]
        self.process = subprocess.Popen(command, env=self.environment, stderr=subprocess.PIPE, text=True)

    def wait(self):
        return wait_for(
            lambda: requests.get(f"{self.url}/healthz", timeout=1), 15, every=0.05, by=self.process
        )

    def worker(self, team, days):
        command = [sys.executable, "-m", "tests.paper_broker.trade_process", team, *map(str, days)]
        environment = {**self.environment, "TRADING_PAPER_BROKER": self.url}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, env=environment, **pipes)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        error = self.process.communicate(timeout=10)[1]
        return self.process.returncode, error


@pytest.fixture
def start(tmp_path):
    services = []

    def run(**environment):
        services.append(Service(tmp_path, **environment))
        return services[-1]

    yield run
    for service in services:
        service.process.kill()
        service.process.wait()
        service.process.stderr.close()


def test_two_workers_trade_their_teams_at_the_same_time(start, assets):
    bars = store_bars(assets, "AAPL", DAYS[-1]).set_index("session")
    service = start()
    assert service.wait().json() == {"status": "ok", "accounts": 0}
    workers = [service.worker(team, DAYS) for team in ("red", "blue")]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    said = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    prices = [Decimal(repr(price)) * Decimal("1.0005") for price in bars.open[[str(day) for day in DAYS[1:]]]]
    paid = sum(price.quantize(Decimal("0.0001"), "ROUND_HALF_UP") for price in prices)
    assert said == [{"fills": len(DAYS) - 1, "cash": str((100_000 - paid).normalize())}] * 2
    code, log = service.stop()
    assert code == 0, log
    assert TOKEN not in log
    assert "accounts in" in log


def test_bars_that_come_later_are_seen_by_the_running_service(start, assets):
    store_bars(assets, "AAPL", DAYS[0])
    service = start()
    service.wait()
    served = ServedBroker(service.url, TOKEN, TERMS, configured=service.url)
    account = served.open("red")
    account.at_close_of(DAYS[0])
    with pytest.raises(BrokerRefusedError, match="bars end at 2012-12-28"):
        account.at_close_of(DAYS[1])
    store_bars(assets, "AAPL", DAYS[1])
    store_bars(assets, "IBM", DAYS[1])
    time.sleep(CHECK_S)
    account.at_close_of(DAYS[1])
    assert account.account().equity == 100_000
    served.reset("red")
    account.at_close_of(DAYS[0])
    assert len(account.equity_history()) == 1


def test_accounts_outlive_the_service(start, assets):
    store_bars(assets, "AAPL", DAYS[-1])
    for expected in (True, False):
        service = start()
        service.wait()
        made = PaperAdmin(service.url, TOKEN).ensure_account("red", "PK-red", "s", Decimal(1000))
        assert made is expected
        assert service.stop()[0] == 0


def test_a_service_without_a_token_says_which_variable_is_missing(start):
    service = start(PAPER_BROKER_TOKEN="short")
    assert service.process.wait(20) == 1
    assert "PAPER_BROKER_TOKEN is missing or shorter" in service.process.stderr.read()


def refused_by_the_main_job(tmp_path, **environ) -> str:
    with pytest.raises(TradingError) as caught:
        require_broker(committed(), settings_from(environ, tmp_path))
    return str(caught.value)


def test_a_broker_that_cannot_be_traded_at_is_a_sentence_before_anything_is_made(tmp_path, environ):
    """Without a token: a traceback or an error under an old table, after all models had been trained."""
    answers = (
        (200, "<html>"), (200, "{}"), (200, '"ok"'), (404, '{"detail": "Not Found"}'), (404, "[]"), (302, ""), (405, "7"),
    )  # fmt: skip
    resources._served_broker.cache_clear()
    with serving(*(Reply(body, status, {"Location": "/elsewhere"}) for status, body in answers)) as anything:
        url = anything.url
        environ(TRADING_PAPER_BROKER=url, PAPER_BROKER_TOKEN="")
        assert "PAPER_BROKER_TOKEN is missing" in refused_by_the_main_job(tmp_path, TRADING_PAPER_BROKER=url)
        assert anything.seen == []
        environ(PAPER_BROKER_TOKEN=TOKEN)
        for status, _ in answers:
            said = refused_by_the_main_job(tmp_path, TRADING_PAPER_BROKER=url)
            assert (
                f"answers at {url} (HTTP {status}) is no bundled broker: correct TRADING_PAPER_BROKER" in said
            )
        assert len(anything.seen) == len(answers)  # sent on to nowhere
    nowhere = "http://127.0.0.1:9"
    environ(TRADING_PAPER_BROKER=nowhere)
    said = refused_by_the_main_job(tmp_path, TRADING_PAPER_BROKER=nowhere)
    assert said.startswith(f"the bundled broker at {nowhere} does not answer (ConnectionError): start it")
    require_broker(committed(), settings_from({}, tmp_path))


def test_a_wrong_token_is_said_with_the_variable(tmp_path, environ, assets):
    store_bars(assets, "AAPL", DAYS[0])
    with serve_in_thread(tmp_path / "b.sqlite", StoreFeed(assets), CALENDAR, admin_token=TOKEN) as server:
        for token, fails in ((TOKEN, False), ("another-token-of-ours", True)):
            resources._served_broker.cache_clear()
            environ(TRADING_PAPER_BROKER=server.url, PAPER_BROKER_TOKEN=token)
            where = {"TRADING_PAPER_BROKER": server.url}
            if fails:
                said = refused_by_the_main_job(tmp_path, **where)
                assert "(HTTP 403): only the organiser may do this" in said
                assert said.endswith("it wants the PAPER_BROKER_TOKEN it was started with")
            else:
                require_broker(committed(), settings_from(where, tmp_path))


def test_accounts_outside_without_any_keys_are_said_first_and_one_teams_keys_are_enough(tmp_path, environ):
    outside = {"TRADING_BROKER_URL": "https://paper-api.alpaca.markets"}
    environ(ALPACA_RED_KEY="", ALPACA_RED_SECRET="", ALPACA_BLUE_KEY="", ALPACA_BLUE_SECRET="", **outside)
    said = refused_by_the_main_job(tmp_path, **outside)
    assert "team red: no credentials for account RED; set ALPACA_RED_KEY and ALPACA_RED_SECRET" in said
    assert "team blue: no credentials for account BLUE" in said
    environ(ALPACA_BLUE_KEY="k", ALPACA_BLUE_SECRET="s")
    require_broker(committed(), settings_from(outside, tmp_path))
    live = {"TRADING_BROKER_URL": "https://api.alpaca.markets"}
    assert "unless the registry allows it in so many words" in refused_by_the_main_job(tmp_path, **live)


def test_a_token_without_an_address_is_told(tmp_path):
    alone = settings_from({"PAPER_BROKER_TOKEN": TOKEN}, tmp_path).unused_token
    assert "TRADING_PAPER_BROKER is not: orders go to the bundled broker of each process" in alone
    used = {"PAPER_BROKER_TOKEN": TOKEN, "TRADING_PAPER_BROKER": "http://broker:8030"}
    assert settings_from(used, tmp_path).unused_token == settings_from({}, tmp_path).unused_token == ""


def test_only_the_configured_address_gets_orders_or_the_token():
    for configured in (None, "http://broker:8030", "http://broker:8031"):
        with pytest.raises(BrokerError, match="TRADING_PAPER_BROKER"):
            ServedBroker("http://elsewhere:8030", TOKEN, TERMS, configured=configured).open("red")
    assert TOKEN not in repr(ServedBroker("http://broker:8030", TOKEN, TERMS, configured=None))
    BundledBroker("http://broker:8030/", "k", "s", team="red", bundled_url="http://broker:8030")


def test_each_team_has_a_secret_of_its_own():
    secrets = {team_secret(token, team) for token in (TOKEN, TOKEN + "x") for team in ("red", "blue")}
    assert len(secrets) == 4
    assert all(TOKEN not in secret for secret in secrets)


def test_alpaca_and_the_bundled_broker_cannot_both_be_meant(tmp_path):
    both = {
        "TRADING_BROKER_URL": "https://paper-api.alpaca.markets",
        "TRADING_PAPER_BROKER": "http://broker:8030",
    }
    with pytest.raises(ConfigError, match="both set"):
        settings_from(both, tmp_path)
    assert (
        settings_from({"TRADING_PAPER_BROKER": "http://broker:8030/"}, tmp_path).paper_broker_url
        == "http://broker:8030"
    )


def test_in_a_lapse_the_bars_of_the_session_at_work_are_seen_as_soon_as_they_are_stored(assets):
    """A lapse in one process closes a session in less than the second between two looks."""
    book = SeasonBook(assets.store)
    book.begin(State("autumn", DAYS[0], DAYS[0]), "olga")
    feed = StoreFeed(assets, clock=lambda: 0.0, behind=partial(resources.lacks_session, book))
    assert feed.current().last_session() is None
    store_bars(assets, "AAPL", DAYS[0])
    assert feed.current().last_session() == DAYS[0]
    looked = feed.current()
    assert feed.current() is looked


def test_the_feed_keeps_the_last_good_bars_while_the_store_is_down(assets, monkeypatch):
    now = [0.0]
    feed = StoreFeed(assets, clock=lambda: now[0])
    assert feed.current().last_session() is None
    store_bars(assets, "AAPL", DAYS[0])
    assert feed.current().last_session() is None
    now[0] += CHECK_S
    assert feed.current().last_session() == DAYS[0]
    now[0] += CHECK_S

    def down(prefix):
        raise StorageError("the store is down")

    monkeypatch.setattr(assets.store, "list", down)
    assert feed.current().last_session() == DAYS[0]
    with pytest.raises(StorageError):
        StoreFeed(assets).current()
