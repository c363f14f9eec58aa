"""The lease of an account: on files and on a real PostgreSQL, between threads and processes, with kills."""

import subprocess
import sys
import threading
import time
from datetime import date
from types import SimpleNamespace

import pytest

from my_dagster_project.main_job.stages import Stages
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.assets import orders_asset as orders
from my_dagster_project.trading import lease as leasing
from my_dagster_project.trading.lease import FileLeases, LeaseError, PostgresLeases, lease, leases_of
from tests.support.deployment import embedded_instance
from tests.support.house import failures
from tests.support.postgres import postgres
from tests.support.trading import predict, record, sent, trade, trading_house
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

HOLD = """
import sys, time
from my_dagster_project.trading.lease import FileLeases, PostgresLeases, lease
from pathlib import Path
kind, place = sys.argv[1:3]
leases = FileLeases(Path(place)) if kind == "FileLeases" else PostgresLeases(place)
with lease(leases, "RED", "run 1234abcd"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres(tmp_path_factory.mktemp("pg")) as server:
        yield server, server.new_database("leases")


@pytest.fixture(params=["files", "postgres"])
def leases(request, tmp_path):
    if request.param == "files":
        return FileLeases(tmp_path / "leases")
    return PostgresLeases(request.getfixturevalue("server")[1])


def held_elsewhere(leases) -> subprocess.Popen:
    """Another process that has RED."""
    place = str(leases.folder) if isinstance(leases, FileLeases) else leases.url
    command = [sys.executable, "-c", HOLD, type(leases).__name__, place]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_one_has_an_account_at_a_time_and_others_are_told_who(leases):
    first = leases.take("RED", "run 1, process 7 on worker-a")
    assert first
    assert leases.take("RED", "run 2") is None
    assert leases.holder("RED") == "run 1, process 7 on worker-a"
    blue = leases.take("BLUE", "run 3")
    assert blue, "another account is another lease"
    first.require()
    first.release()
    first.release()
    assert leases.holder("RED") == ""
    again = leases.take("RED", "run 2")
    assert again
    again.release()
    blue.release()


def test_a_killed_process_has_nothing_any_more(leases):
    process = held_elsewhere(leases)
    try:
        named = pytest.raises(LeaseError, match="account RED is being traded by run 1234abcd, process")
        with named, lease(leases, "RED", "run 2", wait=0.3):
            raise AssertionError("two have it")
        said: list[str] = []
        # Killed while somebody waits.
        threading.Timer(0.5, process.kill).start()
        with lease(leases, "RED", "run 2", said.append, wait=20) as held:
            held.require()
        [text] = said
        assert text.startswith("waits for account RED, which is being traded by run 1234abcd, process")
    finally:
        process.kill()
        process.wait()


def test_a_holder_that_is_just_ending_is_not_named_again_as_somebody_else(leases, monkeypatch):
    """PostgreSQL knows no name between the end of a killed process and the end of its connection."""
    held, said, names = leases.take("RED", "run 1"), [], iter(["run 1", ""])

    def dying(self, account):
        if not (name := next(names)):
            held.release()
        return name

    monkeypatch.setattr(type(leases), "holder", dying)
    monkeypatch.setattr(leasing, "_POLL_SECONDS", 0.01)
    with lease(leases, "RED", "run 2", said.append, wait=20):
        pass
    assert said == ["waits for account RED, which is being traded by run 1"]


def test_a_thread_may_take_again_what_it_has_and_another_thread_may_not(leases):
    refused = []

    def other() -> None:
        try:
            with lease(leases, "RED", "the other thread", wait=0):
                pass
        except LeaseError as error:
            refused.append(error)

    with lease(leases, "RED", "trading run") as outer, lease(leases, "RED", "its run", wait=0) as inner:
        assert inner is outer
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(refused) == 1
    with lease(leases, "RED", "somebody", wait=0):
        pass


def test_who_lost_the_connection_finds_out_before_the_next_order(server):
    leases = PostgresLeases(server[1])
    with lease(leases, "RED", "run 1") as held:
        held.require()
        hang_up = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'leases'"
        server[0].server.psql(f"{hang_up} AND pid <> pg_backend_pid()")
        with pytest.raises(LeaseError, match="nothing more is sent"):
            held.require()
        other = wait_for(lambda: leases.take("RED", "run 2"))
        other.release()


def test_without_postgresql_nobody_trades(tmp_path):
    url = "postgresql+psycopg2://nobody:geheim@127.0.0.1:1/dagster"  # pragma: allowlist secret
    leases = PostgresLeases(url)
    with pytest.raises(LeaseError, match="account RED: PostgreSQL") as caught, lease(leases, "RED", "run 1"):
        pass
    assert "geheim" not in str(caught.value)


SESSIONS = ["2013-02-20", "2013-02-21"]


@pytest.fixture
def house(tmp_path):
    house = trading_house(tmp_path, {"red": ["AAPL"]}, start=date(2010, 6, 1))
    predict(house, SESSIONS[0], AAPL=0.01)
    predict(house, SESSIONS[1], AAPL=-0.01)
    return house


def test_orders_wait_for_who_trades_the_account_and_say_for_whom(house, monkeypatch):
    monkeypatch.setattr(leasing, "WAIT_SECONDS", 0.3)
    leases = leases_of(house.instance, house.broker.leases)
    held = leases.take("red", "`trading run`, process 12 on laptop")
    run = trade(house, SESSIONS[0])
    [message] = failures(run).values()
    assert message.startswith(
        "account red is being traded by `trading run`, process 12 on laptop; waited 0 s. Nothing"
    )
    assert sent(house) == []
    fills = house.materialize(keys.fills_key("red"), sessions=[SESSIONS[0]])
    assert "is being traded by `trading run`" in next(iter(failures(fills).values()))
    held.release()
    assert trade(house, SESSIONS[0]).success
    assert leases.take("red", "the next one"), "given back when the record was written"


def test_the_lease_is_had_until_the_record_is_written(house, monkeypatch):
    leases = leases_of(house.instance, house.broker.leases)
    seen = []
    write = type(house.store).write

    def watched(store, asset, *rest, **more):
        if asset == ("red", "orders"):
            seen.append(leases.holder("red"))
        return write(store, asset, *rest, **more)

    monkeypatch.setattr(type(house.store), "write", watched)
    run = trade(house, SESSIONS[0])
    assert run.success
    assert [text.partition(",")[0] for text in seen] == [f"run {run.run_id[:8]}"]


def test_a_plan_is_on_record_before_anything_is_sent(house):
    run = trade(house, SESSIONS[0])
    kinds = [event.event_type_value for event in run.all_events]
    assert kinds.index("ASSET_OBSERVATION") < kinds.index("ASSET_MATERIALIZATION")
    [noted] = [event for event in run.all_events if event.event_type_value == "ASSET_OBSERVATION"]
    observation = noted.event_specific_data.asset_observation
    assert (observation.partition, observation.description) == (SESSIONS[0], "planned, not sent")
    assert observation.metadata["plan"].value == record(house, SESSIONS[0])["plan"]


def test_a_range_of_sessions_in_one_run_is_traded_in_order_and_so_is_a_range_of_one(house):
    assert house.materialize(keys.orders_key("red"), sessions=[SESSIONS[0], SESSIONS[0]]).success
    assert sent(house) == ["red-20130220-AAPL-buy-1"]
    assert house.materialize(keys.orders_key("red"), sessions=SESSIONS[:2]).success
    assert sent(house) == ["red-20130220-AAPL-buy-1", "red-20130221-AAPL-sell-1"]


def test_a_session_that_begins_between_plan_and_submission_of_the_one_before_waits_for_its_record(
    house, monkeypatch
):
    second, met = [], threading.Event()
    plan = orders.session_plan

    def waiting(seconds: float) -> None:
        met.set()
        time.sleep(seconds)

    def trade_second() -> None:
        second.append(trade(house, SESSIONS[1]))
        met.set()

    def planned(trader, session, *rest):
        made = plan(trader, session, *rest)
        if session.isoformat() == SESSIONS[0]:
            thread.start()
            assert met.wait(30)
        return made

    thread = threading.Thread(target=trade_second)
    monkeypatch.setattr(leasing, "time", SimpleNamespace(sleep=waiting, monotonic=time.monotonic))
    monkeypatch.setattr(orders, "session_plan", planned)
    first = trade(house, SESSIONS[0])
    thread.join()
    assert (failures(first), failures(second[0])) == ({}, {})
    assert sent(house) == ["red-20130220-AAPL-buy-1", "red-20130221-AAPL-sell-1"]


def test_trading_run_waits_for_who_trades_the_account_and_says_so(house, tmp_path, monkeypatch):
    monkeypatch.setattr(leasing, "WAIT_SECONDS", 0.3)
    with embedded_instance(tmp_path / "dagster") as instance:
        stages = Stages(house.platform, house.settings, lambda event: None)
        held = leases_of(instance, house.broker.leases).take("red", "run 1234abcd")
        stages.phase("trade", "red")
        [problem] = stages.problems
        assert problem.step == "red/orders"
        assert problem.message.startswith("account red is being traded by run 1234abcd; waited")
        held.release()
        stages.phase(
            "trade", "red"
        )  # Nothing was ever predicted by a model here, so there is nothing to trade.
        assert len(stages.problems) == 1
