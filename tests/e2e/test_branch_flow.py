"""Teams at work while the platform runs: commits on a branch, seen through Dagit's own API."""

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.project import Project, kill_group
from tests.support.gitrepo import git
from tests.support.waiting import wait_for

pytestmark = pytest.mark.full

RUNS = "{ runsOrError(limit: 100) { ... on Runs { results { runId jobName status tags { key value } assetSelection { path } } } } }"
CHECK = """{ assetNodeOrError(assetKey: {path: ["red", "config"]}) { ... on AssetNode {
  assetChecksOrError { ... on AssetChecks { checks {
    executionForLatestMaterialization { evaluation { description success } } } } } } } }"""
LAUNCH = """mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""


@dataclass
class Dagit:
    """A running `trading ui`."""

    url: str

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = json.load(answer)
        assert "errors" not in content, content["errors"]
        return content["data"]

    def runs(self) -> list[dict[str, Any]]:
        found = self.ask(RUNS)["runsOrError"]["results"]
        return [{**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in found]

    def check(self) -> dict[str, Any] | None:
        """The latest answer of the check of red's file."""
        checks = self.ask(CHECK)["assetNodeOrError"]["assetChecksOrError"]["checks"]
        latest = checks[0]["executionForLatestMaterialization"]
        return latest and latest["evaluation"]


@contextmanager
def dagit(project: Project) -> Iterator[Dagit]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (project.folder.parent / "ui.log").open("w")
    process = subprocess.Popen(
        ["trading", "ui", "--port", str(port)],
        cwd=project.folder,
        env=project.environ(),
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    served = Dagit(f"http://127.0.0.1:{port}")
    try:
        wait_for(lambda: served.check() is not None, 90)  # the sensor has had its first look
        yield served
    finally:
        kill_group(process)


def trainings(served: Dagit, commit: str) -> list[dict[str, Any]]:
    return [run for run in served.runs() if run["tags"].get("config") == f"red at {commit[:10]}"]


def test_a_commit_trains_what_it_changed_a_mistake_disturbs_nobody_and_nothing_loops(copied) -> None:
    with dagit(copied) as served:
        before = len(served.runs())
        copied.commit_edit("red", lambda config: config["training"].update(seed=7))
        good = git(copied.folder, "rev-parse", "red")
        run = wait_for(lambda: trainings(served, good), 90)[0]
        assert run["jobName"] == "red_train"
        assert sorted("/".join(key["path"]) for key in run["assetSelection"]) == [
            "red/AAPL/features",
            "red/AAPL/model",
            "red/IBM/features",
            "red/IBM/model",
        ]
        wait_for(lambda: trainings(served, good)[0]["status"] == "SUCCESS", 180)
        # The platform's own commit of the new versions is on the branch now; it is no change of the file.
        wait_for(lambda: git(copied.folder, "rev-parse", "red") != good, 90)

        copied.commit_edit("red", lambda config: config["trading"].update(buy_abov=1))
        answer = wait_for(lambda: (found := served.check()) and not found["success"] and found, 90)
        assert "trading.buy_abov: unknown key (did you mean buy_above?)" in answer["description"]
        assert f"(in force: red at {good[:10]})" in answer["description"]

        time.sleep(45)  # several rounds of both sensors
        assert len(served.runs()) == before + 1


def test_a_run_keeps_the_configuration_it_was_created_with(copied) -> None:
    config = copied.home / "dagster" / "dagster.yaml"
    with dagit(copied) as served:
        old = served.runs()[0]["tags"].get("config")
        assert old is None or old
        # While a run of the team is at work the next one waits in the queue.
        first, second = launch(served), launch(served)
        copied.commit_edit("red", lambda config: config["training"].update(seed=7))
        new = git(copied.folder, "rev-parse", "red")
        wait_for(lambda: trainings(served, new), 180)
        done = wait_for(
            lambda: [r for r in served.runs() if r["runId"] == second and r["status"] == "SUCCESS"], 240
        )
        assert done[0]["tags"]["config"] != f"red at {new[:10]}"
        assert first != second
        assert seed_of(served, second) == 42
    assert config.exists()


def launch(served: Dagit) -> str:
    selector = {
        "repositoryLocationName": "my_dagster_project.definitions",
        "repositoryName": "__repository__",
        "pipelineName": "red_train",
        "assetSelection": [{"path": ["red", "IBM", "model"]}],
    }
    tags = [{"key": "team", "value": "red"}]
    params = {"selector": selector, "mode": "default", "executionMetadata": {"tags": tags}}
    answer = served.ask(LAUNCH, params=params)["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return answer["run"]["runId"]


def seed_of(served: Dagit, run: str) -> int:
    query = """query Events($run: ID!) { runOrError(runId: $run) { ... on Run { eventConnection { events {
      ... on MaterializationEvent { metadataEntries { label ... on IntMetadataEntry { intValue } } } } } } } }"""
    events = served.ask(query, run=run)["runOrError"]["eventConnection"]["events"]
    entries = [entry for event in events for entry in event.get("metadataEntries", [])]
    return next(entry["intValue"] for entry in entries if entry["label"] == "seed")
