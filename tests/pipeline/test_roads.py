"""However a run is launched, the queue gives it its team, its place and its retries: Dagit's own requests, Dagster's own daemons."""

import json
import logging
from collections import Counter
from dataclasses import replace
from datetime import date

import dagster as dg
import pytest
from dagster._core.definitions.metadata.metadata_value import CodeLocationReconstructionMetadataValue
from dagster._daemon.backfill import execute_backfill_iteration
from dagster._daemon.sensor import execute_sensor_iteration

from my_dagster_project.cli import rounds
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.pinning import pinned_sources
from my_dagster_project.pipeline.run_tags import derived_tags, order_priority
from tests.pipeline.test_queue import SlotLauncher
from tests.support.deployment import MODULE, asked_for, deployed, write_project

START = date(2025, 9, 2)
BY_HAND = "__ASSET_JOB"
PLACE = {"repositoryName": "__repository__", "repositoryLocationName": MODULE}
# What a client may write into any launch; of each the platform knows better.
FORGED = {
    "team": "blue",
    "team/blue": "one run at a time",
    "config": "mine",
    "dagster/priority": "99",
    "dagster/max_retries": "9",
    "dagster/retry_on_asset_or_op_failure": "true",
    "trained/red": "yes",
    "cpu_seconds/red": "-1e9",
}
LAUNCH = """mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
BACKFILL = """mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) { __typename
  ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
AGAIN = """mutation($p: ReexecutionParams!) { launchRunReexecution(reexecutionParams: $p) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""


class Dagit:
    """A person at Dagit, who sends what its pages send."""

    def __init__(self, deployment) -> None:
        self.deployment, self.instance = deployment, deployment.instance
        calendar = deployment.platform.calendar
        self.sessions = [str(day) for day in calendar.sessions(START, date(2025, 12, 31))][:60]

    def job(self, name: str, tags: dict[str, str], *assets: dg.AssetKey) -> str:
        """Launch a job, or of it some assets."""
        selector = {**PLACE, "pipelineName": name}
        if assets:
            selector["assetSelection"] = [{"path": key.path} for key in assets]
        metadata = {"tags": _tags({**FORGED, **tags})}
        return self._ask(LAUNCH, selector=selector, mode="default", executionMetadata=metadata)["run"][
            "runId"
        ]

    def again(self, run: str, strategy: str) -> str:
        return self._ask(AGAIN, parentRunId=run, strategy=strategy, extraTags=_tags(FORGED))["run"]["runId"]

    def asset_backfill(self, sessions: list[str], *assets: dg.AssetKey) -> str:
        selection = [{"path": key.path} for key in assets]
        return self._backfill(sessions, assetSelection=selection)

    def job_backfill(self, sessions: list[str], job: str) -> str:
        part = {
            "partitionSetName": f"{job}_partition_set",
            "repositorySelector": {
                "repositoryName": PLACE["repositoryName"],
                "repositoryLocationName": MODULE,
            },
        }
        return self._backfill(sessions, selector=part)

    def _backfill(self, sessions, **what) -> str:
        asked = self._ask(BACKFILL, partitionNames=sessions, tags=_tags(FORGED), **what)
        list(execute_backfill_iteration(self.deployment.context, logging.getLogger("backfill")))
        return asked["backfillId"]

    def _ask(self, mutation: str, **params):
        from dagster_graphql.test.utils import execute_dagster_graphql

        context = self.deployment.context.create_request_context()
        [answer] = execute_dagster_graphql(context, mutation, variables={"p": params}).data.values()
        assert answer["__typename"].endswith("Success"), answer
        return answer


def _tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


@pytest.fixture(scope="module")
def dagit(tmp_path_factory):
    folder = tmp_path_factory.mktemp("roads")
    write_project(folder, ["red", "blue"], ["AAPL"], START)
    launcher = {"module": SlotLauncher.__module__, "class": SlotLauncher.__name__}
    with deployed(folder, launcher=launcher) as deployment:
        yield Dagit(deployment)


@pytest.fixture(autouse=True)
def _nothing_waits(dagit):
    yield
    for run in dagit.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
        dagit.instance.delete_run(run.run_id)
    for one in dagit.instance.get_backfills():
        dagit.instance.update_backfill(one.with_status(type(one.status).CANCELED))


RED, BLUE = keys.orders_key("red"), keys.orders_key("blue")
MARKET = keys.bars_key("AAPL")
PREDICTIONS, MODEL = keys.predictions_key("red", "AAPL"), keys.model_key("red", "AAPL")
ONE = {"dagster/partition": "2025-09-03"}
RANGE = {
    "dagster/asset_partition_range_start": "2025-09-03",
    "dagster/asset_partition_range_end": "2025-09-05",
}


def by_backfill(dagit, backfill: str) -> str:
    return dagit.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill}))[0].run_id


ROADS = {
    "job": lambda dagit: dagit.job("red_trade", ONE),
    "asset": lambda dagit: dagit.job(BY_HAND, ONE, RED),
    "several assets": lambda dagit: dagit.job(BY_HAND, ONE, PREDICTIONS, RED, keys.fills_key("red")),
    "range": lambda dagit: dagit.job(BY_HAND, RANGE, RED),
    "asset backfill": lambda dagit: by_backfill(dagit, dagit.asset_backfill(["2025-09-03"], RED)),
    "job backfill": lambda dagit: by_backfill(dagit, dagit.job_backfill(["2025-09-03"], "red_trade")),
    "re-execution": lambda dagit: dagit.again(failed(dagit, dagit.job(BY_HAND, ONE, RED)), "ALL_STEPS"),
    "from failure": lambda dagit: dagit.again(failed(dagit, dagit.job("red_trade", ONE)), "FROM_FAILURE"),
}


def failed(dagit, run: str) -> str:
    """The run in the end failed, as a person finds it."""
    job = dagit.instance.get_run_by_id(run).job_name
    dagit.deployment.dequeue()
    step = dg.DagsterEvent("PIPELINE_FAILURE", job)
    dagit.instance.report_dagster_event(step, run_id=run)
    return run


@pytest.mark.parametrize("road", ROADS)
def test_orders_have_their_tags_by_every_road(dagit, road):
    tags = dagit.instance.get_run_by_id(ROADS[road](dagit)).tags
    wanted = {
        "team": "red",
        "team/red": "one run at a time",
        "team/blue": "not of this run",
        "config": "unknown",  # Which commit it is of comes from a code server's plan, and this one has none.
        "dagster/priority": str(order_priority(date(2025, 9, 3))),
        "dagster/max_retries": "0",
        "dagster/retry_on_asset_or_op_failure": "false",
        "trained/red": "not of this run",
        "cpu_seconds/red": "not of this run",
    }
    assert {tag: tags.get(tag) for tag in wanted} == wanted


def test_what_trains_goes_last_and_what_fetches_before_it(dagit):
    def tags(*assets):
        return dagit.instance.get_run_by_id(dagit.job(BY_HAND, {}, *assets)).tags

    training, fetching = tags(MODEL), tags(MARKET)
    assert (training["team"], training["dagster/priority"]) == ("red", "-5")
    assert (fetching["team"], fetching["dagster/priority"]) == ("market", "10")
    assert "team/market" in fetching


def going_on(dagit) -> list[dg.DagsterRun]:
    return list(dagit.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])))


def drained(dagit) -> list[list[dg.DagsterRun]]:
    """Let the queue's daemon work until it is empty; which runs were going on together, step by step."""
    together = []
    while True:
        dagit.deployment.dequeue()
        now = going_on(dagit)
        if not now:
            return together
        together.append(now)
        dagit.deployment.finish(now[-1])


def test_a_run_of_two_teams_waits_for_both_and_both_wait_for_it(dagit):
    both = dagit.job(BY_HAND, {"dagster/partition": "2025-09-02"}, RED, BLUE)
    first = dagit.job(BY_HAND, ONE, RED)
    second = dagit.job("blue_trade", ONE)
    assert dagit.instance.get_run_by_id(both).tags["team"] == "blue, red"
    ids = [{run.run_id for run in runs} for runs in drained(dagit)]
    assert ids[0] == {both}, "the earliest session goes first, alone"
    assert {first, second} in ids
    after = dagit.job("red_train", {})
    dagit.deployment.dequeue()
    late = dagit.job(BY_HAND, ONE, RED, BLUE)
    dagit.deployment.dequeue()
    assert [run.run_id for run in going_on(dagit)] == [after]
    dagit.deployment.finish(going_on(dagit)[0])
    dagit.deployment.dequeue()
    assert [run.run_id for run in going_on(dagit)] == [late]
    dagit.deployment.finish(going_on(dagit)[0])


@pytest.mark.parametrize(
    ("road", "count"),
    [pytest.param("asset", 60, marks=pytest.mark.full), ("asset", 4), ("job, newest first", 4)],
)
def test_a_backfill_trades_its_sessions_one_at_a_time_in_order(dagit, road, count):
    sessions = dagit.sessions[:count]
    if road == "asset":
        dagit.asset_backfill(sessions, RED)
    else:
        dagit.job_backfill(sessions[::-1], "red_trade")
    dagit.asset_backfill(sessions[:2], BLUE)  # beside it, as another team may
    together = drained(dagit)
    assert max(Counter(run.tags["team"] for run in runs).most_common(1)[0][1] for runs in together) == 1
    red = [asked_for(run).split("..")[0] for runs in together for run in runs if run.tags["team"] == "red"]
    assert list(dict.fromkeys(red)) == sessions


def test_a_run_says_which_commit_of_the_team_file_its_plan_carries(dagit):
    """As a code server gives it: Dagster wraps the text in a plan that is stored."""
    sources = dagit.deployment.platform.sources
    at = replace(sources, teams={"red": replace(sources.teams["red"], branch="red", commit="1a2b3c4d5e6f")})
    text = json.dumps({"sources": at.to_json(), "read": "", "problems": {}})
    for stored in (text, CodeLocationReconstructionMetadataValue(text)):
        carried = pinned_sources({"trading/platform": stored, "others": stored})
        tags = derived_tags({RED}, FORGED, lambda team, carried=carried: carried.teams[team].origin)
        assert tags["config"] == "red at 1a2b3c4d5e"
    assert pinned_sources({}) is None


def test_a_round_is_launched_as_the_command_line_does_and_the_daemon_queues_what_is_due(dagit):
    from dagster_graphql.test.utils import execute_dagster_graphql

    context = dagit.deployment.context
    data = execute_dagster_graphql(
        context.create_request_context(), rounds.LAUNCH, variables=rounds.launch_variables()
    ).data
    round_id = data["launchRun"]["run"]["runId"]
    dagit.deployment.dequeue()
    [asked] = going_on(dagit)
    dagit.deployment.finish(asked)
    sensors_look(context)
    [queued] = dagit.instance.get_runs(dg.RunsFilter(tags={"round": round_id}))
    assert (queued.job_name, queued.status) == ("market_daily", dg.DagsterRunStatus.QUEUED)
    assert queued.tags["team/market"] == "one run at a time"
    assert dagit.instance.get_run_by_id(round_id).tags["round_progress"] == "market data; 0 runs"


def sensors_look(context) -> None:
    """One iteration of the sensors' loop."""
    list(execute_sensor_iteration(context, logging.getLogger("sensors"), None, None))
