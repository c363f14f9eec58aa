"""The web server to look at: what would change something is refused in a sentence, before Dagster is asked.

Dagster checks permissions itself, and answers five of its mutations (those that give a Boolean) and whatever forgot to check
with HTTP 500 and its own stack.
"""

import json
from typing import TYPE_CHECKING, Any

from my_dagster_project.foundation.same_origin import LOOKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

REFUSED = "Here Dagit is to look at. The organiser's Dagit changes things; a team changes what is its own by pushing its file."
# What the page sends by itself: that a hint was read, what was clicked (never sent anywhere: telemetry is off).
_HARMLESS = frozenset({"setNuxSeen", "logTelemetry"})


class LooksOnly:
    """ASGI middleware that answers a mutation with an error of GraphQL's own kind, which the page shows, and other writing with 403."""

    def __init__(self, app: "ASGIApp", graphql: str) -> None:
        self._app, self._graphql = app, graphql

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Hand a request on, or refuse it."""
        from starlette.requests import Request
        from starlette.responses import JSONResponse, PlainTextResponse

        if scope["type"] != "http" or scope["method"] in LOOKING:
            return await self._app(scope, receive, send)
        if scope["path"] != self._graphql:
            return await PlainTextResponse(f"{REFUSED}\n", 403)(scope, receive, send)
        body = await Request(scope, receive).body()
        if changes_something(body):
            answer = JSONResponse({"data": None, "errors": [{"message": REFUSED}]})
            return await answer(scope, receive, send)
        return await self._app(scope, _again(body, receive), send)


def changes_something(body: bytes) -> bool:
    """Whether a request's document holds a mutation besides the harmless ones; False for what is no GraphQL at all."""
    from graphql import GraphQLError, parse

    try:
        query = json.loads(body)["query"]
        if "mutation" not in query:
            return False
        document = parse(query)
    except (ValueError, TypeError, KeyError, GraphQLError):
        return False  # Dagster says what is wrong with it, and does nothing.
    return any(not _is_harmless(one) for one in document.definitions if _is_mutation(one))


def _is_mutation(definition: Any) -> bool:
    from graphql import OperationDefinitionNode, OperationType

    return isinstance(definition, OperationDefinitionNode) and definition.operation == OperationType.MUTATION


def _is_harmless(mutation: Any) -> bool:
    from graphql import FieldNode

    fields = mutation.selection_set.selections
    return all(isinstance(field, FieldNode) and field.name.value in _HARMLESS for field in fields)


def _again(body: bytes, receive: "Receive") -> "Receive":
    """The request for somebody else to read, after we did."""
    given = False

    async def read() -> "Message":
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return read
