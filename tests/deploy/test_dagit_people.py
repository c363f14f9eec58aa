"""The web server with people in front of it, by every road there is: as red, as a visitor, as nobody, as the organiser.

Dagster's own server and schema over the real definitions; what a test sends is what Dagit's pages send, or what a client makes up.
"""

import json
from collections.abc import Iterator
from datetime import date
from functools import cache
from types import SimpleNamespace
from typing import Any

import click
import dagster as dg
import pytest
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

from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.foundation.sign_in import USER_HEADER
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.storage.audit import _aside, newest
from my_dagster_project.storage.opening import open_assets
from tests.pipeline.test_queue import SlotLauncher
from tests.support.deployment import MODULE, deployed, write_project

PLAIN = {"String": "1", "ID": "x", "Int": 1, "Float": 1.0, "Boolean": True}
PLACE = {"repositoryName": "__repository__", "repositoryLocationName": MODULE}
DAY, BY_HAND = "2025-09-03", "__ASSET_JOB"
FORGED = {
    "team": "blue",
    "user": "organiser",
    "round": "x",
    "dagster/priority": "99",
    "dagster/max_retries": "9",
    "dagster-celery/queue": "gpu",
    "dagster/schedule_name": "blue_trade_schedule",
    "dagster/partition": DAY,
}
SENTENCE = "This is not team red's"
TO_LOOK = "Here you look at Dagit. The organiser changes things; a team signs in with its own name to run what is its own."


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


def document(name: str, **given: Any) -> dict[str, Any]:
    """What a client sends for a mutation: these arguments, else the least that the schema takes."""
    field = mutations()[name]
    needed = {arg: one.type for arg, one in field.args.items() if is_required_argument(one) or arg in given}
    declared = ", ".join(f"${arg}: {kind}" for arg, kind in needed.items())
    asked = ", ".join(f"{arg}: ${arg}" for arg in needed)
    kind = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    shown = ANSWER if is_composite_type(kind) else ""
    head = f"mutation M{f'({declared})' if declared else ''}"
    variables = {arg: given.get(arg, value(one)) for arg, one in needed.items()}
    return {"query": f"{head} {{ {name}{f'({asked})' if asked else ''} {shown} }}", "variables": variables}


RUN = "... on LaunchRunSuccess { run { runId } } ... on UnauthorizedError { message } ... on PythonError { message }"
ANSWER = "{ __typename }"
SHOWN = {
    "launchMultipleRuns": f"{{ ... on LaunchMultipleRunsResult {{ launchMultipleRunsResult {{ __typename {RUN} }} }} }}",
    "terminateRun": "{ __typename ... on TerminateRunFailure { message } ... on UnauthorizedError { message } }",
    "terminateRuns": "{ ... on TerminateRunsResult { terminateRunResults { __typename ... on TerminateRunFailure { message } } } }",
    "cancelPartitionBackfill": "{ __typename ... on UnauthorizedError { message } }",
}


class People:
    """The server, asked as somebody."""

    def __init__(self, client: TestClient, deployment) -> None:
        self.client, self.deployment, self.instance = client, deployment, deployment.instance

    def post(self, who: str | None, sent: dict[str, Any], **headers: str) -> Any:
        named = {} if who is None else {USER_HEADER: who}
        return self.client.post("/graphql", json=sent, headers={**named, **headers})

    def change(self, who: str | None, name: str, **given: Any) -> Any:
        """The answer to a mutation."""
        sent = document(name, **given)
        shown = SHOWN.get(name) or (BACKFILL if "Backfill" in name else f"{{ __typename {RUN} }}")
        sent["query"] = sent["query"].replace(ANSWER, shown)
        answer = self.post(who, sent)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return body["data"][name] if body["data"] else body["errors"][0]

    def launch(self, who: str | None, job: str, *assets: dg.AssetKey, tags=FORGED, **more: Any) -> Any:
        return self.change(who, "launchRun", executionParams=execution(job, *assets, tags=tags, **more))

    def run(self, run_id: str) -> dg.DagsterRun:
        return self.instance.get_run_by_id(run_id)


BACKFILL = """{ __typename ... on LaunchBackfillSuccess { backfillId } ... on UnauthorizedError { message }
  ... on PythonError { message } }"""


def execution(job: str, *assets: dg.AssetKey, tags=FORGED, **more: Any) -> dict[str, Any]:
    selector = {**PLACE, "pipelineName": job}
    if assets:
        selector["assetSelection"] = [{"path": key.path} for key in assets]
    told = [{"key": key, "value": value} for key, value in tags.items()]
    metadata = {"tags": told, **more.pop("metadata", {})}
    return {"selector": selector, "mode": "default", "executionMetadata": metadata, **more}


def of_job(job: str) -> dict[str, Any]:
    place = {"partitionSetName": f"{job}_partition_set", "repositorySelector": PLACE}
    return {"selector": place, "partitionNames": [DAY]}


def of_assets(*assets: dg.AssetKey) -> dict[str, Any]:
    return {"assetSelection": [{"path": key.path} for key in assets], "partitionNames": [DAY]}


def people_of(deployment) -> People:
    from my_dagster_project.deploy.dagit.persons import create_guarded_app

    with click.Context(click.Command("dagster-webserver")) as told:
        told.params.update(host="0.0.0.0", path_prefix="", read_only=False)
        app = create_guarded_app(deployment.context)
    client = TestClient(app, base_url="http://localhost:3000", raise_server_exceptions=False)
    return People(client, deployment)


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> Iterator[People]:
    folder = tmp_path_factory.mktemp("people")
    write_project(folder, ["red", "blue"], ["AAPL"], date(2025, 9, 2))
    launcher = {"module": SlotLauncher.__module__, "class": SlotLauncher.__name__}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRADING_PROXY_NAMES_USER", "1")
        with deployed(folder, launcher=launcher) as deployment:
            yield people_of(deployment)


RED, BLUE, BARS = keys.orders_key("red"), keys.orders_key("blue"), keys.bars_key("AAPL")


@pytest.fixture(scope="module")
def blues(people) -> dg.DagsterRun:
    """A run of blue's, launched by the organiser."""
    return people.run(people.launch("organiser", "blue_trade")["run"]["runId"])


@pytest.fixture(scope="module")
def reds(people) -> dg.DagsterRun:
    return people.run(people.launch("organiser", "red_trade")["run"]["runId"])


def refused(answer: Any) -> str:
    assert answer["__typename"] == "UnauthorizedError", answer
    return answer["message"]


NOT_OWN = {
    "a job of blue's": ("blue_trade", ()),
    "a job of nobody's": ("leaderboard", ()),
    "the kill switch": ("trading_halt", ()),
    "an asset of blue's": (BY_HAND, (BLUE,)),
    "an asset of both": (BY_HAND, (RED, BLUE)),
    "bars": (BY_HAND, (BARS,)),
    "no selection": (BY_HAND, ()),
}


@pytest.mark.parametrize("what", NOT_OWN)
@pytest.mark.parametrize("who", ["red", "teams", "purple", "Organiser", None])
def test_what_is_not_ones_own_is_refused_in_a_sentence_by_every_road(people, what, who):
    job, assets = NOT_OWN[what]
    before = people.instance.get_runs_count()
    asked = execution(job, *assets)
    several = people.change(who, "launchMultipleRuns", executionParamsList=[asked])
    told = [
        refused(people.change(who, "launchRun", executionParams=asked)),
        refused(people.change(who, "launchPipelineExecution", executionParams=asked)),
        refused(people.change(who, "launchRunReexecution", executionParams=asked)),
        refused(people.change(who, "launchPipelineReexecution", executionParams=asked)),
    ]
    if who in ("red", "purple", "Organiser"):
        told += [one["message"] for one in several.get("launchMultipleRunsResult", [several])]
        assert {f"This is not team {who}'s" in one for one in told} == {True}
    else:
        assert {*told, several["message"]} == {TO_LOOK}
    assert people.instance.get_runs_count() == before


@pytest.mark.parametrize(
    "asked", [of_job("blue_trade"), of_assets(BLUE), of_assets(RED, BLUE), of_job("leaderboard")]
)
def test_no_backfill_of_what_is_not_ones_own(people, asked):
    answer = people.change("red", "launchPartitionBackfill", backfillParams=asked)
    assert answer["__typename"] in ("UnauthorizedError", "PythonError"), answer
    assert people.instance.get_backfills() == []


def test_a_selection_inside_ones_own_job_reaches_nothing_of_anothers(people):
    """Dagster itself launched blue's orders for `red_trade` with a selection: it asks for the owner of the job alone."""
    before = people.instance.get_runs_count()
    check = {"assetKey": {"path": BLUE.path}, "name": "x"}
    asked = [execution("red_trade", BLUE), execution("red_trade", RED, BLUE), execution("red_trade", RED)]
    asked[2]["selector"]["assetCheckSelection"] = [check]
    for one in asked:
        assert SENTENCE in refused(people.change("red", "launchRun", executionParams=one))
    backfill = {**of_job("red_trade"), **of_assets(BLUE)}
    assert SENTENCE in refused(people.change("red", "launchPartitionBackfill", backfillParams=backfill))
    by_ops = execution("red_trade")
    by_ops["selector"]["solidSelection"] = ["blue__orders"]
    answer = people.post("red", document("launchRun", executionParams=by_ops)).json()["data"]["launchRun"]
    assert answer["__typename"] != "LaunchRunSuccess"
    assert people.instance.get_runs_count() == before


@pytest.mark.parametrize("road", ["job with a selection", "bars", "a job without assets", "a backfill"])
def test_what_passed_dagit_all_the_same_ends_at_the_queue(people, road):
    from dagster_graphql.test.utils import execute_dagster_graphql

    asked, who = {
        "job with a selection": (execution("red_trade", BLUE), "red"),
        "bars": (execution(BY_HAND, BARS, tags={}), "red"),
        "a job without assets": (execution("trading_halt", tags={}), "red"),
        "a backfill": (execution("red_trade", BLUE, tags={"user": "red", "dagster/partition": DAY}), ""),
    }[road]
    before = people.instance.get_runs_count()
    source = SimpleNamespace(headers={USER_HEADER: who})
    context = people.deployment.context.create_request_context(source)
    sent = document("launchRun", executionParams=asked)
    query = sent["query"].replace(ANSWER, f"{{ __typename {RUN} }}")
    answer = execute_dagster_graphql(context, query, variables=sent["variables"]).data["launchRun"]
    assert "red launches its own assets and jobs only" in answer["message"]
    assert people.instance.get_runs_count() == before


def test_the_run_of_another_team_is_neither_repeated_nor_ended_nor_a_parent(people, blues):
    before = people.instance.get_runs_count()
    again = {"parentRunId": blues.run_id, "strategy": "ALL_STEPS"}
    under = execution("red_trade", metadata={"rootRunId": blues.run_id, "parentRunId": blues.run_id})
    assert SENTENCE in refused(people.change("red", "launchRunReexecution", reexecutionParams=again))
    assert SENTENCE in refused(people.change("red", "launchRunReexecution", executionParams=under))
    assert SENTENCE in refused(people.change("red", "launchRun", executionParams=under))
    ended = people.change("red", "terminateRun", runId=blues.run_id)
    assert (ended["__typename"], "permission" in ended["message"]) == ("TerminateRunFailure", True)
    several = people.change("red", "terminateRuns", runIds=[blues.run_id])["terminateRunResults"]
    assert [one["__typename"] for one in several] == ["TerminateRunFailure"]
    assert people.run(blues.run_id).status == dg.DagsterRunStatus.QUEUED
    assert people.instance.get_runs_count() == before


OWN_ROADS = {
    "job": lambda people: people.launch("red", "red_trade"),
    "asset": lambda people: people.launch("red", BY_HAND, RED),
    "several": lambda people: people.change(
        "red", "launchMultipleRuns", executionParamsList=[execution("red_trade")]
    )["launchMultipleRunsResult"][0],
}


@pytest.mark.parametrize("road", OWN_ROADS)
def test_ones_own_is_launched_and_stamped_and_nothing_else_of_the_clients_is_kept(people, road):
    answer = OWN_ROADS[road](people)
    assert answer["__typename"] == "LaunchRunSuccess", answer
    tags = people.run(answer["run"]["runId"]).tags
    assert (tags["user"], tags["team"], tags["dagster/partition"]) == ("red", "red", DAY)
    assert tags["dagster/priority"] not in ("", "99")
    assert tags["dagster/max_retries"] == "0"
    assert not {"round", "dagster-celery/queue", "dagster/schedule_name"} & tags.keys()


def test_ones_own_run_is_repeated_and_ended_whoever_launched_it(people, reds):
    extra = [{"key": "dagster/priority", "value": "99"}, {"key": "round", "value": "x"}]
    asked = {"parentRunId": reds.run_id, "strategy": "ALL_STEPS", "extraTags": extra}
    again = people.run(people.change("red", "launchRunReexecution", reexecutionParams=asked)["run"]["runId"])
    assert (again.tags["user"], again.parent_run_id, again.tags["dagster/priority"]) == (
        "red",
        reds.run_id,
        reds.tags["dagster/priority"],
    )
    # The organiser's launch keeps what the organiser said; a repetition inherits it.
    assert again.tags["round"] == reds.tags["round"] == "x"
    forced = people.change(
        "red", "terminateRun", runId=again.run_id, terminatePolicy="MARK_AS_CANCELED_IMMEDIATELY"
    )
    assert "without force" in refused(forced)
    assert people.change("red", "terminateRun", runId=again.run_id)["__typename"] == "TerminateRunSuccess"


@pytest.mark.parametrize(
    ("config", "taken"),
    [
        ({}, True),
        ("{}\n", True),
        ({"ops": {}}, True),
        ({"resources": {"broker": {"config": {"starting_cash": 1e9}}}}, False),
        ("resources: {broker: {config: {starting_cash: 0}}}", False),
        ("execution: [", False),
    ],
)
def test_a_teams_run_takes_no_configuration(people, config, taken):
    answer = people.launch("red", "red_trade", runConfigData=config)
    assert (answer["__typename"] == "LaunchRunSuccess") == taken, answer
    if not taken:
        assert "take no configuration" in refused(answer)
        asked = {**of_assets(RED), "runConfigData": config}
        assert "no configuration" in refused(
            people.change("red", "launchPartitionBackfill", backfillParams=asked)
        )


def test_ones_own_backfill_is_stamped_and_cancelled_by_its_team_only(people):
    tags = [{"key": "dagster/priority", "value": "99"}, {"key": "user", "value": "organiser"}]
    asked = {**of_assets(RED), "tags": tags, "forceSynchronousSubmission": True}
    made = people.change("red", "launchPartitionBackfill", backfillParams=asked)
    assert made["__typename"] == "LaunchBackfillSuccess", made
    assert people.instance.get_backfill(made["backfillId"]).tags == {"user": "red"}
    for who in ("blue", "teams", None):
        assert refused(people.change(who, "cancelPartitionBackfill", backfillId=made["backfillId"]))
    ended = people.change("red", "cancelPartitionBackfill", backfillId=made["backfillId"])
    assert ended["__typename"] == "CancelBackfillSuccess"


@pytest.mark.parametrize("who", ["red", "teams", None])
def test_every_other_mutation_is_refused_in_a_sentence(people, who):
    from my_dagster_project.deploy.dagit.mutations import HARMLESS, OF_TEAMS

    allowed = HARMLESS | (OF_TEAMS if who == "red" else set())
    told = {}
    for name in mutations().keys() - allowed:
        sent = document(name)
        sent["query"] = sent["query"].replace(
            ANSWER, "{ __typename ... on UnauthorizedError { message } ... on PythonError { message } }"
        )
        answer = people.post(who, sent)
        if answer.status_code == 400:  # No such answer in its type.
            answer = people.post(who, document(name))
        body = answer.json()
        [one] = (body["data"] or {name: None}).values()
        told[name] = (answer.status_code, (one or body["errors"][0]).get("message"))
    wanted = TO_LOOK if who != "red" else SENTENCE
    assert {name: said for name, said in told.items() if said[0] != 200} == {}
    assert {name for name, (_, said) in told.items() if said is not None and wanted not in said} == set()
    assert len([said for _, said in told.values() if said]) > 20


def test_the_lists_name_mutations_that_there_are():
    from my_dagster_project.deploy.dagit.mutations import HARMLESS, OF_TEAMS

    assert mutations().keys() >= HARMLESS | OF_TEAMS


@pytest.mark.parametrize("who", ["red", "teams", None])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "report_asset_materialization/red/orders"),
        ("POST", "report_asset_check/red/orders"),
        ("POST", "report_asset_observation/red/orders"),
        ("GET", "logs/x/compute.err"),
        ("GET", "download_debug/x"),
        ("GET", "notebook?repoLocName=x&path=x.ipynb"),
        ("GET", "dagit/notebook"),
        ("GET", "%6cogs/x/compute.err"),
        ("POST", "anything"),
    ],
)
def test_the_other_doors_are_closed(people, who, method, path):
    named = {} if who is None else {USER_HEADER: who}
    answer = people.client.request(method, f"/{path}", headers=named, json={})
    assert (answer.status_code, answer.text) == (403, f"{TO_LOOK}\n")


def test_the_organiser_may_everything(people, blues):
    headers = {USER_HEADER: "organiser"}
    assert people.client.get(f"/download_debug/{blues.run_id}", headers=headers).status_code == 200
    sent = people.client.post("/report_asset_materialization/blue/orders", headers=headers, json={})
    assert sent.status_code == 200, sent.text
    launched = people.launch(
        "organiser",
        "red_trade",
        runConfigData={"resources": {"tracking": {"config": {"uri": "x", "artifacts": "y"}}}},
    )
    assert launched["__typename"] == "LaunchRunSuccess", launched
    assert people.run(launched["run"]["runId"]).tags["user"] == "organiser"
    limit = people.post("platform", document("setConcurrencyLimit"))
    assert (limit.status_code, limit.json()) == (200, {"data": {"setConcurrencyLimit": True}})


BUTTONS = """{ assetNodes { assetKey { path } hasMaterializePermission hasWipePermission }
  repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name hasLaunchExecutionPermission }
    schedules { name scheduleState { hasStartPermission } } } } }
  permissions { permission value disabledReason } }"""


def test_the_buttons_are_those_that_do_something(people):
    data = people.post("red", {"query": BUTTONS}).json()["data"]
    shown = {"/".join(one["assetKey"]["path"]): one["hasMaterializePermission"] for one in data["assetNodes"]}
    assert {key.split("/")[0] for key, may in shown.items() if may} == {"red"}
    assert all(may for key, may in shown.items() if key.startswith("red/"))
    assert not any(one["hasWipePermission"] for one in data["assetNodes"])
    [repository] = data["repositoriesOrError"]["nodes"]
    jobs = {job["name"] for job in repository["jobs"] if job["hasLaunchExecutionPermission"]}
    assert jobs == {job["name"] for job in repository["jobs"] if job["name"].startswith("red_")}
    assert not any(one["scheduleState"]["hasStartPermission"] for one in repository["schedules"])
    reasons = {(one["value"], SENTENCE in (one["disabledReason"] or "")) for one in data["permissions"]}
    assert reasons == {(False, True)}


def test_what_was_done_and_what_was_refused_is_on_record(people):
    people.launch("red", "blue_trade")
    config = {"resources": {"broker": {"config": {"starting_cash": 1e9}}}}
    people.launch("red", "red_trade", runConfigData=config)
    done = people.launch("red", BY_HAND, RED)["run"]["runId"]
    people.post("teams", document("setNuxSeen"))
    people.post("platform", document("setConcurrencyLimit"))
    people.post("teams", document("setConcurrencyLimit"))
    _aside().submit(lambda: None).result(20)
    settings = load_settings()
    last = newest(open_assets(settings.store_url, settings.dvc_url).store, 4)[::-1]
    assert [act.who for act in last] == ["red", "red", "red", "teams"]
    assert [act.outcome.split(":")[0] for act in last] == [
        "refused",
        "refused",
        f"done, run {done}",
        "refused",
    ]
    assert "launchRun blue_trade" in last[0].what
    assert "no configuration" in last[1].outcome
    assert "red/orders" in last[2].what


@pytest.mark.parametrize("who", ["red", "teams", "organiser"])
def test_a_link_or_a_form_launches_nothing_whoever_is_signed_in(people, who):
    """Dagster's own server does what stands in an address, asked by GET or as plain text: whatever page the browser is on."""
    sent = document("launchRun", executionParams=execution("red_trade" if who == "red" else "blue_trade"))
    address = {"query": sent["query"], "variables": json.dumps(sent["variables"])}
    before, headers = people.instance.get_runs_count(), {USER_HEADER: who}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/graphql", ""):
        told = {**headers, "Content-Type": kind} if kind else headers
        assert people.client.post("/graphql", params=address, headers=told).status_code in (403, 415), kind
    assert people.client.get("/graphql", params=address, headers=headers).status_code in (400, 403, 405)
    assert people.instance.get_runs_count() == before


def test_a_subscription_reads_and_changes_nothing(people, reds):
    headers = {USER_HEADER: "red"}
    before = people.instance.get_runs_count()
    logs = "subscription($run: ID!) { pipelineRunLogs(runId: $run) { __typename } }"
    asked = document("launchRun", executionParams=execution("red_trade"))
    with people.client.websocket_connect("/graphql", ["graphql-ws"], headers=headers) as socket:
        socket.send_json({"type": "connection_init"})
        assert socket.receive_json() == {"type": "connection_ack"}
        socket.send_json({"id": "1", "type": "start", "payload": asked})
        assert socket.receive_json()["type"] == "error"
        payload = {"query": logs, "variables": {"run": reds.run_id}}
        socket.send_json({"id": "2", "type": "start", "payload": payload})
        told = socket.receive_json()
        assert (told["type"], told["payload"]["data"]["pipelineRunLogs"]["__typename"]) == (
            "data",
            "PipelineRunLogsSubscriptionSuccess",
        )
    assert people.instance.get_runs_count() == before


def test_a_foreign_page_is_refused_in_a_sentence_whatever_it_asks(people):
    headers = {"Origin": "https://elsewhere.example.org", "Sec-Fetch-Site": "cross-site"}
    for name in mutations():
        answer = people.post("organiser", document(name), **headers)
        assert (answer.status_code, answer.text.startswith("A page of another site asked")) == (403, True)


SAID = """{ nodes: assetNodes { assetKey { path } description metadataEntries { label }
    assetMaterializations(limit: 1) { description metadataEntries { label ... on TextMetadataEntry { text } } }
    assetChecksOrError { ... on AssetChecks { checks { description
      executionForLatestMaterialization { evaluation { description metadataEntries { label } } } } } } }
  repositoriesOrError { ... on RepositoryConnection { nodes { usedSolids { definition { name description
    metadata { value } outputDefinitions { description metadataEntries { label } } } } } } } }"""


@pytest.fixture
def on_record(people, monkeypatch) -> Iterator[Any]:
    """What each asset says in Dagit to somebody, once an event of each is there; and the registry to be changed."""
    from my_dagster_project.deploy.dagit import permissions
    from my_dagster_project.teams import visibility

    registry = load_settings().project / "configs" / "teams.yaml"
    text = registry.read_text()
    monkeypatch.setattr(visibility, "_SECONDS", -1.0)
    permissions._sight.cache_clear()
    for key in (RED, BLUE, BARS):
        plan = {"plan": dg.MetadataValue.text(f"secret of {key.path[0]}")}
        people.instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata=plan))
    spec = keys.team_file_key("blue")
    people.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(spec, "valid", True, {"why": "secret of blue"}, description="secret of blue")
    )

    def said(who: str | None) -> tuple[str, dict[str, Any]]:
        answer = people.post(who, {"query": SAID})
        data = answer.json()["data"]
        return answer.text, {"/".join(node["assetKey"]["path"]): node for node in data["nodes"]}

    yield said, lambda words: registry.write_text(f"{text}\n{words}\n")
    registry.write_text(text)
    permissions._sight.cache_clear()


def test_where_teams_see_their_own_nothing_in_dagit_says_more_of_another(on_record):
    said, write = on_record
    for who in ("red", "blue", "teams", None, "organiser"):
        assert "secret of blue" in said(who)[0]
    write("visibility: own")
    for who, shown in (("red", {"red"}), ("blue", {"blue"}), ("teams", set()), (None, set())):
        text, nodes = said(who)
        assert {team for team in ("red", "blue") if f"secret of {team}" in text} == shown
        assert "secret of market" in text
        for key, node in nodes.items():
            if key.split("/")[0] not in {*shown, "market", "competition"}:
                assert _leaves(node) <= {None, False, *node["assetKey"]["path"]}, node
    everything = said("organiser")[0]
    assert "secret of red" in everything
    assert "secret of blue" in everything


def _leaves(node: Any) -> set[Any]:
    if isinstance(node, dict):
        return set().union(*map(_leaves, node.values()))
    return set().union(*map(_leaves, node)) if isinstance(node, list) else {node}


def test_without_a_proxy_there_is_one_person_who_may_everything(people, monkeypatch):
    monkeypatch.delenv("TRADING_PROXY_NAMES_USER")
    load_settings.cache_clear()
    try:
        answer = people.launch("red", "blue_trade")
        assert answer["__typename"] == "LaunchRunSuccess"
        assert people.run(answer["run"]["runId"]).tags["user"] == "organiser"  # As he wrote it himself.
    finally:
        monkeypatch.undo()
        load_settings.cache_clear()
