"""Every mutation of Dagster's schema, sent to the web server that is to look at, and by other sites' pages to both."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import click
import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)
from starlette.testclient import TestClient

from my_dagster_project.deploy.dagit.looking import REFUSED, changes_something

PLAIN = {"String": "1", "ID": "x", "Int": 1, "Float": 1.0, "Boolean": True}


@cache
def mutations() -> dict[str, Any]:
    from dagster_graphql.schema import create_schema

    return create_schema().graphql_schema.mutation_type.fields


def value(kind: Any) -> Any:
    """The least that the schema takes for a type."""
    match kind:
        case GraphQLNonNull():
            return value(kind.of_type)
        case GraphQLList():
            return []
        case GraphQLEnumType():
            return next(iter(kind.values))
        case GraphQLInputObjectType():
            fields = kind.fields.items()
            return {name: value(field.type) for name, field in fields if is_required_input_field(field)}
    return PLAIN.get(kind.name, "x")


def document(name: str) -> dict[str, Any]:
    """What a client sends for a mutation."""
    field = mutations()[name]
    needed = {arg: one.type for arg, one in field.args.items() if is_required_argument(one)}
    declared = ", ".join(f"${arg}: {kind}" for arg, kind in needed.items())
    given = ", ".join(f"{arg}: ${arg}" for arg in needed)
    kind = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    asked = f"{name}{f'({given})' if given else ''}{' { __typename }' if is_composite_type(kind) else ''}"
    head = f"mutation M{f'({declared})' if declared else ''}"
    return {"query": f"{head} {{ {asked} }}", "variables": {arg: value(one) for arg, one in needed.items()}}


def server(workspace: WorkspaceProcessContext, *, read_only: bool) -> TestClient:
    from my_dagster_project.deploy.dagit.__main__ import create_guarded_app

    with click.Context(click.Command("dagster-webserver")) as told:
        told.params.update(host="0.0.0.0", path_prefix="", read_only=read_only)
        app = create_guarded_app(workspace)
    return TestClient(app, base_url="http://localhost:3000", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def servers(tmp_path_factory) -> Iterator[dict[bool, TestClient]]:
    with ExitStack() as stack:
        instance = stack.enter_context(dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagit"))))
        found = {}
        for read_only in (True, False):
            of = WorkspaceProcessContext(
                instance, EmptyWorkspaceTarget(), version="test", read_only=read_only
            )
            found[read_only] = server(stack.enter_context(of), read_only=read_only)
        yield found


def test_whoever_may_look_changes_nothing_and_reads_why(servers):
    told = {}
    for name in mutations().keys() - {"setNuxSeen", "logTelemetry"}:
        answer = servers[True].post("/graphql", json=document(name))
        told[name] = (answer.status_code, [one["message"] for one in answer.json().get("errors", ())])
    assert told == dict.fromkeys(told, (200, [REFUSED]))
    harmless = servers[True].post("/graphql", json=document("setNuxSeen"))
    assert harmless.json() == {"data": {"setNuxSeen": True}}


@pytest.mark.parametrize("path", ["report_asset_materialization/x", "report_asset_check/x", "anything"])
def test_nor_does_anything_else_that_is_sent_there(servers, path):
    answer = servers[True].post(f"/{path}", json={})
    assert (answer.status_code, answer.text) == (403, f"{REFUSED}\n")


@pytest.mark.parametrize("read_only", [True, False])
def test_a_foreign_page_is_refused_in_a_sentence_whatever_it_asks(servers, read_only):
    headers = {"Origin": "https://elsewhere.example.org", "Sec-Fetch-Site": "cross-site"}
    for name in mutations():
        answer = servers[read_only].post("/graphql", json=document(name), headers=headers)
        assert (answer.status_code, answer.text.startswith("A page of another site asked")) == (403, True), (
            name
        )


def test_the_organisers_reaches_dagster(servers):
    answer = servers[False].post("/graphql", json=document("setConcurrencyLimit"))
    assert (answer.status_code, answer.json()) == (200, {"data": {"setConcurrencyLimit": True}})


def test_who_may_look_may_ask(servers):
    asked = {"query": "query mutation { version }"}
    assert servers[True].post("/graphql", json=asked).json() == {"data": {"version": "test"}}


@pytest.mark.parametrize(
    ("query", "changes"),
    [
        ("mutation { setNuxSeen }", False),
        ("mutation { setNuxSeen reloadWorkspace { __typename } }", True),
        ("mutation { ...all } fragment all on Mutation { setNuxSeen }", True),
        ("query q { version } mutation m { reloadWorkspace { __typename } }", True),
        ("{ mutation }", False),
        ("mutation {", False),
    ],
)
def test_what_changes_something(query, changes):
    import json

    assert changes_something(json.dumps({"query": query}).encode()) == changes


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"query": 1}', b'{"query": null}', b"\xff"])
def test_what_is_no_query_is_dagsters_to_answer(body):
    assert not changes_something(body)
