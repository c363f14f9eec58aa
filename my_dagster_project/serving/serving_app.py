"""The serving application: its routes, and every error in words, as JSON."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from my_dagster_project.foundation.errors import (
    ConfigError,
    ModelError,
    ObjectMissingError,
    PassingError,
    StorageError,
    TradingError,
)
from my_dagster_project.foundation.redaction import redact
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.serving.counts import Counting, Counts
from my_dagster_project.serving.inference_protocol import ProtocolError, protocol_router
from my_dagster_project.serving.model_routes import NotTheirsError, health_router, teams_router
from my_dagster_project.serving.rows import WrongRowsError
from my_dagster_project.serving.service import Service

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

MOST_BYTES = 1024 * 1024
_log = logging.getLogger(__name__)
_SAYS = """Predictions of every team's model that is in force, by the code that makes the stored predictions: the same bytes.

`latest: true` predicts from the newest stored bars; nothing here trains, trades or moves a clock."""


def create_app(settings: Settings, service: Service | None = None) -> "FastAPI":
    """The application; it begins to look after its models when it is started."""
    from fastapi import FastAPI

    from my_dagster_project.serving.trial_page import page_router

    served = service or Service(settings)
    counts = Counts(served.shelf)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        served.begin()
        yield
        served.end()

    app = FastAPI(
        title="Trading competition: models",
        description=_SAYS,
        version="1",
        lifespan=lifespan,
        max_body_size=MOST_BYTES,
    )
    for router in (
        teams_router(served, settings),
        protocol_router(served, settings),
        health_router(served, counts.text),
        page_router(served, settings),
    ):
        app.include_router(router)
    app.add_middleware(Counting, counts=counts)
    _explain_errors(app)
    return app


def _explain_errors(app: "FastAPI") -> None:
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    def wrong_rows(request: "Request", error: Exception) -> "Response":
        assert isinstance(error, WrongRowsError)  # noqa: S101 - registered for it
        fields = [
            {"loc": ["body", "rows", one.row, one.field], "msg": one.why, "type": "value"}
            for one in error.wrong
        ]
        return _said(request, 422, fields, str(error))

    def invalid(request: "Request", error: Exception) -> "Response":
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
        # Without what was given: it may be anything, NaN included, and has been seen by whoever gave it.
        fields = [{"loc": list(one["loc"]), "msg": one["msg"], "type": one["type"]} for one in error.errors()]
        return _said(request, 422, fields, "; ".join(f"{one['loc']}: {one['msg']}" for one in fields))

    def not_theirs(request: "Request", _: Exception) -> "Response":
        answer = _said(
            request, 401, "In this competition a team sees its own only; sign in with your team's account."
        )
        answer.headers["WWW-Authenticate"] = 'Basic realm="trading"'
        return answer

    def http(request: "Request", error: Exception) -> "Response":
        code = error.status_code if isinstance(error, HTTPException) else 400
        return _said(request, code, error.detail if isinstance(error, HTTPException) else "Bad request")

    def ours(request: "Request", error: Exception) -> "Response":
        return _said(request, _status(error), redact(str(error)))

    def other(request: "Request", error: Exception) -> "Response":
        _log.error("A request failed.", exc_info=error)
        return _said(request, 500, "Something went wrong here; the log says what.")

    app.add_exception_handler(WrongRowsError, wrong_rows)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(NotTheirsError, not_theirs)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(TradingError, ours)
    app.add_exception_handler(Exception, other)


def _status(error: Exception) -> int:
    """404 for what is not there, 409 for a model that cannot answer, 503 for what another time may be better."""
    kinds: list[tuple[type[Exception], int]] = [
        (ObjectMissingError, 404),
        (ProtocolError, 400),
        (PassingError, 503),
        (ModelError, 409),
        (StorageError, 503),
        (ConfigError, 503),
    ]
    return next((code for kind, code in kinds if isinstance(error, kind)), 503)


def _said(request: "Request", code: int, detail: Any, text: str = "") -> "Response":
    """An error as JSON: `detail` for our routes, `error` for the Open Inference Protocol's."""
    from fastapi import Response

    spoken = request.url.path.startswith("/v2")
    body = {"error": text or str(detail)} if spoken else {"detail": detail}
    # ASCII only: a name that was given may hold half a surrogate pair, which UTF-8 cannot.
    return Response(json.dumps(body, ensure_ascii=True), code, media_type="application/json")
