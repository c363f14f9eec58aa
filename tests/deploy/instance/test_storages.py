"""Dagster's storages: connections after a restart of PostgreSQL are noticed, no error page; an event is stored whole or not at all."""

import os

import dagster as dg
import pytest
from dagster._core.utils import make_new_run_id
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from my_dagster_project.deploy.instance.postgres_storage import (
    RedactedPostgresEvents,
    RedactedPostgresStorage,
)
from my_dagster_project.deploy.instance.sqlite_storage import EmbeddedEventLogStorage
from tests.support.postgres import postgres


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres(tmp_path_factory.mktemp("pg")) as server:
        yield server


def hang_up(server) -> None:
    """What a restart does to every connection that somebody holds."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'dagit'"
    server.server.psql(others)


def test_instances_of_a_process_share_its_connections_and_look_for_tables_once(server):
    url = server.new_database("shared")
    RedactedPostgresStorage(url).run_storage.get_runs()
    before = sessions_of(server, "shared")
    for _ in range(20):
        storage = RedactedPostgresStorage(url)
        assert storage.run_storage.get_runs() == []
        assert storage.schedule_storage.all_instigator_state() == []
        assert storage.event_log_storage.all_asset_keys() == []
    assert sessions_of(server, "shared") - before <= 1
    server.server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shared'")
    assert storage.run_storage.get_runs() == []


def sessions_of(server, database: str) -> int:
    """How many connections were ever made to it."""
    said = server.server.psql(f"SELECT sessions FROM pg_stat_database WHERE datname = '{database}'")
    return int(said.split()[2])


def test_a_fork_uses_none_of_its_parents_connections(server):
    storage = RedactedPostgresStorage(server.new_database("forked"))
    storage.run_storage.get_runs()
    ours = backend(storage)
    child = os.fork()
    if child == 0:
        os._exit(0 if backend(storage) != ours else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert backend(storage) == ours


def backend(storage) -> int:
    with storage.run_storage.connect() as connection:
        return connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()


def test_connections_a_web_server_holds_survive_a_restart(server):
    storage = RedactedPostgresStorage(server.new_database("dagit"))
    parts = (storage.run_storage, storage.event_log_storage, storage.schedule_storage)
    for part in parts:
        part.optimize_for_webserver(statement_timeout=5000, pool_recycle=3600, max_overflow=20)
    storage.run_storage.add_run(dg.DagsterRun(job_name="red_train", run_id=make_new_run_id()))
    assert len(storage.run_storage.get_runs()) == 1
    assert storage.schedule_storage.all_instigator_state() == []
    assert storage.event_log_storage.all_asset_keys() == []
    hang_up(server)
    try:
        assert len(storage.run_storage.get_runs()) == 1
        assert storage.schedule_storage.all_instigator_state() == []
        assert storage.event_log_storage.all_asset_keys() == []
    except DBAPIError as error:
        raise AssertionError("a held connection was used without asking whether it still is one") from error


ORDERS = dg.AssetKey(["red", "orders"])


def made(session: str) -> dg.EventLogEntry:
    from dagster._core.events import DagsterEvent, StepMaterializationData

    event = DagsterEvent(
        event_type_value=dg.DagsterEventType.ASSET_MATERIALIZATION.value,
        job_name="red_trade",
        event_specific_data=StepMaterializationData(dg.AssetMaterialization(ORDERS, partition=session)),
    )
    return dg.EventLogEntry(None, 10, "", make_new_run_id(), 1.0, dagster_event=event)


@pytest.mark.parametrize("kind", ["embedded", "of the stack"])
def test_an_event_and_the_row_of_its_asset_are_stored_together_or_not_at_all(kind, server, tmp_path):
    """kill -9 between the two: nobody judges by one of them without the other."""
    storage = storage_of(kind, server, tmp_path, "events")
    storage.store_event(made("2013-02-21"))
    if (child := os.fork()) == 0:
        storage._store_asset_event = lambda *_: os._exit(9)
        storage.store_event(made("2013-02-22"))
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert newest(storage) == (row(storage), "2013-02-21")
    storage.store_event(made("2013-02-22"))
    assert newest(storage) == (row(storage), "2013-02-22")
    storage.store_event_batch([made("2013-02-25"), made("2013-02-26")])
    assert newest(storage) == (row(storage), "2013-02-26")


def newest(storage) -> tuple[int, str | None]:
    record = storage.fetch_materializations(ORDERS, limit=1).records[0]
    return record.storage_id, record.partition_key


def row(storage) -> int:
    """The event that the asset's own row has for its newest, which runs note as what they read."""
    return storage.get_asset_records([ORDERS])[0].asset_entry.last_materialization_record.storage_id


@pytest.mark.parametrize("kind", ["embedded", "of the stack"])
def test_what_a_step_tells_waits_for_what_is_judged_by_and_is_read_and_stored_in_order(
    kind, server, tmp_path
):
    storage = storage_of(kind, server, tmp_path, "waiting")
    run = make_new_run_id()
    for step in ("a", "b"):
        storage.store_event(told(run, step))
    with raw(storage) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM event_logs").scalar() == 0
    if (child := os.fork()) == 0:  # It is the parent's to store.
        storage.store_event(made("2013-02-21"))
        os._exit(len(storage.get_logs_for_run(run)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [one.step_key for one in storage.get_logs_for_run(run)] == ["a", "b"]
    storage.store_event(told(run, "c"))
    storage.store_event(made("2013-02-22"))
    with raw(storage) as connection:
        rows = connection.exec_driver_sql("SELECT step_key, partition FROM event_logs ORDER BY id").fetchall()
    assert [tuple(one) for one in rows] == [
        (None, "2013-02-21"),
        *((step, None) for step in "abc"),
        (None, "2013-02-22"),
    ]
    assert newest(storage) == (row(storage), "2013-02-22")
    storage.store_event(told(run, "d"))
    assert newest(storage) == newest(storage)
    storage.store_event(told(run, "e"))
    storage.store_event(made("2013-02-25"))
    assert newest(storage)[1] == "2013-02-25"


def test_no_secret_is_stored_of_what_waited(tmp_path, monkeypatch):
    storage = EmbeddedEventLogStorage(str(tmp_path))
    run = make_new_run_id()
    monkeypatch.setenv("ALPACA_RED_SECRET", "hunter2-hunter2")
    storage.store_event(told(run, "hunter2-hunter2"))
    with raw(storage) as connection:
        storage.store_event(made("2013-02-22"))
        rows = connection.exec_driver_sql("SELECT * FROM event_logs").fetchall()
    assert len(rows) == 2
    assert "hunter2" not in str([one.event for one in rows])


def storage_of(kind: str, server, folder, database: str):
    embedded = kind == "embedded"
    return (
        EmbeddedEventLogStorage(str(folder))
        if embedded
        else RedactedPostgresEvents(server.new_database(database), True)
    )


def told(run: str, step: str) -> dg.EventLogEntry:
    """A line of a step's log."""
    return dg.EventLogEntry(None, 20, f"of {step}", run, 1.0, step_key=step)


def raw(storage):
    """A connection of its own, before which nothing is stored."""
    return create_engine(
        storage._conn_string if hasattr(storage, "_conn_string") else storage.postgres_url
    ).connect()
