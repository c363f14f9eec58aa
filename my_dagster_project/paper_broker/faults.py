"""Misbehaving on order: the next n requests of a kind go wrong in the ways real brokers do. Lives in memory only."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from my_dagster_project.paper_broker.refusals import malformed

Kind = Literal["429", "500", "504_after_accept", "hang", "half_open", "partial_fill", "stale_clock"]
Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

ADMIN_PREFIX, CLOCK = "/paper/", "/paper/v1/clock"
# These two go wrong inside the broker, not on the way to it.
INSIDE = ("partial_fill", "stale_clock")
MET = "paper_fault"  # where the layer leaves such a fault for the endpoint


@dataclass
class Fault:
    """What goes wrong for the next `times` requests of `method` whose path starts with `path`.

    429 and 500 do nothing at all. 504_after_accept does the work and then answers like a gateway that lost patience;
    hang does the work and stays silent for `seconds`; half_open does it, sends half of the answer, and after `seconds`
    of silence drops the connection. partial_fill accepts the order, fills `share` of it and lets the rest expire.
    stale_clock answers the clock as of one session earlier. `key` (an account's key id) leaves other accounts alone.
    """

    kind: Kind
    times: int = 1
    method: str = ""
    path: str = ""
    seconds: float = 30.0
    share: float = 0.5
    key: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise malformed(f"unknown fault {self.kind!r}; known: {', '.join(get_args(Kind))}")
        clock = self.kind == "stale_clock"
        self.method = self.method or ("GET" if clock else "POST")
        self.path = self.path or ("/v2/clock" if clock else "/v2/orders")

    def matches(self, scope: Message) -> bool:
        """Tell whether this request is one of those."""
        if self.times <= 0 or scope["method"] != self.method or not scope["path"].startswith(self.path):
            return False
        return self.key is None or (b"apca-api-key-id", self.key.encode()) in scope["headers"]


class Faults:
    """The scripted faults of one server, used up in the order they were given."""

    def __init__(self) -> None:
        self._script: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Queue a fault behind the others."""
        self._script.append(fault)

    def clear(self) -> None:
        """Behave again."""
        self._script.clear()

    def left(self) -> list[dict[str, Any]]:
        """Give what has not gone wrong yet."""
        return [asdict(fault) for fault in self._script if fault.times > 0]

    def take(self, scope: Message) -> Fault | None:
        """Give the fault this request meets, used up by one."""
        if not self._script or scope["type"] != "http":
            return None
        if scope["path"].startswith(ADMIN_PREFIX) and scope["path"] != CLOCK:
            return None
        fault = next((fault for fault in self._script if fault.matches(scope)), None)
        if fault is not None:
            fault.times -= 1
        return fault


class FaultLayer:
    """ASGI layer around the app that lets scripted faults happen."""

    def __init__(self, app: App, faults: Faults) -> None:
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:  # noqa: D102 - ASGI's name
        fault = self.faults.take(scope)
        if fault is None:
            await self.app(scope, receive, send)
        elif fault.kind in INSIDE:
            scope[MET] = fault
            await self.app(scope, receive, send)
        elif fault.kind == "429":
            await _answer(
                send, 429, b'{"code": 42910000, "message": "rate limit exceeded"}', (b"retry-after", b"0")
            )
        elif fault.kind == "500":
            await _answer(send, 500, b'{"code": 50010000, "message": "internal server error occurred"}')
        elif fault.kind == "half_open":
            await self.app(scope, receive, _half(send))
            await asyncio.sleep(fault.seconds)
        else:
            await self.app(scope, receive, _swallow)
            await asyncio.sleep(fault.seconds if fault.kind == "hang" else 0)
            await _answer(send, 504, b"upstream request timeout")


async def _swallow(message: Message) -> None:
    """Send nothing: the client never hears what the app said."""


def _half(send: Any) -> Callable[[Message], Awaitable[None]]:
    """Send the beginning of the answer and never its end, which the server notices and closes the connection."""

    async def half(message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message["body"]
            message = {**message, "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    return half


async def _answer(send: Any, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    # A gateway's 504 is plain text, not Alpaca's JSON.
    kind = b"application/json" if body.startswith(b"{") else b"text/plain"
    length = str(len(body)).encode()
    every = [(b"content-type", kind), (b"content-length", length), *headers]
    await send({"type": "http.response.start", "status": status, "headers": every})
    await send({"type": "http.response.body", "body": body})
