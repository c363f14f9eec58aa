"""Recording the version of a day on which 6 of 300 objects changed, by the platform and by the dvc program."""

import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.figures import Figure, Findings
from benchmarks.measure import BenchmarkError, Sample, alternate, fastest, run
from benchmarks.workshop import BIN, Project, Workshop, git, start_repository
from my_dagster_project.history.commits import commit_pending
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_store

_ASSETS, _FILES, _BYTES = 6, 50, 52_000
_NAMES = [f"S{number}" for number in range(_ASSETS)]


def measure(workshop: Workshop) -> Findings:
    """One day each time: a file of every asset is new, all else is as before."""
    day = iter(range(1, 1000))
    places = workshop.place(), workshop.place()
    ours, plain = _platform(places[0]), _dvc(places[1])
    a, b = alternate(workshop.rounds(5), lambda: ours(next(day)), lambda: plain(next(day)))
    _check(places[0] / "remote", places[1] / "remote", days=len(a))
    start = run([sys.executable, "-c", "pass"], workshop.place(), os.environ).seconds
    return Findings(
        title=f"Recording a version: {_ASSETS} of {_ASSETS * _FILES} objects of {_BYTES // 1000} kB changed",
        plain="`dvc add` of the six folders, `git commit`, `dvc push` to a folder, the files being written already.",
        figures=(Figure("wall", "s", fastest(a).seconds, fastest(b).seconds),),
        notes=(
            "Here: AssetStore.write of the six and commit_pending, in the process that made them (no start of its own; "
            f"Python's is {start:.2f} s), so bytes, pointers and the commit are in both.",
        ),
    )


def _content(seed: object) -> bytes:
    return random.Random(str(seed)).randbytes(_BYTES)


def _changed(day: int) -> str:
    return f"{day % _FILES:03d}.parquet"


def _check(*remotes: Path, days: int) -> None:
    """Both remotes have every file of every day and every version of the six folders."""
    wanted = _ASSETS * (_FILES + days) + _ASSETS * (1 + days)
    for remote in remotes:
        found = sum(path.is_file() for path in (remote / "files" / "md5").rglob("*"))
        if found != wanted:
            raise BenchmarkError(f"{remote} holds {found} objects, not {wanted}")


def _platform(place: Path) -> Callable[[int], Sample]:
    repository = _repository(place)
    assets = AssetStore(*(open_store((place / name).as_uri()) for name in ("store", "remote")))

    def record(files: Callable[[str], dict[str, bytes]]) -> None:
        for name in _NAMES:
            assets.write(
                ("red", name, "predictions"), files(name), replace=False, record={"run_id": "benchmark"}
            )
        commit_pending(assets, repository, lambda owner: owner, lambda owner: str(place / "remote"))

    record(lambda name: {f"{n:03d}.parquet": _content((name, n)) for n in range(_FILES)})

    def day(number: int) -> Sample:
        new = {name: {_changed(number): _content((name, "day", number))} for name in _NAMES}
        started = time.perf_counter()
        record(new.__getitem__)
        return Sample(time.perf_counter() - started)

    return day


def _dvc(place: Path) -> Callable[[int], Sample]:
    repository = _repository(place)
    environment = Project(place).environment | {
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(place / "site"),
        "DVC_GLOBAL_CONFIG_DIR": str(place / "global"),
    }
    folders = [f"assets/red/{name}/predictions" for name in _NAMES]

    def dvc(*arguments: str | Path) -> float:
        return run([BIN / "dvc", *arguments], repository, environment).seconds

    def record() -> float:
        seconds = dvc("add", *folders)
        started = time.perf_counter()
        git(repository, "add", ".")
        git(repository, "commit", "-q", "-m", "day")
        return seconds + time.perf_counter() - started + dvc("push")

    def write(name: str, file: str, data: bytes) -> None:
        path = repository / "assets" / "red" / name / "predictions" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # DVC may have linked it to its cache
        path.write_bytes(data)

    dvc("init", "-q")
    dvc("remote", "add", "-d", "storage", place / "remote")
    for name in _NAMES:
        for n in range(_FILES):
            write(name, f"{n:03d}.parquet", _content((name, n)))
    record()

    def day(number: int) -> Sample:
        for name in _NAMES:
            write(name, _changed(number), _content((name, "day", number)))
        return Sample(record())

    return day


def _repository(place: Path) -> Path:
    folder = place / "repository"
    folder.mkdir()
    (folder / ".gitignore").write_text("/benchmark.log\n", encoding="utf-8")
    start_repository(folder)
    return folder
