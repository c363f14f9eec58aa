"""What Prometheus reads: requests by route and answer, how long they took, and what is open."""

import time
from typing import TYPE_CHECKING, Any

from my_dagster_project.serving.shelf import Shelf

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_NO_ROUTE = "none"


class Counts:
    """The counts of one application, in a registry of its own."""

    def __init__(self, shelf: Shelf) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "trading_requests", "Requests by route and status.", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "trading_request_seconds",
            "How long answers took.",
            ["route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        for name, says, value in (
            ("trading_models_open", "Models that are open.", lambda: shelf.open_models()[0]),
            ("trading_models_bytes", "Bytes of their files.", lambda: shelf.open_models()[1]),
            ("trading_models_replaced", "Models replaced by a newer version.", lambda: shelf.replaced),
            (
                "trading_models_with_problem",
                "Models whose newer version does not answer.",
                lambda: len(shelf.problems()),
            ),
        ):
            Gauge(name, says, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry)

    def add(self, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class Counting:
    """ASGI middleware that counts every answer by its route, never by what somebody wrote into the address."""

    def __init__(self, app: "ASGIApp", counts: Counts) -> None:
        self._app, self._counts = app, counts

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Hand a request on, and count what comes of it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began, status = time.perf_counter(), 500

        async def noted(message: "Message") -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route: Any = scope.get("route")
            self._counts.add(getattr(route, "path", _NO_ROUTE), status, time.perf_counter() - began)
