"""Teams at work while the platform runs: commits on a branch, seen through Dagit's own API."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest

from tests.e2e.project import Project
from tests.support.dagit import TRADING, Dagit
from tests.support.gitrepo import git
from tests.support.waiting import wait_for

pytestmark = pytest.mark.full

CHECK = """{ assetNodeOrError(assetKey: {path: ["red", "config"]}) { ... on AssetNode {
  assetChecksOrError { ... on AssetChecks { checks {
    executionForLatestMaterialization { evaluation { description success } } } } } } } }"""


class Platform(Dagit):
    """A running `trading ui`."""

    def check(self) -> dict[str, Any] | None:
        """The latest answer of the check of red's file."""
        checks = self.ask(CHECK)["assetNodeOrError"]["assetChecksOrError"]["checks"]
        latest = checks[0]["executionForLatestMaterialization"]
        return latest and latest["evaluation"]


@contextmanager
def dagit(project: Project) -> Iterator[Platform]:
    with project.serving("ui", "/server_info") as served:
        platform = Platform(served.port)
        wait_for(lambda: platform.check() is not None, 90)  # the sensor has had its first look
        yield platform


def trainings(served: Platform, commit: str) -> list[dict[str, Any]]:
    return [run for run in served.runs().values() if run["tags"].get("config") == f"red at {commit[:10]}"]


def test_a_commit_trains_what_it_changed_a_mistake_disturbs_nobody_and_nothing_loops(copied) -> None:
    with dagit(copied) as served:
        before = len(served.runs())
        copied.commit_edit("red", lambda config: config["training"].update(start=date(2011, 1, 3)))
        good = git(copied.folder, "rev-parse", "red")
        run = wait_for(lambda: trainings(served, good), 90)[0]
        assert run["jobName"] == "red_train"
        assert sorted("/".join(key["path"]) for key in run["assetSelection"]) == [
            "red/AAPL/features",
            "red/AAPL/model",
            "red/AAPL/training_rows",
            "red/IBM/features",
            "red/IBM/model",
            "red/IBM/training_rows",
        ]
        wait_for(lambda: trainings(served, good)[0]["status"] == "SUCCESS", 180)
        # The platform's own commit of the new versions is on the branch now; it is no change of the file.
        wait_for(lambda: git(copied.folder, "rev-parse", "red") != good, 90)

        copied.commit_edit("red", lambda config: config["trading"].update(buy_abov=1))
        answer = wait_for(lambda: (found := served.check()) and not found["success"] and found, 90)
        assert "trading.buy_abov: unknown key (did you mean buy_above?)" in answer["description"]
        assert f"(in force: red at {good[:10]})" in answer["description"]

        time.sleep(45)  # several rounds of both sensors
        assert len(served.runs()) == before + 1


def test_a_run_keeps_the_configuration_it_was_created_with(copied) -> None:
    config = copied.home / "dagster" / "dagster.yaml"
    with dagit(copied) as served:
        old = next(iter(served.runs().values()))["tags"].get("config")
        assert old is None or old
        first = launch(served, "model")
        served.await_status(first, "STARTED")
        # While a run of the team is at work the next one waits in the queue; the training that the edit causes makes no
        # report, so it does not take this one's place.
        second = launch(served, "model", "report")
        copied.commit_edit("red", lambda config: config["training"].update(start=date(2011, 1, 3)))
        new = git(copied.folder, "rev-parse", "red")
        wait_for(lambda: trainings(served, new), 180)
        done = wait_for(
            lambda: [r for run, r in served.runs().items() if run == second and r["status"] == "SUCCESS"], 240
        )
        assert done[0]["tags"]["config"] != f"red at {new[:10]}"
        assert first != second
        assert rows_of(served, second) == rows_of(served, first)
    assert config.exists()


def launch(served: Platform, *nouns: str) -> str:
    selection = [{"path": ["red", "IBM", noun]} for noun in nouns]
    return served.launch("__ASSET_JOB", TRADING, assetSelection=selection)


def rows_of(served: Platform, run: str) -> int:
    entries = [entry for event in served.events(run) for entry in event.get("metadataEntries", [])]
    return next(entry["intValue"] for entry in entries if entry["label"] == "training_rows")
