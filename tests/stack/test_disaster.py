"""The disaster drill: back up, lose everything, restore into an empty stack; it is all there, byte for byte."""

import json
import os
import subprocess
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from tests.stack.platform import DONE, Stack, wait_for
from tests.stack.story import address, bucket_client, stored
from tests.support.gitrepo import git

pytestmark = pytest.mark.stack


def script(stack: Stack, name: str, *arguments: str) -> str:
    """Run `make backup`'s or `make restore`'s script in the checkout."""
    done = subprocess.run(
        [f"my_dagster_project/deploy/{name}", *arguments],
        cwd=stack.checkout,
        env={**os.environ, **stack.environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def everything(stack: Stack) -> dict[str, Any]:
    """What must be there again: objects, branches, runs, experiments, the table people see, and accounts."""
    return {
        "objects": objects(stack),
        "branches": git(stack.checkout, "ls-remote", address(stack, "organiser"), "refs/heads/*"),
        "runs": sorted((run["runId"], run["jobName"], run["status"]) for run in stack.runs()),
        "experiments": experiments(stack),
        "accounts": stack.exec("code-server", "trading", "account"),
        "leaderboard": stack.exec("code-server", "trading", "leaderboard"),
    }


def objects(stack: Stack) -> dict[str, str]:
    client = bucket_client(stack, "MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD")
    return {
        f"{bucket}/{one.object_name}": md5(client.get_object(bucket, one.object_name).read()).hexdigest()
        for bucket in ("trading", "mlflow")
        for one in client.list_objects(bucket, recursive=True)
    }


def experiments(stack: Stack) -> list[tuple[str, str, float]]:
    """Every metric of every MLflow run."""
    user = f"{stack.secrets['MLFLOW_TRACKING_USERNAME']}:{stack.secrets['MLFLOW_TRACKING_PASSWORD']}"

    def ask(path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        status, text = stack.fetch(
            "mlflow", f"/api/2.0/mlflow/{path}", user=user, body=json.dumps(body).encode(), **headers
        )
        assert status == 200, text
        return json.loads(text)

    found = ask("experiments/search", {"max_results": 100})["experiments"]
    runs = ask(
        "runs/search", {"experiment_ids": [one["experiment_id"] for one in found], "max_results": 1000}
    )["runs"]
    return sorted(
        (run["info"]["run_id"], metric["key"], metric["value"])
        for run in runs
        for metric in run["data"].get("metrics", [])
    )


def test_all_is_back_after_everything_was_lost(stack: Stack, tmp_path: Path):
    # Nothing is to change between the two looks: no run under way, no version that is still to be committed.
    wait_for(lambda: all(run["status"] in DONE for run in stack.runs()), 120)
    wait_for(lambda: not stored(stack, "store/.versions/pending/"), 120)
    stack.compose("stop", "daemon")
    before = everything(stack)
    assert len(before["objects"]) > 40
    assert before["experiments"]
    saved = tmp_path / "backup.tar"
    script(stack, "backup", str(saved))
    assert [
        name
        for name, value in stack.secrets.items()
        if len(value) >= 12 and value.encode() in saved.read_bytes()
    ] == []

    stack.compose("down", "--volumes", "--timeout", "5")
    script(stack, "restore", str(saved))
    stack.compose("stop", "daemon")
    after = everything(stack)
    for part, value in before.items():
        assert after[part] == value, part

    stack.compose("up", "-d", "--wait", "daemon")
    stack.succeed(stack.launch("market_daily"))
