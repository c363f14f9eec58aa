"""Misbehaving on order: the next n requests of a kind go wrong in the ways real brokers do. Lives in memory only."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from my_dagster_project.broker.paper.errors import malformed

Kind = Literal["504_after_accept", "500", "429", "hang"]
Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

ADMIN_PREFIX = "/paper/"


@dataclass
class Fault:
    """What goes wrong for the next `times` requests of `method` whose path starts with `path`.

    504_after_accept does the work and then answers like a gateway that lost patience; 500 and 429 do nothing
    at all; hang does the work and stays silent for `seconds`.
    """

    kind: Kind
    times: int = 1
    method: str = "POST"
    path: str = "/v2/orders"
    seconds: float = 30.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise malformed(f"unknown fault {self.kind!r}; known: {', '.join(get_args(Kind))}")

    def matches(self, scope: Message) -> bool:
        """Tell whether this request is one of those."""
        return self.times > 0 and scope["method"] == self.method and scope["path"].startswith(self.path)


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
        if not self._script or scope["type"] != "http" or scope["path"].startswith(ADMIN_PREFIX):
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
        elif fault.kind == "429":
            await _answer(
                send, 429, b'{"code": 42910000, "message": "rate limit exceeded"}', (b"retry-after", b"0")
            )
        elif fault.kind == "500":
            await _answer(send, 500, b'{"code": 50010000, "message": "internal server error occurred"}')
        else:
            await self.app(scope, receive, _swallow)
            await asyncio.sleep(fault.seconds if fault.kind == "hang" else 0)
            await _answer(send, 504, b"upstream request timeout")


async def _swallow(message: Message) -> None:
    """Send nothing: the client never hears what the app said."""


async def _answer(send: Any, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    # A gateway's 504 is plain text, not Alpaca's JSON.
    kind = b"application/json" if body.startswith(b"{") else b"text/plain"
    length = str(len(body)).encode()
    every = [(b"content-type", kind), (b"content-length", length), *headers]
    await send({"type": "http.response.start", "status": status, "headers": every})
    await send({"type": "http.response.body", "body": body})
