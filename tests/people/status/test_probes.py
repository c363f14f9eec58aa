import time

import pytest

from my_dagster_project.people.status import probes
from my_dagster_project.people.status.probes import ProbeError
from tests.support.loopback import Reply, serving
from tests.support.minio import free_port
from tests.support.silent import babbling, hanging

PROBES = {"http": probes.http, "postgresql": probes.postgres}
WITHIN = probes.SECONDS + 1.5  # seconds; the machine is shared


@pytest.mark.parametrize("scheme", PROBES)
def test_a_closed_port_is_said_to_be_closed(scheme):
    with pytest.raises(ProbeError, match="refuses connections: nothing runs there"):
        PROBES[scheme](f"{scheme}://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("scheme", PROBES)
def test_a_server_that_takes_connections_and_says_nothing_is_given_up(scheme):
    with hanging() as port:
        began = time.monotonic()
        with pytest.raises(ProbeError, match="does not answer within 2 s"):
            PROBES[scheme](f"{scheme}://127.0.0.1:{port}")
        assert time.monotonic() - began < WITHIN


def test_no_text_holds_the_password_of_an_address():
    with pytest.raises(ProbeError) as raised:
        probes.postgres(f"postgresql+psycopg2://dagster:canary-4711@127.0.0.1:{free_port()}/dagster")
    assert "canary" not in str(raised.value)


def test_another_program_on_the_port_is_not_taken_for_postgres():
    with (
        babbling(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port,
        pytest.raises(ProbeError, match="does not speak"),
    ):
        probes.postgres(f"postgresql://127.0.0.1:{port}")


def test_http_takes_only_the_wanted_answers():
    with serving(Reply("ok"), Reply("no", 403), Reply("oh", 500)) as server:
        assert probes.http(server.url) == "ok"
        assert probes.http(server.url, accept=(200, 403)) == ""
        with pytest.raises(ProbeError, match="HTTP 500"):
            probes.http(server.url)


def test_a_name_nobody_knows():
    with pytest.raises(ProbeError, match="is not known to the name service"):
        probes.tcp("redis://no-such-host.invalid")


def test_what_is_not_dagit_is_not_taken_for_it():
    assert probes.dagit_version('{"dagster_webserver_version": "1.13.27"}') == "1.13.27"
    with pytest.raises(ProbeError, match="not Dagit"):
        probes.dagit_version("<html>")


def test_a_torn_sqlite_file(tmp_path):
    (tmp_path / "torn.db").write_bytes(b"no database" * 1000)
    with pytest.raises(ProbeError, match="cannot be read"):
        probes.sqlite(tmp_path / "torn.db")


def test_free_space_of_a_folder_that_is_not_there_yet(tmp_path):
    free, total = probes.free_space(tmp_path / "not" / "yet")
    assert 0 < free <= total
