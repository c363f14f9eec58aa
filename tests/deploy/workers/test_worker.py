"""The worker command without its Redis: what it refuses, and that its parent may be forked."""

import json
import subprocess
import sys

import pytest
import yaml

from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.foundation.pool_settings import pool_settings
from tests.e2e.project import ROOT

PRELOAD = """
import json, sys
from my_dagster_project.foundation.settings import quiet_libraries
quiet_libraries()
from my_dagster_project.deploy.workers.pool import worker_app
from my_dagster_project.deploy.workers.preloading import preload, threads
preload()
import gc, psutil
connections = [str(one) for one in psutil.Process().net_connections(kind="inet")]
wanted = ["ludwig.api", "torch", "pandas", "mlflow", "evidently", "dagster_postgres"]
ours = ["my_dagster_project.definitions"]
print(json.dumps({
    "threads": threads(), "connections": connections, "missing": [m for m in wanted if m not in sys.modules],
    "definitions": [m for m in ours if m in sys.modules], "frozen": gc.get_freeze_count(),
    "torch_threads": __import__("torch").get_num_threads()}))
"""


def worker(home, **environment):
    return subprocess.run(
        [sys.executable, "-m", "my_dagster_project.deploy.workers"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "DAGSTER_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_without_the_stacks_instance_it_says_what_to_do(tmp_path):
    done = worker(tmp_path)
    assert done.returncode == 1
    assert f"DAGSTER_HOME={tmp_path}: set it to the folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_instance_that_launches_runs_itself_is_refused(tmp_path):
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"telemetry": {"enabled": False}}))
    done = worker(tmp_path)
    assert done.returncode == 1
    assert "launches runs by themselves, not in the worker pool" in done.stderr


def test_slots_that_are_no_number(tmp_path):
    done = worker(tmp_path, TRADING_WORKER_SLOTS="two")
    assert done.returncode == 1
    assert "TRADING_WORKER_SLOTS=two: must be a whole number" in done.stderr


def test_settings_of_the_pool():
    plain = pool_settings({})
    assert (plain.redis_url, plain.slots, plain.queue) == ("redis://127.0.0.1:6379/0", 2, "dagster")
    secret = pool_settings({"TRADING_REDIS_URL": "redis://redis:6379/0", "REDIS_PASSWORD": "a/b@c:d"})
    assert secret.redis_url == "redis://:a%2Fb%40c%3Ad@redis:6379/0"
    assert "a/b" not in repr(secret)
    assert "redis_url" not in repr(secret)
    with pytest.raises(ConfigError, match="TRADING_WORKER_SLOTS=0"):
        pool_settings({"TRADING_WORKER_SLOTS": "0"})


@pytest.mark.full
def test_the_parent_has_everything_heavy_and_nothing_a_fork_must_not_share(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PRELOAD],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["threads"] == []
    assert said["connections"] == []
    assert said["missing"] == []
    assert said["definitions"] == []
    assert said["torch_threads"] == 1
    assert said["frozen"] > 100_000
