"""Evidently's own pages over the workspace of this deployment: to be looked at, nothing is changed there.

What is written goes nowhere: the workspace is made of the store's versions, so whatever asks for another method than a look is refused.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.redaction import redact_logs
from my_dagster_project.foundation.same_origin import SameOrigin, names_of
from my_dagster_project.foundation.sign_in import may_everything, user_of
from my_dagster_project.people.monitoring.workspace import Workspace
from my_dagster_project.teams.deployment import current_platform
from my_dagster_project.teams.visibility import Sight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from my_dagster_project.foundation.settings import Settings

    type App = Callable[[Any, Any, Any], Awaitable[None]]

_EVERY_SECONDS = 30.0
_LOOK = {"GET", "HEAD"}
_ASKED_BY_POST = "/data_series_batch"
"""What its dashboards ask for their lines by; the only POST that changes nothing."""
HEALTH = "/healthz"
_log = logging.getLogger(__name__)


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    import uvicorn

    redact_logs()
    with TemporaryDirectory(prefix="trading-evidently-") as folder:
        keep_following(settings, Workspace(settings, Path(folder)))
        app = SameOrigin(guarded(evidently_app(folder), settings), names_of(host, settings.public_name))
        uvicorn.run(app, host=host, port=port, access_log=False, log_level="warning", server_header=False)


def evidently_app(folder: str) -> App:
    """Evidently's own application over a workspace."""
    from evidently.ui.service.app import create_app, get_config

    config = get_config(workspace=folder)
    config.telemetry.enabled = False
    app: App = create_app(config)
    return app


def keep_following(settings: Settings, workspace: Workspace) -> None:
    """Take in what there is, and what comes, in a thread of its own; Evidently watches the folder."""

    def follow() -> None:
        while True:
            try:
                workspace.follow(current_platform(settings))
            except TradingError as error:
                _log.warning("%s", error)
            time.sleep(_EVERY_SECONDS)

    threading.Thread(target=follow, name="evidently workspace", daemon=True).start()


def guarded(app: App, settings: Settings) -> App:
    """The same for looking at; where a team sees its own only, for the organiser alone: a project shows all of a team."""
    sight = Sight(settings)

    async def door(scope: Any, receive: Any, send: Any) -> None:
        from starlette.requests import Request
        from starlette.responses import PlainTextResponse

        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        request = Request(scope)
        if request.url.path == HEALTH:
            answer: PlainTextResponse | None = PlainTextResponse("ok\n")
        elif request.method not in _LOOK and not request.url.path.endswith(_ASKED_BY_POST):
            answer = PlainTextResponse(
                "Evidently's pages are to be looked at here: snapshots come from the reports.\n", 403
            )
        elif not _may_look(sight, settings, request):
            answer = PlainTextResponse(
                "In this competition a team sees its own only; these pages are the organiser's.\n", 403
            )
        else:
            answer = None
        await (answer or app)(scope, receive, send)

    return door


def _may_look(sight: Sight, settings: Settings, request: Any) -> bool:
    return sight.visibility == "open" or may_everything(user_of(request, settings), settings)
