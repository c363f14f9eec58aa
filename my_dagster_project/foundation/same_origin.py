"""Other people's pages change nothing here: a browser sends the password it holds along with whatever any page makes it ask.

Found with the organiser signed in: a form on a foreign page launched `market_daily`. The rule is the one of Go's
http.CrossOriginProtection: what browsers say of themselves (Sec-Fetch-Site, Origin, else Referer) is believed, because no page can
forge it, and programs, which say neither, go on as before. Caddy asks the same of MLflow (stack/Caddyfile).
"""

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger(__name__)
LOOKING = ("GET", "HEAD", "OPTIONS")
_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def names_of(listens_on: str, public_name: str = "") -> Collection[str] | None:
    """The names a server may be asked by; None, for any, where it listens for other machines too.

    Only a browser on this machine reaches a server on loopback, and there is no password in front of it: a page whose own
    name was made to point here (DNS rebinding) would be of the same origin. In the stack that page has no password.
    """
    return {*_LOOPBACK, public_name.lower()} - {""} if listens_on in _LOOPBACK else None


class SameOrigin:
    """ASGI middleware that answers 403 to what another site's page asks for, and to a GraphQL query that is not JSON."""

    def __init__(self, app: "ASGIApp", names: Collection[str] | None = None, graphql: str = "") -> None:
        self._app, self._names, self._graphql = app, names, graphql

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Hand a request on, or refuse it."""
        from starlette.requests import HTTPConnection

        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        asked = HTTPConnection(scope)
        if why := self._refusal(asked):
            _log.warning("Refused %r, Origin %r: %s", scope["path"], asked.headers.get("origin"), why)
            return await _refuse(scope, receive, send, why)
        return await self._app(scope, receive, _unframed(send))

    def _refusal(self, asked: "HTTPConnection") -> str:
        if self._names is not None and _host_name(asked) not in self._names:
            return f"This address is served as {', '.join(sorted(self._names))}; set TRADING_HOST to the name you use."
        looking = asked.scope["type"] == "http" and asked.scope["method"] in LOOKING
        if not looking and is_foreign(asked):
            return "A page of another site asked for this, so it was not done."
        if asked.scope["type"] == "http" and asked.scope["path"] == self._graphql:
            return _not_json(asked, looking)
        return ""


def is_foreign(asked: "HTTPConnection") -> bool:
    """Whether a browser asks this for a page of another origin (another port is another origin); False for programs."""
    site = asked.headers.get("sec-fetch-site")
    if site == "same-origin":
        return False  # Also where a proxy has replaced the Host.
    if site in ("cross-site", "same-site"):
        return True
    # The Referer of what is too old to name an origin, or is told not to.
    origin = asked.headers.get("origin") or asked.headers.get("referer")
    if origin is None:
        return False
    addressed = [asked.headers.get("host", ""), *asked.headers.get("x-forwarded-host", "").split(",")]
    scheme = origin.partition("://")[0]
    ours = {_address(f"{scheme}://{host.strip()}") for host in addressed if host.strip()}
    return _address(origin) not in ours - {None}


def _address(url: str) -> tuple[str, int | None] | None:
    """Name and port; None where there is no name, as in the Origin `null` of a sandboxed page."""
    try:
        parts = urlsplit(url)
        return (parts.hostname, parts.port or _PORTS.get(parts.scheme)) if parts.hostname else None
    except ValueError:
        return None


def _host_name(asked: "HTTPConnection") -> str | None:
    found = _address(f"http://{asked.headers.get('host', '')}")
    return found[0] if found else None


def _not_json(asked: "HTTPConnection", looking: bool) -> str:
    """Dagster executes a mutation in a link, and in a form's body: both need no leave of the browser."""
    if looking:
        return "A GraphQL query is sent by POST, not in an address." if "query" in asked.query_params else ""
    kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    return "" if kind == "application/json" else "A GraphQL query is sent as application/json."


async def _refuse(scope: "Scope", receive: "Receive", send: "Send", why: str) -> None:
    from starlette.responses import PlainTextResponse
    from starlette.websockets import WebSocketClose

    if scope["type"] == "websocket":
        # Before it is accepted: the server answers 403.
        return await WebSocketClose(1008, why)(scope, receive, send)
    return await PlainTextResponse(f"{why}\n", 403)(scope, receive, send)


def _unframed(send: "Send") -> "Send":
    """Not inside another site's page either, where its visitor clicks on what he does not see."""
    from starlette.datastructures import MutableHeaders

    async def with_header(message: "Message") -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).setdefault("X-Frame-Options", "SAMEORIGIN")
        await send(message)

    return with_header
