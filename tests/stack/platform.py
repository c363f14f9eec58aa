"""The whole stack of a small competition, driven from outside: `make`-like compose commands, HTTP, git. Nothing imported."""

import base64
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.support import waiting
from tests.support.minio import free_port

LOCATION = "my_dagster_project.definitions"
RUNS = """{ runsOrError(limit: 200) { ... on Runs { results {
  runId jobName status creationTime startTime endTime tags { key value } assetSelection { path } } } } }"""
EVENTS = """query Events($run: ID!) { runOrError(runId: $run) { ... on Run { eventConnection { events {
  __typename ... on MessageEvent { message } ... on ErrorEvent { error { message } } } } } } }"""
LAUNCH = """mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  ... on UnauthorizedError { message } ... on PipelineNotFoundError { message } ... on RunConfigValidationInvalid { errors { message } } } }"""
NODES = "{ assetNodes { assetKey { path } } }"
DONE = ("SUCCESS", "FAILURE", "CANCELED")

wait_for = partial(waiting.wait_for, every=1, not_yet=(OSError, AssertionError, StopIteration))


@dataclass
class Stack:
    """A compose project made from a checkout of its own; every port is free and on loopback."""

    checkout: Path
    project: str
    ports: dict[str, int]
    environment: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict)

    def compose(self, *arguments: str, timeout: float = 600, check: bool = True) -> str:
        """Run the stack's own `compose` script on this project; gives what it printed."""
        done = subprocess.run(
            ["my_dagster_project/deploy/compose", *arguments],
            cwd=self.checkout,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert done.returncode == 0 or not check, f"{arguments}: {done.stdout[-3000:]}\n{done.stderr[-6000:]}"
        return done.stdout

    def container(self, service: str, number: int = 1) -> str:
        """The name of a service's container."""
        return f"{self.project}-{service}-{number}"

    def inspect(self, service: str, what: str, number: int = 1) -> str:
        """One value of `docker inspect`, by Go template."""
        command = ["docker", "inspect", "--format", what, self.container(service, number)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def crash(self, service: str, number: int = 1) -> None:
        """kill -9 of everything in a service's container, from the host, as the kernel does when memory is out.

        Returns when the restart policy has started it anew. (`docker kill` would count as a wish of ours, and the restart
        policy would leave the service down.)
        """
        started = self.inspect(service, "{{.State.StartedAt}}", number)
        os.kill(int(self.inspect(service, "{{.State.Pid}}", number)), signal.SIGKILL)
        wait_for(lambda: self.inspect(service, "{{.State.StartedAt}}", number) != started, 60)

    def exec(self, service: str, *command: str) -> str:
        """Run a command inside a service's container."""
        return self.compose("exec", "-T", service, *command)

    def logs(self, service: str, lines: int = 60) -> str:
        """The last words of a service."""
        return self.compose("logs", "--no-color", f"--tail={lines}", service, check=False)

    def url(self, service: str) -> str:
        """The address of a published service from this machine."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def fetch(
        self, service: str, path: str, *, user: str = "", body: bytes | None = None, **headers: str
    ) -> tuple[int, str]:
        """Status and text of one request; `user` is `name:password`."""
        request = urllib.request.Request(f"{self.url(service)}{path}", body, headers)
        if user:
            request.add_header("Authorization", f"Basic {base64.b64encode(user.encode()).decode()}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    @property
    def organiser(self) -> str:
        """The account that may do everything in Dagit."""
        return f"organiser:{self.secrets['ORGANISER_PASSWORD']}"

    @property
    def teams(self) -> str:
        """The account that may look."""
        return f"teams:{self.secrets['TEAMS_PASSWORD']}"

    def team(self, name: str) -> str:
        """A team's own account, the one it pushes with."""
        accounts = dict(pair.split(":", 1) for pair in self.secrets["GIT_ACCOUNTS"].split(","))
        return f"{name}:{accounts[name]}"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """A GraphQL query to Dagit, by the organiser."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        status, text = self.fetch(
            "dagit", "/graphql", user=self.organiser, body=body, **{"Content-Type": "application/json"}
        )
        assert status == 200, f"{status}: {text[:500]}"
        content = json.loads(text)
        assert "errors" not in content, content["errors"]
        return content["data"]

    def runs(self) -> list[dict[str, Any]]:
        """All runs, newest first, tags as a mapping."""
        found = self.ask(RUNS)["runsOrError"]["results"]
        return [{**run, "tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in found]

    def launching(self, job: str) -> bytes:
        """What Dagit's button sends to launch a job."""
        return json.dumps({"query": LAUNCH, "variables": {"params": launch_params(job)}}).encode()

    def launch(self, job: str, session: str | None = None) -> str:
        """Launch a job as Dagit's button does; gives the run's id."""
        answer = self.ask(LAUNCH, params=launch_params(job, session))["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def finished(self, run: str, seconds: float = 240) -> str:
        """Wait for a run's end; gives its status."""
        return wait_for(lambda: self.status(run) if self.status(run) in DONE else "", seconds)

    def status(self, run: str) -> str:
        """A run's status now."""
        return next(one["status"] for one in self.runs() if one["runId"] == run)

    def succeed(self, run: str, seconds: float = 240) -> None:
        """Wait for a run's success; what it said is in the assertion otherwise."""
        assert self.finished(run, seconds) == "SUCCESS", self.said(run)

    def said(self, run: str) -> str:
        """The messages and errors of a run's event log."""
        events = self.ask(EVENTS, run=run)["runOrError"]["eventConnection"]["events"]
        lines = [event.get("message") or "" for event in events]
        lines += [event["error"]["message"] for event in events if event.get("error")]
        return "\n".join(lines)

    def assets(self) -> set[str]:
        """Every asset of the graph that is loaded."""
        return {"/".join(node["assetKey"]["path"]) for node in self.ask(NODES)["assetNodes"]}


def launch_params(job: str, session: str | None = None) -> dict[str, Any]:
    """What Dagit's page sends to launch a job."""
    selector = {
        "repositoryLocationName": LOCATION,
        "repositoryName": "__repository__",
        "pipelineName": job,
    }
    tags = [{"key": "team", "value": job.split("_")[0]}]
    tags += [{"key": "dagster/partition", "value": session}] if session else []
    return {"selector": selector, "mode": "default", "executionMetadata": {"tags": tags}}


def free_ports(names: list[str]) -> dict[str, int]:
    """A free loopback port for each name."""
    return {name: free_port() for name in names}
