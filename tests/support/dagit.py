"""The web server of a deployment, asked as a browser asks it."""

import json
import time
import urllib.request
from typing import Any

from tests.support.waiting import wait_for

FAULTS, TRADING = "tests.deploy.workers.faults", "my_dagster_project.definitions"
LAUNCH = """mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
TERMINATE = """mutation Terminate($run: String!) { terminateRun(runId: $run) {
  __typename ... on TerminateRunFailure { message } ... on PythonError { message } } }"""
RELOAD = """mutation Reload($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) {
  __typename ... on WorkspaceLocationEntry { locationOrLoadError { __typename } } } }"""
LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
  name locationOrLoadError { __typename } } } } }"""
RUNS = """{ runsOrError(limit: 200) { ... on Runs { results {
  runId rootRunId jobName status tags { key value } assetSelection { path } } } } }"""
EVENTS = """query Events($run: ID!) { runOrError(runId: $run) { ... on Run { eventConnection { events {
  __typename ... on MessageEvent { message timestamp } ... on RunFailureEvent { error { message } }
  ... on MaterializationEvent { metadataEntries { label ... on IntMetadataEntry { intValue } } } } } } } }"""


class Dagit:
    """A running web server on this machine."""

    def __init__(self, port: int) -> None:
        self.dagit_port = port

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        url = f"http://127.0.0.1:{self.dagit_port}/graphql"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = json.load(answer)
        assert "errors" not in content, content["errors"]
        return content["data"]

    def launch(self, job: str, location: str = FAULTS, seconds: float | None = None, **more: Any) -> str:
        """Put a run into the queue; its id."""
        selector = {
            "repositoryLocationName": location,
            "repositoryName": "__repository__",
            "pipelineName": job,
            **{key: value for key, value in more.items() if key == "assetSelection"},
        }
        config = {} if seconds is None else {"ops": {"wait": {"config": self.waiting(seconds)}}}
        tags = [{"key": key, "value": value} for key, value in more.get("tags", {}).items()]
        params = {"selector": selector, "runConfigData": config, "executionMetadata": {"tags": tags}}
        answer = self.ask(LAUNCH, params={**params, "mode": "default"})["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def waiting(self, seconds: float) -> dict[str, Any]:
        """The configuration of the op that waits."""
        raise NotImplementedError

    def cancel(self, run: str) -> None:
        answer = self.ask(TERMINATE, run=run)["terminateRun"]
        assert answer["__typename"] == "TerminateRunSuccess", answer

    def loaded(self) -> list[str]:
        """The locations whose definitions the web server has."""
        entries = self.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
        return [
            entry["name"]
            for entry in entries
            if (entry["locationOrLoadError"] or {}).get("__typename") == "RepositoryLocation"
        ]

    def reload_what_is_up(self) -> bool:
        """Ask again for what the web server asked for too early; False."""
        time.sleep(1)
        for location in {FAULTS, TRADING}.difference(self.loaded()):
            self.reload(location)
        return False

    def reload(self, location: str) -> bool:
        answer = self.ask(RELOAD, name=location)["reloadRepositoryLocation"]
        return answer.get("locationOrLoadError", {}).get("__typename") == "RepositoryLocation"

    def runs(self) -> dict[str, dict[str, Any]]:
        """All runs by id, newest first, tags as a mapping."""
        found = self.ask(RUNS)["runsOrError"]["results"]
        return {run["runId"]: {**run, "tags": {t["key"]: t["value"] for t in run["tags"]}} for run in found}

    def status(self, run: str) -> str:
        return self.runs()[run]["status"]

    def await_status(self, run: str, *statuses: str, seconds: float = 120) -> str:
        try:
            wait_for(lambda: self.status(run) in statuses, seconds)
        except AssertionError:
            raise AssertionError(f"{self.status(run)}\n{self.story(run)}") from None
        return self.status(run)

    def events(self, run: str) -> list[dict[str, Any]]:
        return self.ask(EVENTS, run=run)["runOrError"]["eventConnection"]["events"]

    def story(self, run: str) -> str:
        """All that the event log says of a run."""
        lines = []
        for event in self.events(run):
            lines.append(f"{event['__typename']}: {event.get('message', '')}")
            if event.get("error"):
                lines.append(event["error"]["message"])
        return "\n".join(lines)

    def repeats(self, run: str) -> list[str]:
        """The runs that repeat this one."""
        return [one for one, said in self.runs().items() if said["rootRunId"] == run and one != run]
