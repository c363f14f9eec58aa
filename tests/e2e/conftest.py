"""One finished competition for the whole folder; whoever wants to change something takes a copy."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.project import Done, Project, new_project
from tests.support.shared import made_once

CANARIES = (
    "ALPACA_RED_SECRET",
    "ALPACA_BLUE_SECRET",
    "AWS_SECRET_ACCESS_KEY",
    "ALPHA_VANTAGE_API_KEY",
    "ALPACA_DATA_SECRET",
    # Of the stack: `.env.secrets` may hold them on a laptop too, where they mean nothing.
    "DAGSTER_PG_PASSWORD",
    "REDIS_PASSWORD",
    "PAPER_BROKER_TOKEN",
    "MLFLOW_TRACKING_PASSWORD",
    "GIT_PASSWORD",
    "NOTIFY_RED_WEBHOOK",
    "SMTP_PASSWORD",
)


@dataclass(frozen=True)
class Finished:
    """A project after its first `trading run`, what that said, and the secrets it knew all the while."""

    project: Project
    done: Done
    canaries: dict[str, str]


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Finished:
    """Look, do not touch: everybody looks at the same one."""
    return made_once(tmp_path_factory, "competition", _finish)


def _finish(folder: Path) -> Finished:
    project = new_project(folder / "project")
    canaries = {name: f"canary-{name.lower()}-{secrets.token_hex(12)}" for name in CANARIES}
    in_file = CANARIES[:2]
    (project.folder / ".env.secrets").write_text("".join(f"{name}={canaries[name]}\n" for name in in_file))
    project.environment = {name: value for name, value in canaries.items() if name not in in_file}
    project.environment["AWS_ACCESS_KEY_ID"] = "AKnobody"
    # A fork, without 12 s of imports: the installed program makes the same in test_kill.py (`make test-full`).
    done = project.trading("run")
    assert done.code == 0, done.text
    return Finished(project, done, canaries)


@pytest.fixture
def copied(finished, tmp_path) -> Project:
    """A copy of the finished competition to change."""
    return finished.project.copy(tmp_path / "project")


@pytest.fixture
def fresh(tmp_path) -> Callable[..., Project]:
    """Makes projects that never ran."""
    return lambda name="project", **market: new_project(Path(tmp_path) / name, market)
