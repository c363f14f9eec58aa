"""Dagster's web server for several people: each request is answered for the account that the proxy in front has signed in."""

from collections.abc import Sequence
from typing import Any

import click
from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from my_dagster_project.deploy.dagit.doors import Doors
from my_dagster_project.deploy.dagit.mutations import guard
from my_dagster_project.deploy.dagit.permissions import PersonsContext, context_for
from my_dagster_project.deploy.dagit.pictures import pictures_route
from my_dagster_project.deploy.dagit.seeing import veil
from my_dagster_project.foundation.dagster_private import DagsterWebserver, WorkspaceProcessContext
from my_dagster_project.foundation.errors import RefusedError
from my_dagster_project.foundation.same_origin import SameOrigin, names_of
from my_dagster_project.foundation.settings import load_settings


class PersonsWebserver(DagsterWebserver[WorkspaceProcessContext, PersonsContext]):
    """Dagster's own, with our answers to who may do what."""

    def build_graphql_schema(self) -> Any:
        """Dagster's schema, with our rules before its mutations and what carries something of a team."""
        schema = super().build_graphql_schema()
        guard(schema.graphql_schema)
        veil(schema.graphql_schema)
        return schema

    def build_routes(self) -> list[Any]:
        """Dagster's routes, the last of which takes whatever is left, behind our pictures."""
        return [pictures_route(self._make_request_context), *super().build_routes()]

    def _make_request_context(self, conn: HTTPConnection) -> PersonsContext:
        return context_for(self._process_context, conn)

    def _determine_status_code(
        self, resolver_errors: list[GraphQLError] | None, captured_errors: list[Exception]
    ) -> int:
        """A refusal is an answer, which the page shows; Dagster would take it for its own failure."""
        told = [one.original_error for one in resolver_errors or ()]
        if told and all(isinstance(error, RefusedError) for error in told):
            return 200
        return super()._determine_status_code(resolver_errors, captured_errors)

    def handle_graphql_errors(self, errors: Sequence[GraphQLError]) -> list[Any]:
        """Dagster's, without a stack of ours below a refusal."""
        return [
            {"message": str(one.original_error)}
            if isinstance(one.original_error, RefusedError)
            else super(PersonsWebserver, self).handle_graphql_errors([one])[0]
            for one in errors
        ]


def create_guarded_app(
    workspace: WorkspaceProcessContext,
    path_prefix: str = "",
    live_data_poll_rate: int | None = None,
    **options: Any,
) -> Starlette:
    """The application behind the rules of `doors` and `same_origin`, for the address that the command was given."""
    told = click.get_current_context().params
    names = names_of(told["host"])
    if names is not None:
        names = names_of(told["host"], load_settings().public_name)
    app = PersonsWebserver(workspace, path_prefix, live_data_poll_rate).create_asgi_app(**options)
    graphql = f"{path_prefix}/graphql"
    app.add_middleware(Doors, graphql=graphql, read_only=workspace.read_only)
    app.add_middleware(SameOrigin, names=names, graphql=graphql)
    return app
