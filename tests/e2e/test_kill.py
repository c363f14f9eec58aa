"""kill -9 of `trading run` at bad moments: nothing half-written is visible, the next run completes, no order goes out twice."""

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.object_store import TEMPORARY_PREFIX
from my_dagster_project.storage.opening import open_store
from tests.e2e.project import SESSIONS, SYMBOLS, Project, new_project
from tests.support.versions import read_version
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

ASSETS = [
    *(("market", symbol, "bars") for symbol in ("AAPL", "IBM")),
    *(
        (team, symbol, asset)
        for team, symbols in SYMBOLS.items()
        for symbol in symbols
        for asset in ("features", "training_rows", "model", "predictions", "report")
    ),
    *((team, asset) for team in SYMBOLS for asset in ("orders", "fills")),
    ("competition", "leaderboard"),
]
# What a run computes is determined by seed and prices; a report's page has ids of its own in it.
SAME_EVERY_TIME = ("bars/", "features/", "predictions/", "report.json", "orders/", "fills/", "leaderboard/")


def killed_run(project: Project, when: Callable[[str], bool]) -> str:
    """Start `trading run` and kill it, with all its processes, once the moment has come; what it had said by then."""
    log = project.folder.with_name(f"{project.folder.name}.log")
    command = project.begin("run", log=log)

    def moment() -> bool:
        assert not command.ended(), f"it ended before the moment came:\n{log.read_text()}"
        return when(log.read_text())

    try:
        wait_for(moment, 240, every=0.002, log=log)
    finally:
        command.kill()
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
    """What a reader finds; who is killed while it writes leaves a temporary file beside, which no reader is shown."""
    return {
        name: md5
        for name, md5 in project.stored().items()
        if name.startswith("store/")
        and "store/." not in name
        and f"/{TEMPORARY_PREFIX}" not in name
        and any(part in name for part in SAME_EVERY_TIME)
    }


def sent(project: Project) -> set[str]:
    """The ids of all orders the broker has."""
    return {row[2] for row in project.trades()["orders"]}


def require_same_results(project: Project, undisturbed: Project, sent_by_the_killed: set[str]) -> None:
    """One thing may differ: each team's session in work says which of its orders the killed run had sent already."""
    ours, theirs = results(project), results(undisturbed)
    other = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    assert [name for name in other if "/orders/20" not in name] == []
    assert max(Counter(name.split("/")[1] for name in other).values(), default=0) <= 1, other
    for name in other:
        record = json.loads((project.home / name).read_text())
        there = [one for one in record["outcomes"] if one["status"] == "already there"]
        assert {one["planned"]["client_order_id"] for one in there} <= sent_by_the_killed
        for one in there:
            one["status"], one["order"]["already_there"] = "submitted", False
        assert record == json.loads((undisturbed.home / name).read_text())


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


@pytest.mark.full
def test_killed_while_it_trains(finished, tmp_path):
    project = new_project(tmp_path / "project")

    def training(_: str) -> bool:
        return bool(project.rows("mlflow/mlflow.db", "SELECT 1 FROM runs WHERE status = 'RUNNING'"))

    killed_run(project, training)
    assert not list(project.store.glob("*/*/predictions"))
    require_whole(project)
    # By the installed program, which imports for itself what the forks of the other tests find imported.
    done = project.command("trading", "run")
    assert done.code == 0, done.text
    assert "Traceback" not in done.text, done.text
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
    sent_before = sent(copied)
    require_complete(copied)
    assert copied.trades() == retraded.trades()
    require_same_results(copied, retraded, sent_before)
    assert traded(copied, "red") == len(SESSIONS)


def changed_since(path: Path, moment: int) -> bool:
    try:
        return path.stat().st_mtime_ns > moment
    except FileNotFoundError:
        return False


@pytest.mark.full
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
