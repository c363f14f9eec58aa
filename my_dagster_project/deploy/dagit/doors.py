"""The doors of the web server beside GraphQL: what writes, and what hands out more than the pages show, is for who may everything."""

from typing import TYPE_CHECKING

from my_dagster_project.deploy.dagit.permissions import TO_LOOK
from my_dagster_project.foundation.same_origin import LOOKING
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.foundation.sign_in import may_everything, user_of

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Receive, Scope, Send

# Captured output, a run's whole record, notebooks of the code server.
_OF_THE_ORGANISER = ("/logs", "/download_debug", "/notebook", "/dagit/notebook", "/report_asset_")


class Doors:
    """ASGI middleware that answers 403 to what goes past GraphQL and is not to look at."""

    def __init__(self, app: "ASGIApp", graphql: str, *, read_only: bool = False) -> None:
        self._app, self._graphql, self._read_only = app, graphql, read_only
        self._prefix = graphql.removesuffix("/graphql")

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Hand a request on, or refuse it."""
        from starlette.requests import HTTPConnection
        from starlette.responses import PlainTextResponse

        if scope["type"] != "http" or self._may(HTTPConnection(scope)):
            return await self._app(scope, receive, send)
        return await PlainTextResponse(f"{TO_LOOK}\n", 403)(scope, receive, send)

    def _may(self, asked: "HTTPConnection") -> bool:
        settings = load_settings()
        if may_everything(user_of(asked, settings), settings) and not self._read_only:
            return True
        path = asked.scope["path"]
        if path.removeprefix(self._prefix).startswith(_OF_THE_ORGANISER):
            return False
        return asked.scope["method"] in LOOKING or path == self._graphql
