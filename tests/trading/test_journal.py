"""A team's journal: on the command line, as CSV, in Dagit; each round trip with the decisions behind it."""

import csv
import re

import pytest
from typer.testing import CliRunner

from my_dagster_project.cli import team_accounts as account_commands
from my_dagster_project.cli.commands import app
from my_dagster_project.foundation.console import Console
from my_dagster_project.pipeline.assets import keys
from tests.support.house import made
from tests.support.trading import FIRST, SECOND, THIRD, predict, trade, trading_house


@pytest.fixture(scope="module")
def traded(tmp_path_factory):
    house = trading_house(tmp_path_factory.mktemp("journal"))
    predict(house, FIRST, AAPL=0.01, IBM=0.01)
    predict(house, SECOND, AAPL=-0.01)
    predict(house, THIRD, IBM=0.01)
    for session in (FIRST, SECOND, THIRD):
        assert trade(house, session).success
    return house


@pytest.fixture
def command(traded, monkeypatch):
    monkeypatch.setattr(account_commands, "read", lambda: (traded.settings, traded.platform))
    monkeypatch.setattr(account_commands, "console", Console(width=220))
    return lambda *words: CliRunner().invoke(app, list(words))


def test_every_round_trip_has_its_prediction_its_sessions_and_the_reason_it_ended(traded, command, tmp_path):
    said = command("journal", "red").output
    assert "predicted -1.000 %, below +0.000 %" in said
    assert re.search(r"[01] of 1 round trips gained; in all [+-][\d.]+, held [+-][\d.,]+", said)
    file = tmp_path / "trips.csv"
    assert command("journal", "red", "--csv", str(file)).exit_code == 0
    ended, held = csv.DictReader(file.read_text().splitlines())
    assert (ended["symbol"], ended["entry"], ended["exit"], ended["sessions"]) == (
        "AAPL", "2013-02-25", "2013-02-26", "1",
    )  # fmt: skip
    assert (ended["predicted"], ended["entry_order"]) == ("0.01", "red-20130222-AAPL-buy-1")
    assert ended["exit_order"] == "red-20130225-AAPL-sell-1"
    assert ended["entry_reason"].startswith("predicted +1.000 %, above +0.020 %")
    assert (held["symbol"], held["exit"], held["sessions"], held["exit_reason"]) == ("IBM", "", "2", "")
    gains = sum(float(row["gain"]) for row in (ended, held))
    assert gains == pytest.approx(float(traded.account().account().equity) - 100_000)


def test_one_symbol_alone_and_a_symbol_without_any(command):
    said = command("journal", "red", "--symbol", "IBM").output
    assert "IBM" in said
    assert "AAPL" not in said
    assert "red has no round trip in MSFT yet" in command("journal", "red", "--symbol", "MSFT").output


def test_a_file_that_cannot_be_written_is_named(command, tmp_path):
    failed = command("journal", "red", "--csv", str(tmp_path / "nowhere" / "trips.csv"))
    assert "trips.csv cannot be written: No such file or directory" in str(failed.exception)


def test_an_account_that_did_nothing_yet_has_none(tmp_path, monkeypatch):
    house = trading_house(tmp_path)
    monkeypatch.setattr(account_commands, "read", lambda: (house.settings, house.platform))
    monkeypatch.setattr(account_commands, "console", Console(width=220))
    assert "red has no round trip yet" in CliRunner().invoke(app, ["journal", "red"]).output


def test_in_dagit_it_stands_with_the_fills(traded):
    settled = traded.materialize(keys.fills_key("red"), sessions=[FIRST])
    told = made(settled)["red/fills"][0].metadata["round_trips"].value
    assert "| red | AAPL | " in told
    assert "| held |" in told
