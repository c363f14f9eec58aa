"""The broker by itself: one clock for all accounts over a recorded past, which its keeper moves and any Alpaca client follows."""

import argparse
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
import requests
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest, StockLatestBarRequest, StockLatestTradeRequest
from alpaca.data.timeframe import TimeFrame as NewDay
from alpaca.trading.client import TradingClient
from alpaca.trading.requests import MarketOrderRequest
from alpaca_trade_api import REST

from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.paper_broker import alone, lapse
from my_dagster_project.paper_broker.__main__ import main
from my_dagster_project.paper_broker.client import PaperAdmin
from my_dagster_project.paper_broker.in_process import ADDRESS, session_to
from tests.paper_broker.market import CALENDAR
from tests.support.waiting import wait_for

SESSIONS = CALENDAR.sessions(date(2012, 12, 27), date(2013, 1, 8))
FIRST, SECOND, THIRD, FOURTH = SESSIONS[:4]
LAST = SESSIONS[-1]
HEADER = "session,open,high,low,close,volume,adj_close,split_ratio,dividend\n"


@pytest.fixture
def bars(tmp_path):
    """AAPL at 100, split 2:1 before the third session, with a dividend of 1 before the fourth; LATE is listed at the fourth."""
    folder = tmp_path / "bars"
    folder.mkdir()
    prices = {day: 100 if day < THIRD else 50 if day < FOURTH else 49 for day in SESSIONS}
    actions = {THIRD: "2,0", FOURTH: "1,1"}
    rows = [f"{day},{p},{p},{p},{p},1000,49,{actions.get(day, '1,0')}\n" for day, p in prices.items()]
    (folder / "AAPL.csv").write_text(HEADER + "".join(rows))
    late = [f"{day},7,7,7,7,10,7,1,0\n" for day in SESSIONS if day >= FOURTH]
    (folder / "LATE.csv").write_text(HEADER + "".join(late))
    return folder


class Alone:
    """A broker by itself, in this process, and whoever asks it something."""

    def __init__(self, tmp_path, bars, *options):
        parser = argparse.ArgumentParser()
        alone.add_options(parser)
        self.file = tmp_path / "lapse.sqlite"
        given = ["--lapse", str(FIRST), "--bars", str(bars), "--accounts", str(self.file), *options]
        settings = settings_from(
            {"TRADING_HOME": str(tmp_path), "PAPER_BROKER_TOKEN": "a-keepers-long-token"}, tmp_path
        )
        app = alone.lapse_app(parser.parse_args(given), settings)
        self.lapse, self.road = app.state.lapse, partial(session_to, app, 10)
        self.keeper = PaperAdmin(ADDRESS, "a-keepers-long-token", road=self.road)

    def old(self, key="anybody"):
        client = REST(key, f"secret of {key}", base_url=ADDRESS, raw_data=True)
        client._session = self.road()
        return client

    def new(self, key="anybody", kind=TradingClient):
        client = kind(key, f"secret of {key}", url_override=ADDRESS)
        client._session = self.road()
        return client

    def ask(self, method, path, key="anybody", secret=None, **more):
        headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret or f"secret of {key}"}
        answer = self.road().request(method, ADDRESS + path, headers=headers, **more)
        return answer.status_code, answer.json()

    def stop(self):
        self.lapse.store.close()


@pytest.fixture
def start(tmp_path, bars):
    started = []

    def begin(*options):
        started.append(Alone(tmp_path, bars, *options))
        return started[-1]

    yield begin
    for one in started:
        one.stop()


@pytest.fixture
def broker(start):
    return start()


def test_both_clients_trade_and_one_clock_moves_all_accounts(broker):
    red, blue = broker.old("red"), broker.new("blue")
    assert red.get_account()["cash"] == "100000"
    red.submit_order("AAPL", qty=10, side="buy", type="market", time_in_force="day")
    sent = blue.submit_order(MarketOrderRequest(symbol="AAPL", qty=5, side="buy", time_in_force="day"))
    assert sent.status == "accepted"
    assert broker.keeper.move_lapse(1) == {"session": str(SECOND), "bars_end": str(LAST), "sessions_left": 6}
    assert red.get_position("AAPL")["qty"] == "10"
    assert blue.get_order_by_id(sent.id).filled_avg_price == "100"
    assert blue.get_clock().next_open.date() == THIRD
    broker.keeper.move_lapse(FOURTH)
    assert [one.qty for one in blue.get_all_positions()] == ["10"]
    assert blue.get_account().equity == red.get_account()["equity"] == "100000"
    lines = red.get_activities()
    assert [(one["activity_type"], one["qty"]) for one in lines] == [
        ("DIV", "20"),
        ("SPLIT", "10"),
        ("FILL", "10"),
    ]


def test_nothing_is_told_of_a_later_session(broker):
    told = broker.new(kind=StockHistoricalDataClient)
    day = NewDay.Day
    for session in SESSIONS:
        broker.keeper.move_lapse(session)
        wanted = StockBarsRequest(
            symbol_or_symbols=["AAPL", "LATE"], timeframe=day, start=FIRST, end=date(2013, 2, 1)
        )
        found = told.get_stock_bars(wanted).data
        known = SESSIONS[: SESSIONS.index(session) + 1]
        assert [bar.timestamp.date() for bar in found["AAPL"]] == known
        assert [bar.timestamp.date() for bar in found.get("LATE", [])] == [
            one for one in known if one >= FOURTH
        ]
        latest = told.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols=["AAPL", "LATE"]))
        assert {symbol: bar.timestamp.date() for symbol, bar in latest.items()} == {
            symbol: session for symbol in ("AAPL", "LATE") if symbol == "AAPL" or session >= FOURTH
        }
        trade = told.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))["AAPL"]
        assert (trade.timestamp, trade.price) == (CALENDAR.close_at(session), latest["AAPL"].close)
        assert [one.symbol for one in broker.new().get_all_assets()] == sorted(latest)
        assert broker.new().get_clock().timestamp.date() == session
    status, body = broker.ask("GET", "/v2/stocks/NOPE/trades/latest")
    assert (status, body["code"]) == (404, 40410000)
    old = broker.old()
    assert old.get_asset(old.get_asset("LATE")["id"])["symbol"] == "LATE"
    assert broker.ask("GET", "/v2/assets/NOPE")[0] == 404
    assert broker.ask("GET", "/v2/assets", params={"asset_class": "crypto"}) == (200, [])


def test_the_clock_only_goes_forward_to_the_end_of_the_bars_and_only_for_its_keeper(broker):
    broker.keeper.move_lapse(THIRD)
    broker.keeper.move_lapse(THIRD)
    for wanted, words in (
        (SECOND, f"only goes forward: it stands after the close of {THIRD}"),
        (date(2013, 1, 9), f"ends with its bars, at {LAST}"),
        (date(2013, 1, 5), "is no session of XNYS"),
        (6, f"ends with its bars, at {LAST}"),
        (0, "the body is"),
    ):
        with pytest.raises(BrokerError, match=words):
            broker.keeper.move_lapse(wanted)
    assert broker.ask("GET", "/paper/v1/lapse")[1]["session"] == str(THIRD)
    assert broker.ask("POST", "/paper/v1/lapse", json={"sessions": 1})[0] == 403
    assert broker.ask("POST", "/paper/v1/clock", json={"session": str(FOURTH)})[0] == 404
    alone.go_on(broker.lapse, 0)
    assert broker.ask("GET", "/paper/v1/lapse")[1]["sessions_left"] == 0


def test_a_broker_started_again_goes_on_where_it_stood(start, bars):
    before = start()
    before.old().submit_order("AAPL", qty=1, side="buy", type="market", time_in_force="day")
    before.keeper.move_lapse(1)
    before.old().submit_order("AAPL", qty=1, side="buy", type="market", time_in_force="day")
    before.stop()
    again = start("--cash", "5", "--cost-bps", "100")
    assert again.ask("GET", "/v2/account")[1]["cash"] == "99900"
    assert again.lapse.stands() == SECOND
    again.keeper.move_lapse(1)
    assert again.old().get_position("AAPL")["qty"] == "4"  # the queued order was split too
    assert again.ask("GET", "/v2/account", "later")[1]["cash"] == "5"
    (bars / "LATE.csv").unlink()
    rows = (bars / "AAPL.csv").read_text().splitlines(keepends=True)
    (bars / "AAPL.csv").write_text("".join(rows[:3]))
    with pytest.raises(
        BrokerError, match=f"stands after the close of {THIRD}, and these bars end at {SECOND}"
    ):
        start()


def test_what_dies_in_a_move_leaves_all_accounts_at_the_same_close(broker):
    for team in ("a", "b"):
        broker.old(team).submit_order("AAPL", qty=1, side="buy", type="market", time_in_force="day")
    with broker.lapse.store.transaction() as db:
        db.execute(
            f"CREATE TRIGGER death BEFORE UPDATE OF session ON accounts WHEN new.team = 'b' AND new.session = '{THIRD}'"
            " BEGIN SELECT RAISE(ABORT, 'died'); END"
        )
    with pytest.raises(sqlite3.IntegrityError):
        broker.lapse.move(FOURTH)
    stands = "SELECT session FROM accounts UNION SELECT session FROM lapse"
    with broker.lapse.store.transaction() as db:
        assert [row[0] for row in db.execute(stands)] == [str(SECOND)]
        db.execute("DROP TRIGGER death")
    broker.lapse.move(FOURTH)
    assert [broker.old(team).get_account()["equity"] for team in ("a", "b")] == ["100000", "100000"]
    assert len(broker.old("a").get_activities()) == 3


def test_an_account_is_its_first_secrets_and_one_of_the_keepers_is_nobody_elses(broker, monkeypatch):
    assert broker.ask("GET", "/v2/account", "mine")[0] == 200
    assert broker.ask("GET", "/v2/account", "mine", "guessed")[0] == 401
    broker.keeper.move_lapse(1)
    broker.keeper.ensure_account("red", "PKred", "s", Decimal(500), Decimal(5))
    assert broker.ask("GET", "/v2/account", "PKred", "s")[1]["balance_asof"] == str(SECOND)
    assert broker.ask("GET", "/v2/account", "red", "mine now")[0] == 401
    assert broker.ask("GET", "/v2/account", "PKred", "s")[1]["cash"] == "500"
    broker.keeper.reset("red", Decimal(700))
    assert broker.ask("GET", "/v2/account", "PKred", "s")[1]["balance_asof"] == str(SECOND)
    assert broker.ask("GET", "/v2/account", "../etc")[0] == 422
    assert broker.road().request("GET", f"{ADDRESS}/v2/account").status_code == 401
    monkeypatch.setattr(lapse, "MOST_ACCOUNTS", 2)
    assert broker.ask("GET", "/v2/account", "third")[0] == 403
    assert broker.ask("GET", "/v2/account", "mine")[0] == 200


def ended(arguments):
    """The exit code; argparse ends the process by itself."""
    try:
        return main(arguments)
    except SystemExit as end:
        return end.code


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--lapse", "soon"], "give a session like"),
        (["--lapse", "1999-01-04"], f"the bars go from {FIRST} to {LAST}"),
        (["--lapse", str(LAST)], "begin between them"),
        (["--lapse", "2012-12-29"], "is no session of XNYS"),
        (["--lapse", "--cash", "0"], "argument --cash: '0' is no number from 1 to below"),
        (["--lapse", "--every", "soon"], "argument --every: 'soon' is no number from 0.01 to below"),
        (["--lapse", "--bars", "nowhere"], "nowhere: no such folder"),
        (["--lapse", "--bars", "."], "there is no <SYMBOL>.csv"),
        (["next", "--url", "http://127.0.0.1:9"], "nothing answers at http://127.0.0.1:9"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(bars, tmp_path, monkeypatch, capsys, options, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    settings = settings_from({"TRADING_HOME": str(tmp_path / "empty")}, tmp_path)
    monkeypatch.setattr("my_dagster_project.paper_broker.__main__.load_settings_anywhere", lambda: settings)
    given = options if "--bars" in options or options[0] == "next" else [*options, "--bars", str(bars)]
    assert ended(given) in (1, 2)
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_started_and_driven_from_the_terminal(bars, tmp_path, monkeypatch, capsys):
    """In a folder of its own: it asked for a competition's registry, where there is none."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    program, url = Path(sys.executable).with_name("trading"), f"http://127.0.0.1:{port}"
    environment = {"PATH": os.environ["PATH"], "TRADING_HOME": str(tmp_path)}
    command = [program, "broker", "--lapse", str(FIRST), "--bars", str(bars), "--port", port]
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, text=True, stdout=subprocess.PIPE
    ) as service:
        wait_for(lambda: requests.get(f"{url}/healthz", timeout=1), 30, every=0.05, by=service)
        # A page of another site, under its own name (DNS rebinding), and as itself.
        for told in ({"Host": f"elsewhere.example.com:{port}"}, {"Origin": "https://elsewhere.example.com"}):
            assert requests.post(f"{url}/v2/orders", headers=told, timeout=5).status_code == 403
        client = REST("anybody", "anything", base_url=url, raw_data=True)
        order = client.submit_order("AAPL", qty=3, side="buy", type="market", time_in_force="day")
        settings = settings_from(environment, tmp_path)
        monkeypatch.setattr(
            "my_dagster_project.paper_broker.__main__.load_settings_anywhere", lambda: settings
        )
        assert main(["next", "2", "--url", url]) == 0
        assert capsys.readouterr().out == f"after the close of {THIRD}; 5 sessions are left\n"
        assert client.get_order(order["id"])["status"] == "filled"
        assert client.get_position("AAPL")["qty"] == "6"
        assert main(["--lapse", "--port", port]) == 1
        assert f"127.0.0.1:{port} cannot be listened on: [Errno 98]" in capsys.readouterr().err
        service.send_signal(signal.SIGTERM)
        told = service.communicate(timeout=10)[0]
    assert service.returncode == 0
    assert f"trading broker next [SESSIONS] --url {url}\n" in told
