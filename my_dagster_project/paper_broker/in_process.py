"""The road to a broker in the same process: the real client's requests, answered by the app itself, without a socket.

All of it is spoken but the bytes on a wire: method, path, headers and body in, status, headers and body out; an answer that
does not come in time, or breaks off, is the same error to the client as over a network.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from requests import PreparedRequest, Response
    from requests.adapters import BaseAdapter

type App = Callable[[Any, Any, Any], Awaitable[None]]

ADDRESS = "http://127.0.0.1"
"""What such a broker is called: of this machine, and nobody listens there for us."""


def adapter_to(app: App, timeout_s: float) -> "BaseAdapter":
    """Give what a `requests` session is to mount; `timeout_s` is how long it waits where the caller does not say."""
    from requests.adapters import BaseAdapter

    class InProcessAdapter(BaseAdapter):
        def send(
            self, request: Any, stream: bool = False, timeout: Any = None, *args: Any, **more: Any
        ) -> Any:
            seconds = timeout[-1] if isinstance(timeout, tuple) else timeout
            return _answer(app, request, seconds or timeout_s)

        def close(self) -> None:
            pass

    return InProcessAdapter()


def _answer(app: App, request: "PreparedRequest", seconds: float) -> "Response":
    import requests

    said = _Answered()

    async def ask() -> None:
        async with asyncio.timeout(seconds):
            await app(_scope(request), _Body(request), said)

    try:
        _loop().run_until_complete(ask())
    except TimeoutError:
        raise requests.ReadTimeout(f"no answer within {seconds:g} s", request=request) from None
    except Exception:
        if not said.whole:
            raise
        # A server writes down what broke inside and answers 500; the app has said that already.
        logging.getLogger(__name__).exception("%s %s failed", request.method, request.url)
    if not said.whole:
        raise requests.ConnectionError("the answer broke off", request=request)
    return said.response(request)


class _Body:
    """ASGI's `receive`: the request's body, once."""

    def __init__(self, request: "PreparedRequest") -> None:
        body = request.body or b""
        self._body = body.encode() if isinstance(body, str) else body

    async def __call__(self) -> dict[str, Any]:
        return {"type": "http.request", "body": self._body, "more_body": False}


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

    def response(self, request: "PreparedRequest") -> "Response":
        from requests import Response
        from requests.structures import CaseInsensitiveDict
        from requests.utils import get_encoding_from_headers

        made = Response()
        made.status_code, made.reason = self.status, HTTPStatus(self.status).phrase
        made.headers = CaseInsensitiveDict((name.decode(), value.decode()) for name, value in self.headers)
        made.encoding = get_encoding_from_headers(made.headers)
        made.raw, made.request, made.url = BytesIO(self.body), request, str(request.url)
        return made


def _scope(request: "PreparedRequest") -> dict[str, Any]:
    parts = urlsplit(str(request.url))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": parts.scheme,
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), str(value).encode()) for name, value in request.headers.items()],
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
