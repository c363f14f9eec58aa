"""Loading the definitions is what every worker and every Dagit page waits for: it must stay light; so must collecting tests."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import COLLECTED

PROJECT = Path(__file__).parents[1]
HEAVY = (
    "ludwig",
    "torch",
    "mlflow",
    "evidently",
    "pandas",
    "numpy",
    "dvc",
    "alpaca_trade_api",
    "fastapi",
    "boto3",
    "matplotlib",
    "statsmodels",
    "arch",
)
MOST_MB = 200

LOAD = """
import json, sys
import psutil
from my_dagster_project.definitions import trading
repository = trading().get_repository_def()
heavy = [name for name in json.loads(sys.argv[1]) if name in sys.modules]
print(json.dumps([heavy, psutil.Process().memory_info().rss / 1e6, len(repository.asset_graph.get_all_asset_keys())]))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def loaded(home):
    """What a fresh process says after loading the definitions: heavy modules, memory in MB, number of assets."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "TRADING_HOME": str(home),
        "TRADING_PROJECT": str(PROJECT),
    }
    done = subprocess.run(
        [sys.executable, "-c", LOAD, json.dumps(HEAVY)],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_no_heavy_package_is_imported(loaded):
    assert loaded[0] == []


def test_memory_stays_small(loaded):
    assert loaded[1] < MOST_MB


def test_all_assets_were_loaded(loaded):
    assert loaded[2] > 10


def test_loading_remembers_the_valid_team_files_and_leaves_nothing_else(loaded, home):
    left = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
    assert left == {"teams/red.json", "teams/blue.json"}


# Each process of pytest imports all files of tests, and each of these costs it seconds: the tests that need one import it.
SECONDS_EACH = {*HEAVY, "scipy.stats", "sklearn", "playwright", "dagster_graphql"}
IN_MOST_TESTS = {"pandas", "numpy", "alpaca_trade_api"}


def test_collecting_the_tests_imported_nothing_that_takes_seconds(request):
    assert request.config.stash[COLLECTED] & SECONDS_EACH - IN_MOST_TESTS == set()
