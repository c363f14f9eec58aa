"""The health check of the code server, against Dagster's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from my_dagster_project.deploy.health import code_server
from tests.support.minio import free_port
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow
GOOD = "import dagster as dg\ndefs = dg.Definitions()\n"
BROKEN = f"{GOOD}raise RuntimeError('the registry \"x\" cannot be read')\n"


def test_a_location_that_cannot_be_loaded_is_not_well(tmp_path):
    import grpc

    (tmp_path / "held.py").write_text(BROKEN)
    port = free_port()
    command = [
        Path(sys.executable).with_name("dagster"),
        "code-server",
        "start",
        "-p",
        str(port),
        "-m",
        "held",
    ]
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        address = f"localhost:{port}"
        assert code_server(address) == f"{address}: UNAVAILABLE"
        said = wait_for(lambda: None if "UNAV" in (told := code_server(address)) else told, 30, by=server)
        assert said.startswith("the definitions cannot be loaded")
        assert 'the registry "x" cannot be read' in said
        (tmp_path / "held.py").write_text(GOOD)
        with grpc.insecure_channel(address) as channel:
            channel.unary_unary("/api.DagsterApi/ReloadCode")(b"", timeout=60)
        assert code_server(address) == ""
    finally:
        server.terminate()
        server.wait(20)
