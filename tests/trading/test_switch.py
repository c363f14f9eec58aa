"""The kill switch pulled while a real house trades: in planning, between two orders, by command, in Dagit."""

import json

import pytest
import typer
from typer.testing import CliRunner

from my_dagster_project.cli import kill_switch as commands
from my_dagster_project.foundation.console import Console
from my_dagster_project.foundation.errors import ConfigError, TradingError
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.trading.halts import EVERYBODY, halt, lift, past_halts, read_halts
from my_dagster_project.trading.modes import mode_of
from my_dagster_project.trading.planning import Trader, session_plan
from my_dagster_project.trading.submission import submit_plan
from tests.support.house import failures
from tests.support.trading import FIRST, SECOND, predict, record, sent, statuses, trade, trading_house, why


def trader(house):
    entry, config = house.platform.registry.teams["red"], house.platform.teams["red"]
    return Trader("red", config, entry, mode_of(entry, config, broker_url=None))


def test_a_halted_team_sends_nothing_and_what_it_would_have_done_is_on_record(house):
    predict(house, FIRST, AAPL=0.01)
    halt(house.store, "red", "ann", "fat finger")
    assert trade(house, FIRST).success
    assert sent(house) == []
    assert record(house)["outcomes"] == record(house)["plan"]["orders"] == []
    assert why(house, "AAPL").startswith("buy 55 refused: trading of red is halted since ")
    assert why(house, "AAPL").endswith("by ann: fat finger")


def test_a_team_that_is_resumed_before_the_open_trades_the_session_after_all(house):
    predict(house, FIRST, AAPL=0.01)
    halt(house.store, EVERYBODY, "ann", "")
    trade(house, FIRST)
    lift(house.store, EVERYBODY, "ann", "")
    assert trade(house, FIRST).success
    assert statuses(house) == {"AAPL": "submitted"}


def test_the_halt_of_one_team_leaves_the_other_alone(tmp_path):
    house = trading_house(tmp_path, {"red": ["AAPL"], "blue": ["AAPL"]})
    for team, value in (("red", 0.01), ("blue", 0.9)):
        predict(house, FIRST, team=team, AAPL=value)
    halt(house.store, "red", "ann", "")
    assert trade(house, FIRST).success
    assert trade(house, FIRST, "blue").success
    assert house.account("red").orders() == []
    assert len(house.account("blue").orders()) == 1


def test_a_halt_between_two_orders_stops_the_second_and_the_next_run_completes_it(house):
    from datetime import date

    predict(house, FIRST, AAPL=0.02, IBM=0.01)
    account, session = house.account(), date.fromisoformat(FIRST)
    plan = session_plan(trader(house), session, house.store, lambda: account)
    asked = []

    def allowed():
        asked.append(len(account.orders()))
        if len(asked) == 2:
            halt(house.store, "red", "ann", "enough")
        return read_halts(house.store).reason("red")

    outcomes = submit_plan(account, plan, allowed)
    assert [one.status for one in outcomes] == ["submitted", "halted"]
    assert asked == [0, 1]
    assert outcomes[1].detail.endswith("by ann: enough")
    lift(house.store, "red", "ann", "")
    assert trade(house, FIRST).success
    assert statuses(house) == {"AAPL": "already there", "IBM": "submitted"}


def test_a_switch_that_cannot_be_read_stops_everybody(house):
    predict(house, FIRST, AAPL=0.01)
    place = house.settings.home / "store" / ".trading"
    place.mkdir()
    (place / "halts").symlink_to(place / "halts")
    assert trade(house, FIRST).success
    assert sent(house) == []
    assert "the kill switch cannot be read, so nobody trades" in why(house, "AAPL")


@pytest.fixture
def command(house, monkeypatch):
    monkeypatch.setattr(commands, "load_settings", lambda: house.settings)
    monkeypatch.setattr(commands, "read", lambda: (house.settings, house.platform))
    monkeypatch.setattr(commands, "console", Console(width=200))
    app = typer.Typer(pretty_exceptions_enable=False)
    for one in (commands.halt, commands.resume, commands.halts):
        app.command()(one)

    def run(*arguments):
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, TradingError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_the_commands_say_what_they_did_and_what_is_in_force(house, command):
    assert "trading of red is halted since " in command("halt", "red", "--reason", "fat finger")
    assert "in force: trading of red" in command("halts")
    command("halt", "--all")
    said = command("resume", "red", "--reason", "checked")
    assert "lifted: trading of red" in said
    assert "red: everybody's trading is halted since " in said
    assert "red trades again." in command("resume", "--all")
    assert "There was nothing to lift." in command("resume", "red")
    listed = command("halts")
    assert "may trade" in listed
    assert "checked; trading of red is halted since " in listed
    with pytest.raises(TradingError, match="say whom"):
        command("halt")
    with pytest.raises(TradingError, match="no team 'green'"):
        command("resume", "green")


def test_everybody_can_be_halted_while_the_registry_has_a_mistake(house, command, monkeypatch):
    def broken():
        raise ConfigError("configs/teams.yaml:1: unknown key")

    monkeypatch.setattr(commands, "read", broken)
    assert "everybody's trading is halted since " in command("halt", "--all")
    assert read_halts(house.store).reason("red")
    with pytest.raises(ConfigError):
        command("halt", "red")


def test_open_orders_are_cancelled_on_request_and_the_switch_holds_when_the_broker_does_not(house, command):
    predict(house, FIRST, AAPL=0.02, IBM=0.01)
    trade(house, FIRST)
    house.broker.embedded().admin().fault("500", method="GET", path="/v2/orders", times=3)
    with pytest.raises(TradingError, match="halted, but open orders of red may still fill"):
        command("halt", "red", "--cancel-open")
    assert read_halts(house.store).reason("red")
    said = command("halt", "red", "--cancel-open")
    assert said.count(": cancelled") == 2
    assert {one.status for one in house.account().orders()} == {"canceled"}
    assert "no open orders" in command("halt", "red", "--cancel-open")
    predict(house, SECOND, AAPL=0.02)
    trade(house, SECOND)
    assert house.account().positions() == []


def job(house, name):
    return build_definitions(house.platform, house.settings).resolve_job_def(name)


def test_one_click_in_dagit_halts_everybody_and_a_team_has_to_be_named_to_resume(house):
    predict(house, FIRST, AAPL=0.02)
    trade(house, FIRST)
    assert job(house, "trading_halt").execute_in_process(instance=house.instance).success
    assert read_halts(house.store).halts[0].by.startswith("Dagit run ")
    config = {"ops": {"halt": {"config": {"team": "red", "reason": "drill", "cancel_open": True}}}}
    assert job(house, "trading_halt").execute_in_process(config, instance=house.instance).success
    assert [one.status for one in house.account().orders()] == ["canceled"]
    for team in (EVERYBODY, "red"):
        config = {"ops": {"resume": {"config": {"team": team}}}}
        assert job(house, "trading_resume").execute_in_process(config, instance=house.instance).success
    assert read_halts(house.store).reason("red") == ""
    assert {one.reason for one in past_halts(house.store)} == {"", "drill"}
    config = {"ops": {"resume": {"config": {"team": "green"}}}}
    run = job(house, "trading_resume").execute_in_process(
        config, instance=house.instance, raise_on_error=False
    )
    assert failures(run)["resume"].startswith("there is no team 'green'")


def test_the_record_of_a_halted_session_is_plain_json(house):
    predict(house, FIRST, AAPL=0.01)
    trade(house, FIRST)
    assert json.loads(json.dumps(record(house)))["mode"] == "paper"
