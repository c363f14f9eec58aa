"""The web server's connections after a restart of PostgreSQL: noticed, not an error page."""

import pytest
from dagster import DagsterRun
from dagster._core.utils import make_new_run_id
from sqlalchemy.exc import DBAPIError

from my_dagster_project.deploy.instance.postgres_storage import RedactedPostgresStorage
from tests.support.postgres import postgres


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres(tmp_path_factory.mktemp("pg")) as server:
        yield server


def hang_up(server) -> None:
    """What a restart does to every connection that somebody holds."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'dagit'"
    server.server.psql(others)


def test_connections_a_web_server_holds_survive_a_restart(server):
    storage = RedactedPostgresStorage(server.new_database("dagit"))
    parts = (storage.run_storage, storage.event_log_storage, storage.schedule_storage)
    for part in parts:
        part.optimize_for_webserver(statement_timeout=5000, pool_recycle=3600, max_overflow=20)
    storage.run_storage.add_run(DagsterRun(job_name="red_train", run_id=make_new_run_id()))
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
