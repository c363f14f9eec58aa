"""kill -9 of each part while a run is at work: the run ends within 2 minutes, and the next one is clean."""

import subprocess
import time

import pytest

from tests.stack.platform import DONE, Stack, wait_for
from tests.stack.story import stored

pytestmark = pytest.mark.stack
LIMIT = 120


@pytest.fixture(autouse=True, scope="module")
def bars(stack) -> None:
    stack.succeed(stack.launch("market_daily"))


def started(stack: Stack, run: str) -> None:
    wait_for(lambda: stack.status(run) in ("STARTED", *DONE), 60)


def healthy(stack: Stack, service: str) -> None:
    """The restart policy brought the service back, and it says that it is well."""
    wait_for(lambda: stack.inspect(service, "{{.State.Health.Status}}") == "healthy", LIMIT)


def ended(stack: Stack, run: str) -> str:
    """How the run ended, or the newest of its retries did, within the limit."""

    def newest() -> str:
        family = [
            one for one in stack.runs() if run in (one["runId"], one["tags"].get("dagster/root_run_id"))
        ]
        return family[0]["status"] if family[0]["status"] in DONE and settled(family[0]) else ""

    return wait_for(newest, LIMIT)


def settled(run: dict) -> bool:
    """A failed run that will be tried again has not ended."""
    return run["status"] != "FAILURE" or run["tags"].get("dagster/will_retry") != "true"


def next_one_is_clean(stack: Stack) -> None:
    """A whole run afterwards succeeds, and nothing half-written is to be seen."""
    stack.succeed(stack.launch("blue_train"))
    assert all(size > 0 for size in stored(stack, "store/").values())


@pytest.mark.parametrize("service", ["daemon", "dagit", "code-server", "mlflow", "redis", "postgres"])
def test_a_service_that_is_killed_comes_back_and_the_run_ends(stack, service):
    run = stack.launch("red_train")
    started(stack, run)
    stack.crash(service)
    healthy(stack, service)
    status = ended(stack, run)
    assert status == "SUCCESS" or stack.said(run), f"{run} ended {status} without a word"
    next_one_is_clean(stack)


def test_a_worker_killed_in_mid_training_leaves_a_clear_reason_and_a_retry(stack):
    run = stack.launch("red_train")
    started(stack, run)
    time.sleep(3)
    stack.crash("worker")
    healthy(stack, "worker")
    assert ended(stack, run) == "SUCCESS"
    assert "worker" in stack.said(run)
    next_one_is_clean(stack)


def test_a_store_that_is_away_for_30_seconds_during_a_write(stack):
    run = stack.launch("red_train")
    started(stack, run)
    subprocess.run(["docker", "pause", stack.container("minio")], check=True, capture_output=True)
    time.sleep(30)
    subprocess.run(["docker", "unpause", stack.container("minio")], check=True, capture_output=True)
    assert ended(stack, run) == "SUCCESS", stack.said(run)
    next_one_is_clean(stack)
