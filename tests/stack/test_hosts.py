"""A second worker container is a second host: it shares no volume with anything, only addresses."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.stack.platform import Stack

pytestmark = pytest.mark.stack


@pytest.fixture
def two_workers(stack) -> Iterator[Stack]:
    stack.compose("up", "-d", "--wait", "--no-recreate", "--scale", "worker=2", "worker")
    yield stack
    stack.compose("up", "-d", "--wait", "--no-recreate", "--scale", "worker=1", "worker")


def test_another_host_takes_the_runs_when_the_first_is_gone(two_workers: Stack):
    stack = two_workers
    assert "volume:" not in stack.inspect("worker", "{{range .Mounts}}{{.Type}}:{{.Name}} {{end}}", 2)
    docker("stop", stack.container("worker", 1))
    runs = [stack.launch(job) for job in ("red_train", "market_daily")]
    for run in runs:
        stack.succeed(run)
    assert all(run in docker("logs", stack.container("worker", 2)) for run in runs)
    docker("start", stack.container("worker", 1))


def docker(*arguments: str) -> str:
    """What one docker command printed."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr
