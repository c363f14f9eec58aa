"""The stack's Caddyfile in a real Caddy, in front of a server that says yes to everything."""

import http.client
import os
import re
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.support.foreign_requests import ASKED, HOST
from tests.support.minio import free_port
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]
CADDYFILE = ROOT / "my_dagster_project" / "deploy" / "Caddyfile"
CADDY = shutil.which("caddy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
PASSWORD = "organiser's"
LOGIN = {"Authorization": f"Basic {b64encode(f'organiser:{PASSWORD}'.encode()).decode()}"}

pytestmark = pytest.mark.skipif(CADDY is None, reason="no caddy on this machine")


class Yes(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def addresses(tmp_path_factory) -> Iterator[dict[str, int]]:
    """By the stack's own port: where it is now."""
    behind = ThreadingHTTPServer(("127.0.0.1", 0), Yes)
    Thread(target=behind.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    text = re.sub(r"(reverse_proxy) \S+", rf"\1 127.0.0.1:{behind.server_port}", CADDYFILE.read_text())
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
        behind.shutdown()
        behind.server_close()


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
