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

from my_dagster_project.foundation.sign_in import USER_HEADER
from tests.support.foreign_requests import ASKED, HOST
from tests.support.loopback import Loopback, Reply, serving
from tests.support.minio import free_port
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]
CADDYFILE = ROOT / "my_dagster_project" / "deploy" / "Caddyfile"
ENTRYPOINT = CADDYFILE.with_name("caddy-entrypoint")
CADDY = shutil.which("caddy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
PASSWORD = "organiser's"
SECRETS = {
    "ORGANISER_PASSWORD": PASSWORD,
    "TEAMS_PASSWORD": "of-teams",  # pragma: allowlist secret
    "GIT_ACCOUNTS": "organiser:of-git,platform:of-platform,red:of-red,deep-blue:of-blue",
}


def login(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


LOGIN = login("organiser", PASSWORD)

pytestmark = pytest.mark.skipif(CADDY is None, reason="no caddy on this machine")


@pytest.fixture(scope="module")
def behind() -> Iterator[Loopback]:
    """What Caddy hands requests on to."""
    with serving(Reply()) as server:
        yield server


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Run the container's own script, with its folders in ours; hashes that are cheap: they are the dearest part otherwise."""
    (folder / "secrets").mkdir()
    for name, value in SECRETS.items():
        (folder / "secrets" / name).write_text(value)
    shim = folder / "bin" / "caddy"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\n[ "$1" = run ] && exec {CADDY} "$@"\nexec {CADDY} "$@" --bcrypt-cost 4\n')
    shim.chmod(0o755)
    places = {"/run/secrets": f"{folder}/secrets", "/etc/caddy": str(folder), "/tmp": str(folder)}
    script = re.sub("|".join(places), lambda place: places[place[0]], ENTRYPOINT.read_text())
    environment = {"HOME": str(folder), "PATH": f"{shim.parent}:{os.environ['PATH']}"}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(["sh", "-c", script], env=environment, stdout=log, stderr=log)


@pytest.fixture(scope="module")
def addresses(behind, tmp_path_factory) -> Iterator[dict[str, int]]:
    """By the stack's own port: where it is now."""
    text = re.sub(r"(reverse_proxy) \S+", rf"\1 127.0.0.1:{behind.port}", CADDYFILE.read_text())
    ports = {port: free_port() for port in re.findall(r"^:(\d+) \{", text, re.MULTILINE)}
    text = re.sub(r"^:(\d+) \{", lambda site: f":{ports[site[1]]} {{", text, flags=re.MULTILINE)
    folder = tmp_path_factory.mktemp("caddy")
    (folder / "Caddyfile").write_text(text)
    caddy = start(folder)
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


def status(port: int, method: str, headers: dict[str, str], path: str = "/graphql") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers={"Host": HOST, **headers})
    code = connection.getresponse().status
    connection.close()
    return code


@pytest.mark.parametrize(
    "site", re.findall(r"^:(\d+) \{\n\timport page", CADDYFILE.read_text(), re.MULTILINE)
)
def test_nothing_is_done_for_the_page_of_another_site(addresses, site):
    found = {asked.why: status(addresses[site], asked.method, {**LOGIN, **asked.headers}) for asked in ASKED}
    assert found == {asked.why: 403 if asked.foreign else 200 for asked in ASKED}


@pytest.mark.parametrize(
    ("user", "password"),
    [("organiser", PASSWORD), ("teams", "of-teams"), ("red", "of-red"), ("deep-blue", "of-blue")],
)
def test_dagit_is_told_who_it_is_whatever_the_client_says(addresses, behind, user, password):
    forged = {USER_HEADER: "organiser", USER_HEADER.lower(): "platform", "x_trading_user": "organiser"}
    assert status(addresses["3000"], "GET", {**forged, **login(user, password)}) == 200
    told = behind.seen[-1].headers
    assert (told[USER_HEADER.lower()], told.get("authorization")) == (user, None)


def test_evidentlys_pages_ask_who_it_is(addresses, behind):
    assert status(addresses["8010"], "GET", {USER_HEADER: "organiser"}) == 401
    assert status(addresses["8010"], "GET", {USER_HEADER: "organiser", **login("red", "of-red")}) == 200
    assert behind.seen[-1].headers[USER_HEADER.lower()] == "red"


@pytest.mark.parametrize(
    ("user", "password"),
    [("platform", "of-platform"), ("organiser", "of-git"), ("red", "of-blue")],
)
def test_nobody_else_signs_in(addresses, user, password):
    assert status(addresses["3000"], "GET", {USER_HEADER: "organiser"}) == 401
    assert status(addresses["3000"], "GET", {USER_HEADER: "organiser", **login(user, password)}) == 401


def test_who_did_what_is_for_the_organiser_and_the_rest_of_the_front_for_everybody(addresses, behind):
    forged = {USER_HEADER: "organiser"}
    for path in ("/audit", "/audit/", "/AUDIT", "/%61udit", "/audit/x"):
        assert status(addresses["8080"], "GET", forged, path) == 401, path
        assert status(addresses["8080"], "GET", {**forged, **login("red", "of-red")}, path) == 401, path
    assert status(addresses["8080"], "GET", LOGIN, "/audit") == 200
    assert behind.seen[-1].headers[USER_HEADER.lower()] == "organiser"
    for path in ("/", "//audit", "/x/../audit"):
        if status(addresses["8080"], "GET", forged, path) == 200:
            # Nobody is signed in: Caddy writes the name of its own variable, never what the client wrote.
            assert behind.seen[-1].headers[USER_HEADER.lower()] == "{http.auth.user.id}", path


def test_whoever_signs_in_to_the_front_is_known_on_every_page_and_nobody_has_to(addresses, behind):
    for path in ("/sign-in", "/season/pause"):
        assert status(addresses["8080"], "GET", {USER_HEADER: "organiser"}, path) == 401, path
    for user, password in (("organiser", PASSWORD), ("red", "of-red"), ("teams", "of-teams")):
        for path in ("/", "/sign-in", "/season/pause", "/teams/red"):
            assert status(addresses["8080"], "GET", login(user, password), path) == 200, path
            assert behind.seen[-1].headers[USER_HEADER.lower()] == user, path
    assert status(addresses["8080"], "GET", login("red", "of-blue")) == 401


def test_every_address_but_the_health_check_has_the_rule():
    sites = re.findall(r"^(\S+) \{\n\t(.*)", CADDYFILE.read_text(), re.MULTILINE)
    assert {name for name, first in sites if name[0] == ":" and first != "import page"} == {":8090"}


def test_no_idle_connection_is_kept_as_long_as_the_servers_keep_it():
    import inspect

    from uvicorn import Config

    text = CADDYFILE.read_text()
    blocks = re.findall(r"reverse_proxy \S+( \{.*?\n\t\})?", text, re.DOTALL)
    assert len(blocks) == 5
    assert all("import behind" in block for block in blocks)
    kept = int(re.search(r"keepalive (\d+)s", text)[1])
    assert kept < inspect.signature(Config).parameters["timeout_keep_alive"].default
