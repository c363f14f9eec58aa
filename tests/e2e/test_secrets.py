"""Secrets that a run knows turn up nowhere: not under .local, not in what it says, not in git."""

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import CANARIES
from tests.e2e.project import Project
from tests.support.gitrepo import git


def files_with(folder: Path, values: list[str]) -> list[Path]:
    pattern = re.compile(b"|".join(re.escape(value.encode()) for value in values))
    return [path for path in folder.rglob("*") if path.is_file() and pattern.search(path.read_bytes())]


def require_nowhere(project: Project, values: list[str]) -> None:
    assert files_with(project.home, values) == []
    assert files_with(project.folder / ".git", values) == []
    for branch in project.commits():
        for value in values:
            assert git(project.folder, "grep", "-l", value, branch, check=False) == ""


@pytest.mark.slow
def test_a_run_leaves_no_secret_anywhere(finished):
    values = [finished.canaries[name] for name in CANARIES]
    assert len(set(values)) == len(CANARIES)
    assert (finished.project.home / "dagster" / "history" / "event_log.db").stat().st_size > 100_000
    assert not any(value in finished.done.text for value in values)
    require_nowhere(finished.project, values)


@pytest.mark.slow
def test_runs_that_fail_leave_no_secret_anywhere(copied, finished):
    values = list(finished.canaries.values())
    teams = {
        "alpha_vantage": "alpha_vantage: MSFT",
        "alpaca": "alpaca: MSFT",
    }
    copied.environment["ALPACA_DATA_KEY"] = "PKnobody"
    copied.commit_edit("red", lambda config: config.update(symbols=["AAPL", "IBM", "MSFT"]))
    for source, said in teams.items():
        copied.edit(
            "teams",
            lambda registry, source=source: registry["market"].update(
                source=source, base_url="http://127.0.0.1:9", timeout=1
            ),
        )
        done = copied.trading("run")
        assert done.code == 1
        assert said in done.out
        assert not any(value in done.text for value in values)
    require_nowhere(copied, values)
