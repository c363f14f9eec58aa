"""Accounts at a glance: on the command line, all teams at once, one in trouble beside the others."""

from datetime import date
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from my_dagster_project.cli import team_accounts as account_commands
from my_dagster_project.cli.commands import app
from my_dagster_project.foundation.console import Console
from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.people.status.teams import stored, team_status
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.storage.parquet import from_parquet, to_parquet
from my_dagster_project.trading import watch
from my_dagster_project.trading.account_tables import tables_of
from my_dagster_project.trading.broker import OrderRequest
from my_dagster_project.trading.watch import AccountState, look
from tests.paper_broker.conftest import open_house  # noqa: F401 - a fixture
from tests.paper_broker.market import FIRST as EVE
from tests.paper_broker.market import SECOND as DAY
from tests.support.house import made
from tests.support.trading import FIRST, SECOND, THIRD, predict, statuses, trade


@pytest.fixture
def red(open_house):  # noqa: F811
    account = open_house().team(commission="0.01")
    account.at_close_of(EVE)
    account.submit(OrderRequest("red-a", "AAPL", "buy", 10))
    account.at_close_of(DAY)
    account.submit(OrderRequest("red-b", "AAPL", "sell", 4))
    return account


def shown(states):
    return {one.title: one.cells() for one in tables_of(states, 100_000)}


def test_an_account_shows_cash_equity_positions_open_orders_and_activities(red):
    tables = shown([look("red", red)])
    [row] = tables["Accounts"]
    assert row[:4] == ["red", "2012-12-31", "98,999.40", "99,999.40"]
    assert row[4:6] == ["-0.00%", "-0.00%"]
    assert tables["Positions"] == [["red", "AAPL", "10", "100.05", "100.00", "1,000.00", "1.0%", "-0.05%"]]
    [order] = tables["Open orders"]
    assert order[:7] == ["red", "red-b", "sell", "4", "AAPL", "accepted", "0"]
    fee, fill = tables["Last activities"]
    assert fill == ["red", "2012-12-31 09:30", "FILL", "AAPL", "10", "100.0500", "-1,000.50"]
    assert (fee[2], fee[6]) == ("FEE", "-0.10")


def test_a_new_account_has_a_line_and_nothing_else(open_house):  # noqa: F811
    new = open_house().team("blue")
    assert list(shown([look("blue", new)])) == ["Accounts"]


def test_a_blocked_account_says_so(open_house):  # noqa: F811
    house = open_house()
    new = house.team("blue")
    house.admin.block("blue")
    [row] = shown([look("blue", new)])["Accounts"]
    assert row[0] == "blue BLOCKED: trading_blocked"


def test_a_team_in_trouble_has_no_line(red):
    tables = shown([look("red", red), AccountState("blue", trouble="no")])
    assert [row[0] for row in tables["Accounts"]] == ["red"]


def test_in_dagit_the_orders_show_what_planning_saw(house):
    predict(house, FIRST, AAPL=0.01)
    predict(house, SECOND, AAPL=0.01)
    trade(house, FIRST)
    metadata = made(trade(house, SECOND))["red/orders"][0].metadata
    assert "| AAPL | 55 | 442.80 | 24,354.00 |" in metadata["account"].value


@pytest.fixture
def command(house, monkeypatch):
    """`trading ...` over the house's platform and folder."""
    monkeypatch.setattr(account_commands, "read", lambda: (house.settings, house.platform))
    # A console takes COLUMNS when it is made; the module's own may have been made in a narrow test process.
    monkeypatch.setattr(account_commands, "console", Console(width=200))

    def run(*words):
        return CliRunner().invoke(app, list(words))

    return run


def test_the_command_shows_every_team_and_one_that_cannot_be_asked_does_not_hide_the_others(
    house, command, monkeypatch
):
    predict(house, FIRST, AAPL=0.01)
    trade(house, FIRST)
    done = command("account")
    assert done.exit_code == 0, done.output
    assert "red-20130222-AAPL-buy-1" in done.output
    assert "100,000.00" in done.output

    def down(team, broker):
        raise BrokerError(f"team {team}: it is down")

    monkeypatch.setattr(watch, "look", down)
    done = command("account", "red")
    assert done.exit_code == 1
    assert "✗ red: team red: it is down" in done.output
    assert isinstance(command("account", "green").exception, Exception)


def step_in_the_adjusted_closes(house, symbol, before=SECOND):
    bars = from_parquet(house.store.read_file(("market", symbol, "bars"), "bars.parquet"))
    bars.loc[bars["session"] < before, "adj_close"] /= 3
    files = {"bars.parquet": to_parquet(bars)}
    house.store.write(("market", symbol, "bars"), files, replace=True, record={})


def accepting(house, symbol, day):
    market = house.platform.registry.market
    return house.later(accepted={**market.accepted, symbol: (date.fromisoformat(day),)})


def test_a_stopped_symbol_stands_on_the_statement_until_the_organiser_accepts_it(house, command):
    step_in_the_adjusted_closes(house, "AAPL")
    predict(house, SECOND, AAPL=0.01, IBM=0.01)
    assert trade(house, SECOND).success
    assert statuses(house, SECOND) == {"IBM": "submitted"}
    out = " ".join(command("account", "red").output.split())
    assert "Not traded" in out
    assert "red AAPL 2013-02-25" in out
    assert "step by 3 at 2013-02-25, of which its prices know nothing" in out.replace(" red AAPL", "")
    check = team_status(house.platform, house.settings, "red", None, stored(house.store, ["red"])).stopped[0]
    assert (check.name, check.state) == ("AAPL not traded", "warn")
    assert "`market.accepted: {AAPL: [2013-02-25]}` in configs/teams.yaml" in check.said
    settled = made(house.materialize(keys.fills_key("red"), sessions=[SECOND]))["red/fills"][0].metadata
    assert "step by 3 at 2013-02-25" in settled["account"].value
    mended = accepting(house, "AAPL", SECOND)
    predict(mended, THIRD, AAPL=0.01, IBM=0.01)
    assert trade(mended, THIRD).success
    assert statuses(mended, THIRD)["AAPL"] == "submitted"
    assert "Not traded" not in command("account", "red").output


def test_reconcile_says_whether_the_account_is_as_we_left_it_and_accepts_it_with_a_reason(house, command):
    assert "its first session takes it as it is" in command("reconcile", "red").output
    predict(house, FIRST, AAPL=0.01)
    trade(house, FIRST)
    assert "as we left it after 2013-02-22" in command("reconcile", "red").output
    account = house.account()
    account.submit(OrderRequest("by-hand", "IBM", "buy", 2))
    account.at_close_of(date.fromisoformat(SECOND))
    done = command("reconcile", "red")
    assert done.exit_code == 1
    assert "order by-hand: buy 2 IBM" in done.output
    assert command("reconcile", "red", "--accept", " ").exit_code == 1
    assert command("reconcile", "red").exit_code == 1
    assert command("reconcile", "red", "--accept", "a present").exit_code == 0
    assert command("reconcile", "red").exit_code == 0
    assert {one.symbol: one.qty for one in account.positions()}["IBM"] == Decimal(2)
