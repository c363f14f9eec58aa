"""The road to a broker in the same process: the real client's requests, answered by the app itself, without a socket.

All of it is spoken but the bytes on a wire: method, path, headers and body in, status, headers and body out; an answer that
does not come in time, or breaks off, is the same error to the client as over a network. What `requests` does for networks (proxies,
cookies, redirects, pools) was half of what asking cost, and is left out.
"""

import asyncio
import json as json_text
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode, urlsplit

if TYPE_CHECKING:
    from requests import Response, Session

type App = Callable[[Any, Any, Any], Awaitable[None]]

ADDRESS = "http://127.0.0.1"
"""What such a broker is called: of this machine, and nobody listens there for us."""


def session_to(app: App, timeout_s: float) -> "Session":
    """Give the session a client is to ask by; `timeout_s` is how long it waits where the caller does not say.

    A request has `params`, `json` and `headers`, which is what both our clients send.
    """
    from requests import Session

    class InProcessSession(Session):
        def request(  # type: ignore[override]
            self,
            method: str,
            url: str,
            params: Mapping[str, Any] | None = None,
            data: None = None,
            json: Any = None,
            headers: Mapping[str, str] | None = None,
            timeout: float | None = None,
            allow_redirects: bool = False,
        ) -> "Response":
            scope = _scope(method, str(url), params or {}, {**self.headers, **(headers or {})})
            body = b"" if json is None else json_text.dumps(json, allow_nan=False).encode()
            return _answer(app, scope, body, str(url), timeout or timeout_s)

    return InProcessSession()


def _answer(app: App, scope: Mapping[str, Any], body: bytes, url: str, seconds: float) -> "Response":
    import requests

    said = _Answered()

    async def ask() -> None:
        async with asyncio.timeout(seconds):
            await app(scope, partial(_receive, body), said)

    try:
        _loop().run_until_complete(ask())
    except TimeoutError:
        raise requests.ReadTimeout(f"no answer within {seconds:g} s") from None
    except Exception:
        if not said.whole:
            raise
        # A server writes down what broke inside and answers 500; the app has said that already.
        logging.getLogger(__name__).exception("%s %s failed", scope["method"], url)
    if not said.whole:
        raise requests.ConnectionError("the answer broke off")
    return said.response(url)


async def _receive(body: bytes) -> dict[str, Any]:
    """ASGI's `receive`: the request's body, once."""
    return {"type": "http.request", "body": body, "more_body": False}


class _Answered:
    """ASGI's `send`: what the app has said so far."""

    def __init__(self) -> None:
        self.status, self.body, self.whole = 0, b"", False
        self.headers: list[tuple[bytes, bytes]] = []

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message["headers"]
        else:
            self.body += message.get("body", b"")
            self.whole = not message.get("more_body", False)

    def response(self, url: str) -> "Response":
        from requests import Response

        made = Response()
        made.status_code, made.reason = self.status, HTTPStatus(self.status).phrase
        made.headers.update((name.decode(), value.decode()) for name, value in self.headers)
        made._content, made.encoding, made.url = self.body, "utf-8", url
        return made


def _scope(method: str, url: str, params: Mapping[str, Any], headers: Mapping[str, Any]) -> dict[str, Any]:
    parts = urlsplit(url)
    query = urlencode({name: value for name, value in params.items() if value is not None}, doseq=True)
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": parts.scheme,
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": "&".join(filter(None, (parts.query, query))).encode(),
        "headers": [(name.lower().encode(), str(value).encode()) for name, value in headers.items()],
        "client": (str(parts.hostname), 0),
        "server": (str(parts.hostname), parts.port),
    }


_mine = threading.local()


def _loop() -> asyncio.AbstractEventLoop:
    """Give this thread's event loop; a fork makes its own, and leaves alone what it shares with its parent."""
    if not hasattr(_mine, "loops"):
        _mine.loops = {}
    loops: dict[int, asyncio.AbstractEventLoop] = _mine.loops
    here = os.getpid()
    if here not in loops:
        loops[here] = asyncio.new_event_loop()
    return loops[here]
