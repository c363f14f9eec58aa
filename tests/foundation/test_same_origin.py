"""The rule in front of Dagit and the front, over an application that says yes to everything."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from my_dagster_project.foundation.same_origin import SameOrigin, names_of
from tests.support.foreign_requests import ASKED, HOST

JSON = {"Content-Type": "application/json"}


async def socket(websocket) -> None:
    await websocket.accept()
    await websocket.close()


def yes(_) -> PlainTextResponse:
    return PlainTextResponse("done")


APP = Starlette(
    routes=[
        WebSocketRoute("/{path:path}", socket),
        Route("/{path:path}", yes, methods=["GET", "POST", "DELETE"]),
    ]
)


def asking(names=None, host: str = HOST) -> TestClient:
    return TestClient(SameOrigin(APP, names, "/graphql"), base_url=f"http://{host}")


def test_nothing_is_done_for_the_page_of_another_site():
    client = asking()
    answers = {
        asked.why: opens(client, asked.headers)
        if "Upgrade" in asked.headers
        else client.request(asked.method, "/report_asset_check/x", headers=asked.headers).status_code != 403
        for asked in ASKED
    }
    assert answers == {asked.why: not asked.foreign for asked in ASKED}


def opens(client: TestClient, headers: dict[str, str]) -> bool:
    try:
        address = str(client.base_url.copy_with(scheme="ws"))
        with client.websocket_connect(f"{address}/graphql", headers=headers):
            return True
    except (WebSocketDisconnect, WebSocketDenialResponse):
        return False


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        # Dagster takes whatever has the words in it; a browser sends this one without asking anybody.
        "text/plain; x=application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/graphql",
        "",
    ],
)
def test_graphql_is_json(kind):
    client = asking()
    assert client.post("/graphql", content=b"{}", headers={"Content-Type": kind}).status_code == 403
    assert client.post("/elsewhere", content=b"{}", headers={"Content-Type": kind}).status_code == 200


def test_a_program_that_speaks_json_is_served():
    client = asking()
    assert client.post("/graphql", json={}).status_code == 200
    kind = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/graphql", content=b"{}", headers=kind).status_code == 200


def test_no_query_stands_in_an_address():
    client = asking()
    assert client.get("/graphql?query=mutation").status_code == 403
    assert client.post("/graphql?query=mutation").status_code == 403
    # GraphiQL's page.
    assert client.get("/graphql", headers={"Accept": "text/html"}).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:3000", 200),
        ("127.0.0.1", 200),
        ("[::1]:3000", 200),
        ("Trading.Example.org", 200),
        ("elsewhere.example.com:3000", 403),
        ("localhost.example.com", 403),
    ],
)
def test_a_server_without_passwords_goes_by_its_own_names(host, status):
    client = asking(names_of("127.0.0.1", "trading.example.ORG"), host)
    assert client.get("/", headers={"X-Forwarded-Host": "localhost"}).status_code == status
    assert opens(client, {"Origin": f"http://{host}"}) == (status == 200)


def test_a_server_for_other_machines_goes_by_any_name():
    assert names_of("0.0.0.0", "trading.example.org") is None
    assert asking(names_of("0.0.0.0"), "whatever").get("/").status_code == 200


def test_another_site_shows_no_page_of_ours_inside_its_own():
    assert asking().get("/").headers["X-Frame-Options"] == "SAMEORIGIN"
