"""One stack for the whole folder: built, brought up, driven, taken down whatever happened."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.project import Project
from tests.stack.market import recent_sessions, write_market
from tests.stack.platform import Stack, free_ports
from tests.support.gitrepo import git

ROOT = Path(__file__).parents[2]
PORTS = {
    "dagit": "TRADING_DAGIT_PORT",
    "front": "TRADING_FRONT_PORT",
    "serve": "TRADING_SERVE_PORT",
    "mlflow": "TRADING_MLFLOW_PORT",
    "evidently": "TRADING_EVIDENTLY_PORT",
    "minio": "TRADING_S3_PORT",
    "console": "TRADING_MINIO_PORT",
    "git": "TRADING_GIT_PORT",
}
COMPOSE = ("docker-compose.yml", "mlflow-tracking-server/docker-compose.yml")


def override(data: Path) -> str:
    """Where the test's market data lies for whoever fetches bars. All else is the stack as everybody has it.

    But the engine looks every 5 s whether a service is well: Docker 20 has no quicker looks while one starts, and the minute
    between two of them was half the time of these tests.
    """
    said = [yaml.safe_load((ROOT / name).read_text())["services"] for name in COMPOSE]
    checked = [name for file in said for name, service in file.items() if "healthcheck" in service]
    services: dict[str, Any] = {name: {"healthcheck": {"interval": "5s"}} for name in checked}
    services["worker"]["volumes"] = [f"{data}:/data:ro"]
    return yaml.safe_dump({"services": services})


SYMBOLS = {"red": ["AAPL", "IBM"], "blue": ["IBM"]}


def engine() -> str:
    """Why there is no engine here; empty when one answers."""
    if shutil.which("docker") is None:
        return "no docker on this machine"
    done = subprocess.run(["docker", "compose", "version"], capture_output=True, text=True)
    info = subprocess.run(["docker", "info"], capture_output=True, text=True)
    return "" if done.returncode == info.returncode == 0 else (done.stderr + info.stderr).strip()[:200]


# One stack for all: what looks at results comes after what makes them, what breaks things comes last.
ORDER = ("test_season", "test_browser", "test_hosts", "test_secrets", "test_faults", "test_disaster")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if item.get_closest_marker("stack")]
    rest = [item for item in items if not item.get_closest_marker("stack")]
    items[:] = rest + sorted(ours, key=lambda item: ORDER.index(item.path.stem))
    reason = ours and engine()
    for item in ours:
        if reason:
            item.add_marker(
                pytest.mark.skip(reason=f"the stack needs a Docker engine with Compose: {reason}")
            )


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where the screenshots are left for people: TRADING_SCREENSHOTS, else build/screenshots."""
    folder = Path(os.environ.get("TRADING_SCREENSHOTS") or ROOT / "build" / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def stack(tmp_path_factory) -> Iterator[Stack]:
    """A stack with two teams, three symbols and this week's prices, healthy."""
    folder = tmp_path_factory.mktemp("stack")
    write_market(folder / "data")
    checkout = new_checkout(folder / "checkout")
    (folder / "override.yml").write_text(override(folder / "data"))
    ports = free_ports(list(PORTS))
    environment = {variable: str(ports[name]) for name, variable in PORTS.items()}
    environment |= {
        "COMPOSE_PROJECT_NAME": "tradingtest",
        "COMPOSE_FILE": f"docker-compose.yml:{folder / 'override.yml'}",
    }
    subprocess.run(["python3", "-m", "my_dagster_project.operations.secrets"], cwd=checkout, check=True)
    stack = Stack(checkout, "tradingtest", ports, environment, secrets_of(checkout / ".env.secrets"))
    try:
        stack.compose("up", "-d", "--build", "--wait", timeout=1500)
        yield stack
    finally:
        (ROOT / "build").mkdir(exist_ok=True)
        (ROOT / "build" / "stack.log").write_text(stack.compose("logs", "--no-color", check=False))
        stack.compose("down", "--volumes", "--timeout", "5", check=False)


def new_checkout(folder: Path) -> Path:
    """This working tree's files as a repository of their own, with a short competition on recent sessions in configs/."""
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    project = Project(folder)
    project.edit("teams", shorten)
    for team, symbols in SYMBOLS.items():
        project.edit(team, lambda config, symbols=symbols: shrink(config, symbols))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    for team in SYMBOLS:
        git(folder, "branch", team)
    return folder


def shorten(registry: dict[str, Any]) -> None:
    sessions = recent_sessions()
    registry["market"] = {"source": "csv", "path": "/data", "start": sessions[0]}
    registry["competition"] |= {"start": sessions[-5], "replay_sessions": 4}


def shrink(config: dict[str, Any], symbols: list[str]) -> None:
    sessions: list[date] = recent_sessions()
    config["symbols"] = symbols
    config["training"] = {"refit": "never", "cutoff": sessions[-6], "start": sessions[0]}
    config["ludwig"]["trainer"]["epochs"] = 2
    # Nothing happens by itself before a test wants it: once a year, on New Year's Day.
    config["schedule"] = dict.fromkeys(("daily", "train", "trade"), "0 3 1 1 *")


def secrets_of(file: Path) -> dict[str, str]:
    """The generated values, which the tests log in with."""
    lines = [line.partition("=") for line in file.read_text().splitlines() if "=" in line and line[0] != "#"]
    return {name: value for name, _, value in lines}
