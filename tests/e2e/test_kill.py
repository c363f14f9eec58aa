"""kill -9 of `trading run` at bad moments: nothing half-written is visible, the next run completes, no order goes out twice."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.history.commits import read_version
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_store
from tests.e2e.project import SESSIONS, SYMBOLS, Project, kill_group, new_project

pytestmark = pytest.mark.slow

ASSETS = [
    *(("market", symbol, "bars") for symbol in ("AAPL", "IBM")),
    *(
        (team, symbol, asset)
        for team, symbols in SYMBOLS.items()
        for symbol in symbols
        for asset in ("features", "model", "predictions", "report")
    ),
    *((team, asset) for team in SYMBOLS for asset in ("orders", "fills")),
    ("competition", "leaderboard"),
]
# What a run computes is determined by seed and prices; a report's page has ids of its own in it.
SAME_EVERY_TIME = ("bars/", "features/", "predictions/", "report.json", "orders/", "fills/", "leaderboard/")


def killed_run(project: Project, when: Callable[[str], bool]) -> str:
    """Start `trading run` and kill it, with all its processes, once the moment has come; what it had said by then."""
    log = project.folder.with_name(f"{project.folder.name}.log")
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["trading", "run"],
            cwd=project.folder,
            env=project.environ(PYTHONUNBUFFERED="1"),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 240
            while not when(log.read_text()):
                assert process.poll() is None, f"it ended before the moment came:\n{log.read_text()}"
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.002)
        finally:
            kill_group(process)
    return log.read_text()


def opened(project: Project) -> AssetStore:
    return AssetStore(open_store(project.store.as_uri()), open_store((project.home / "dvc").as_uri()))


def require_whole(project: Project) -> None:
    """Every asset a reader sees is one consistent set of files, or not there at all."""
    assets = opened(project)
    for asset in ASSETS:
        try:
            assets.read(asset)
        except ObjectMissingError:
            continue


def require_versioned(project: Project) -> None:
    """Every asset's current content is what its branch says, and nothing waits."""
    assets = opened(project)
    assert assets.pending.owners() == []
    for asset in ASSETS:
        branch = asset[0] if asset[0] in SYMBOLS else "platform"
        assert read_version(assets, project.folder, branch, asset) == assets.read(asset), asset


def require_complete(project: Project) -> None:
    done = project.trading("run")
    assert done.code == 0, done.text
    require_whole(project)
    require_versioned(project)
    again = project.trading("run")
    assert all(line.endswith("up to date") for line in again.lines if line.startswith("✓")), again.out


def results(project: Project) -> dict[str, str]:
    return {
        name: _as_submitted(project, name) if "/orders/" in name else md5
        for name, md5 in project.stored().items()
        if name.startswith("store/")
        and "store/." not in name
        and any(part in name for part in SAME_EVERY_TIME)
    }


def _as_submitted(project: Project, name: str) -> str:
    """A record without which of its orders the killed run had sent already: that is the one thing that may differ."""
    text = (project.home / name).read_text()
    return text.replace('"already_there": true', '"already_there": false').replace(
        '"already there"', '"submitted"'
    )


def traded(project: Project, team: str) -> int:
    return len(list((project.store / team / "orders").glob("20*.json")))


@pytest.fixture(scope="module")
def retraded(finished, tmp_path_factory) -> Project:
    """The undisturbed competition after an edit of the rules of both teams: what the killed ones have to come to."""
    project = finished.project.copy(tmp_path_factory.mktemp("undisturbed") / "project")
    change_rules(project)
    assert project.trading("run").code == 0
    return project


def change_rules(project: Project) -> None:
    for team in SYMBOLS:
        project.commit_edit(team, lambda config: config["trading"].update(position_share=0.1))


def test_killed_while_it_trains(finished, tmp_path):
    project = new_project(tmp_path / "project")

    def training(_: str) -> bool:
        return bool(project.rows("mlflow/mlflow.db", "SELECT 1 FROM runs WHERE status = 'RUNNING'"))

    killed_run(project, training)
    assert not list(project.store.glob("*/*/predictions"))
    require_whole(project)
    require_complete(project)
    assert project.trades() == finished.project.trades()
    assert results(project) == results(finished.project)


def test_killed_in_the_middle_of_the_replay(copied, retraded):
    change_rules(copied)
    # What is there now is of the old rules; counting newer files tells how far the new replay is.
    started = time.time_ns()

    def replaying(_: str) -> bool:
        files = (copied.store / "red" / "orders").glob("20*.json")
        return sum(changed_since(path, started) for path in files) >= 3

    killed_run(copied, replaying)
    require_whole(copied)
    require_complete(copied)
    assert copied.trades() == retraded.trades()
    assert results(copied) == results(retraded)
    assert traded(copied, "red") == len(SESSIONS)


def changed_since(path: Path, moment: int) -> bool:
    try:
        return path.stat().st_mtime_ns > moment
    except FileNotFoundError:
        return False


def test_killed_right_before_the_commit(copied, retraded):
    change_rules(copied)
    # Git cannot move the branch while this is there, so that the commit is still to come when the kill does.
    lock = copied.folder / ".git" / "refs" / "heads" / "red.lock"
    lock.touch()
    heads = copied.commits()
    killed_run(copied, lambda said: "leaderboard 1 done" in said)
    lock.unlink()
    assert copied.commits()["red"] == heads["red"]
    assert "red" in opened(copied).pending.owners()
    require_whole(copied)
    require_complete(copied)
    assert copied.commits()["red"] != heads["red"]
    assert copied.trades() == retraded.trades()
    assert results(copied) == results(retraded)
