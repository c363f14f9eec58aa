"""A short outage in a replay, what the table says of it, and the next run: the real main job's stages, without the models."""

import io
import json
from dataclasses import replace
from datetime import date

import dagster as dg
import pytest
import typer
from typer.testing import CliRunner

from my_dagster_project.cli import reset as commands
from my_dagster_project.foundation.console import Console
from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.main_job.afresh import start_afresh
from my_dagster_project.main_job.phases import PhaseEvent
from my_dagster_project.main_job.screen import Screen
from my_dagster_project.main_job.stages import Stages
from my_dagster_project.main_job.summary import print_leaderboard
from my_dagster_project.pipeline.alarming import stored_leaderboard
from my_dagster_project.pipeline.assets import keys
from tests.support.accounts import fills
from tests.support.gitrepo import git
from tests.support.house import House
from tests.support.trading import predict, trading_house
from tests.support.versions import read_version
from tests.trading.ledger import ledger

pytestmark = pytest.mark.slow
SESSIONS = ("2013-02-26", "2013-02-27", "2013-02-28")
LAST = "2013-03-01"
POSITIONS, CLOCK = ("GET", "/v2/positions"), ("POST", "/paper/v1/clock")
SAID = ({"AAPL": 0.02, "IBM": 0.01}, {"AAPL": -0.01}, {"AAPL": 0.01, "IBM": -0.01})


@pytest.fixture
def house(tmp_path, monkeypatch) -> House:
    """Red with three sessions predicted, as Dagster and the store have it once its models have predicted."""
    made = trading_house(tmp_path)
    registry = made.platform.registry
    shorter = registry.competition.model_copy(update={"replay_sessions": len(SESSIONS)})
    registry = registry.model_copy(update={"competition": shorter})
    made = House(replace(made.platform, registry=registry), made.settings)
    for session, said in zip(SESSIONS, SAID, strict=True):
        predict(made, session, **said)
    for symbol in ("AAPL", "IBM"):
        events = [dg.AssetMaterialization(keys.features_key("red", symbol))]
        events += [dg.AssetMaterialization(keys.model_key("red", symbol))]
        events += [
            dg.AssetMaterialization(keys.predictions_key("red", symbol), partition=session)
            for session in SESSIONS
        ]
        for event in events:
            made.instance.report_runless_asset_event(event)
    monkeypatch.setattr(dg.DagsterInstance, "get", lambda: made.instance)
    return made


def run(house: House, *, sessions: int | None = None, at=POSITIONS) -> tuple[list[str], str]:
    """Trading, fills and leaderboard of the main job: its problems, and what the screen has said.

    After so many `sessions` the broker fails for a moment: three requests for positions, as often as the client asks.
    """
    console, traded = Console(width=200, file=io.StringIO()), []
    with Screen(console) as screen:

        def tell(event: PhaseEvent) -> None:
            screen.show(event)
            if event.phase == "red: trading" and event.kind in ("begin", "step"):
                if len(traded) == sessions:
                    outage(house, at)
                traded.append(event)

        stages = Stages(house.platform, house.settings, tell)
        stages.phase("trade", "red")
        stages.phase("settle", "red")
        stages.phase("leaderboard")
    print_leaderboard(console, stored_leaderboard(house.store))
    return [problem.message for problem in stages.problems], console.file.getvalue()


def outage(house: House, at=POSITIONS) -> None:
    house.account()
    admin = house.broker.embedded().admin()
    admin.fault("500", method=at[0], path=at[1], times=3, key="PK-red")


def afresh(house: House) -> None:
    start_afresh("red", house.broker, house.store, house.instance, "me", "a test")


def books(house: House) -> dict:
    found = ledger(house.settings.home / "broker" / "accounts.sqlite", "red")
    orders = [(one["client_order_id"], one["qty"], one["status"]) for one in found.orders]
    return {"orders": orders, "equity": found.equity, "clock": found.account["session"]}


def board(house: House):
    [red] = [row for row in stored_leaderboard(house.store).teams if row.team == "red"]
    return red.trading


@pytest.fixture
def quiet(house):
    """The same replay without any trouble: its books and its figures; afterwards the house is as before."""
    problems, _ = run(house)
    assert problems == []
    told = books(house), board(house)
    afresh(house)
    return told


def test_the_table_agrees_with_the_brokers_own_books(house):
    assert run(house)[0] == []
    account, money = house.account(), board(house)
    assert (money.orders, money.fills) == (len(account.orders()), len(fills(account)))
    assert money.orders == 5
    curve = [float(point.equity) for point in account.equity_history()]
    assert money.equity == curve[-1]
    assert money.total_return == curve[-1] / 100_000 - 1
    traded = float(sum(abs(fill.amount) for fill in fills(account)))
    assert money.costs == pytest.approx(traded * 5 / 10_000, abs=0.001)
    assert (money.sessions, money.expected, money.part) == (3, 3, "")


@pytest.mark.parametrize("at", [POSITIONS, CLOCK])
def test_an_outage_is_marked_in_the_table_moves_no_clock_and_the_next_run_goes_on(house, quiet, at):
    problems, said = run(house, sessions=1, at=at)
    assert len(problems) == 1
    assert "✗ red: trading: 2 of 3 not done" in said
    assert "red (1 of 3 sessions)" in said
    assert books(house)["clock"] == SESSIONS[1]
    assert board(house).equity == float(house.account().account().equity)
    problems, said = run(house)
    assert problems == []
    assert "✓ red: trading 2 done" in said
    assert "of 3 sessions" not in said
    assert (books(house), board(house)) == quiet


def test_a_changed_replay_that_stops_shows_nothing_of_the_one_before_and_goes_on_where_it_stopped(
    house, quiet
):
    assert run(house)[0] == []
    red = house.platform.teams["red"]
    trading = red.trading.model_copy(update={"position_share": 0.1})
    house.platform.teams["red"] = red.model_copy(update={"trading": trading})
    assert len(run(house, sessions=0)[0]) == 1
    assert (board(house).part, board(house).orders) == ("0 of 3 sessions", 0)
    assert len(run(house, sessions=1)[0]) == 1
    assert board(house).part == "1 of 3 sessions"
    problems, said = run(house)
    assert problems == []
    assert "✓ red: trading 2 done" in said
    assert board(house).part == ""
    assert books(house)["orders"] != quiet[0]["orders"]
    before = books(house)
    assert run(house)[1].count("up to date") == 3
    assert books(house) == before


def test_fills_that_could_not_be_read_are_marked_too(house, monkeypatch):
    monkeypatch.setenv("TRADING_RETRY_SECONDS", "0.01")
    Stages(house.platform, house.settings, lambda event: None).phase("trade", "red")
    admin = house.broker.embedded().admin()
    admin.fault("500", method="GET", path="/v2/account/activities", times=9, key="PK-red")
    problems, said = run(house)
    assert len(problems) == 1
    assert "red (0 of 3 sessions)" in said


@pytest.fixture
def command(house, monkeypatch, tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "configs")
    git(tmp_path, "commit", "-q", "-m", "first")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setattr(commands, "read", lambda: (house.settings, house.platform))
    monkeypatch.setattr(commands, "console", Console(width=300))
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(commands.reset)
    return lambda *arguments, said="": CliRunner().invoke(app, list(arguments), input=said)


def test_a_reset_asks_is_on_record_keeps_the_versions_and_everything_is_traded_anew(house, command, tmp_path):
    run(house)
    before, orders = books(house), house.store.read(("red", "orders"))
    house.account().at_close_of(date.fromisoformat(LAST))
    assert command("red", said="n\n").exit_code == 1
    assert books(house)["orders"] == before["orders"]
    asked = command("red", "--reason", "the outage of Monday", said="y\n")
    assert asked.exit_code == 0, asked.output
    assert "Give red a fresh account with $100,000.00? Its 3 sessions on record" in asked.output
    assert books(house)["orders"] == []
    assert house.store.names(("red", "orders")) == house.store.names(("red", "fills")) == []
    assert house.instance.get_materialized_partitions(keys.orders_key("red")) == set()
    assert read_version(house.store, tmp_path, "red", ("red", "orders")) == orders
    notes = [
        json.loads(house.store.store.get(one.key)) for one in house.store.store.list(".trading/resets/red/")
    ]
    [told] = [one for one in notes if one["reason"] == "the outage of Monday"]
    assert told["by"]
    assert told["sessions"] == list(SESSIONS)
    problems, said = run(house)
    assert problems == []
    assert "✓ red: trading 3 done" in said
    assert books(house) == before


def test_an_account_that_stands_too_late_is_freed_by_a_reset(house, command):
    """What a table of before did to an account: its clock stands behind the sessions that are left."""
    run(house, sessions=1)
    house.account().at_close_of(date.fromisoformat(LAST))
    [message] = run(house)[0]
    assert "only goes forward" in message
    assert "trading reset red" in message
    assert command("red", "--yes").exit_code == 0
    assert run(house)[0] == []
    assert board(house).part == ""


def test_an_account_outside_is_not_reset_and_nothing_is_forgotten(house):
    run(house)
    outside = house.broker.model_copy(update={"url": "https://paper-api.alpaca.markets"})
    with pytest.raises(BrokerError, match="a real account cannot be reset from here, and nothing is changed"):
        start_afresh("red", outside, house.store, house.instance, "me", "")
    assert len(house.store.names(("red", "orders"))) == 3
    assert len(house.instance.get_materialized_partitions(keys.orders_key("red"))) == 3


def test_a_fresh_start_that_cannot_be_written_is_a_problem_of_its_team_and_nothing_is_begun(house):
    place = house.settings.home / "store" / ".trading"
    place.mkdir(parents=True)
    (place / "resets").write_text("a file where the folder would be")
    problems, said = run(house)
    assert len(problems) == 1
    assert "✗ red: trading: 3 of 3 not done" in said
    (place / "resets").unlink()
    assert run(house)[0] == []
