"""The stack's Caddyfile in a real Caddy, in front of a server that says yes to everything."""

import http.client
import os
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.foreign_requests import ASKED, HOST
from tests.support.loopback import Reply, serving
from tests.support.minio import free_port
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]
CADDYFILE = ROOT / "my_dagster_project" / "deploy" / "Caddyfile"
CADDY = shutil.which("caddy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
PASSWORD = "organiser's"
LOGIN = {"Authorization": f"Basic {b64encode(f'organiser:{PASSWORD}'.encode()).decode()}"}

pytestmark = pytest.mark.skipif(CADDY is None, reason="no caddy on this machine")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory) -> Iterator[dict[str, int]]:
    """By the stack's own port: where it is now."""
    with serving(Reply()) as behind:
        text = re.sub(r"(reverse_proxy) \S+", rf"\1 127.0.0.1:{behind.port}", CADDYFILE.read_text())
        ports = {port: free_port() for port in re.findall(r"^:(\d+) \{", text, re.MULTILINE)}
        text = re.sub(r"^:(\d+) \{", lambda site: f":{ports[site[1]]} {{", text, flags=re.MULTILINE)
        folder = tmp_path_factory.mktemp("caddy")
        (folder / "Caddyfile").write_text(text)
        # The dearest part of a request otherwise, by far.
        cheap = [CADDY, "hash-password", "--bcrypt-cost", "4", "--plaintext", PASSWORD]
        hashed = subprocess.run(cheap, check=True, capture_output=True, text=True).stdout.strip()
        environment = {"HOME": str(folder), "ORGANISER_HASH": hashed, "TEAMS_HASH": hashed}
        command = [CADDY, "run", "--config", "Caddyfile", "--adapter", "caddyfile"]
        with (folder / "log").open("wb") as log:
            caddy = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            wait_for(lambda: caddy.poll() is None and answers(ports["8090"]), 30)
            yield ports
        finally:
            caddy.kill()
            caddy.wait()


def answers(port: int) -> bool:
    try:
        return status(port, "GET", {}) == 200
    except OSError:
        return False


def status(port: int, method: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, "/graphql", headers={"Host": HOST, **headers})
    code = connection.getresponse().status
    connection.close()
    return code


@pytest.mark.parametrize(
    "site", re.findall(r"^:(\d+) \{\n\timport page", CADDYFILE.read_text(), re.MULTILINE)
)
def test_nothing_is_done_for_the_page_of_another_site(addresses, site):
    found = {asked.why: status(addresses[site], asked.method, {**LOGIN, **asked.headers}) for asked in ASKED}
    assert found == {asked.why: 403 if asked.foreign else 200 for asked in ASKED}


def test_every_address_but_the_health_check_has_the_rule():
    sites = re.findall(r"^(\S+) \{\n\t(.*)", CADDYFILE.read_text(), re.MULTILINE)
    assert {name for name, first in sites if name[0] == ":" and first != "import page"} == {":8090"}


def test_no_idle_connection_is_kept_as_long_as_the_servers_keep_it():
    import inspect

    from uvicorn import Config

    text = CADDYFILE.read_text()
    blocks = re.findall(r"reverse_proxy \S+( \{[^}]*\})?", text)
    assert len(blocks) == 4
    assert all("import behind" in block for block in blocks)
    kept = int(re.search(r"keepalive (\d+)s", text)[1])
    assert kept < inspect.signature(Config).parameters["timeout_keep_alive"].default
