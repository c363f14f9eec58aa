"""One process for all models beside `ludwig serve` with one of them: requests, memory, how soon it is ready."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path
from urllib.parse import urlencode

import psutil
import yaml

from benchmarks.asked import Took, at_a_rate, one_after_another, request
from benchmarks.figures import Figure, Findings
from benchmarks.measure import BenchmarkError
from benchmarks.plain import recipes
from benchmarks.workshop import BIN, Project, Workshop
from my_dagster_project.models.kinds.baseline.baseline_model import fit
from my_dagster_project.models.training_input import TrainingSpec
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_store
from tests.models.samples import CUTOFF, quiet, sample_rows

_CONNECTIONS, _RATE = 4, 200
_READY_SECONDS = 120
_MANY = 1000


def measure(workshop: Workshop) -> Findings:
    """Both servers asked for the same row of the same model in turns; BenchmarkError when an answer is none."""
    trained = workshop.trained
    place, recipe = next(recipes(trained.project.folder / "recipes"))
    route = f"/teams/{recipe['team']}/symbols/{recipe['symbol']}"
    ours_count, plain_count = (400, 20) if workshop.quick else (4000, 200)
    with _ours(trained.project) as (mine, ready), _ludwig(trained.plain_models / place.name) as theirs:
        row = json.loads(_get(mine.port, f"{route}/newest"))
        asked = request(f"{route}/predict", json.dumps({"row": row}).encode(), "application/json")
        form = urlencode({name: value for name, value in row.items() if value is not None}).encode()
        plain = request("/predict", form, "application/x-www-form-urlencoded")
        count = _open_all(mine.port)
        pairs = [
            (_loaded(mine, asked, ours_count), _loaded(theirs, plain, plain_count))
            for _ in range(workshop.rounds(3))
        ]
        steady = at_a_rate(mine.port, asked, _RATE, 2 if workshop.quick else 10)
        memory = mine.memory, theirs.memory
    many = _with_many(workshop)
    fastest = max(one.rate for one, _ in (pair[0] for pair in pairs))
    their_fastest = max(one.rate for one, _ in (pair[1] for pair in pairs))
    cpu, their_cpu = (min(pair[side][1] for pair in pairs) for side in (0, 1))
    return Findings(
        title=f"Serving {count} models from one process",
        plain="`ludwig serve` with one of the models; of several there are as many such processes.",
        figures=(
            Figure(
                "time per request, 4 connections",
                "ms",
                1e3 / fastest,
                1e3 / their_fastest,
                target_ratio=1 / 20,
            ),
            Figure("CPU per request", "ms", 1e3 * cpu, 1e3 * their_cpu, target_ratio=1 / 20),
            Figure(f"memory (PSS) of {count} models", "MB", memory[0], count * memory[1], target_ratio=1 / 5),
            Figure(f"memory (PSS), {_MANY} models registered and asked", "MB", many, target=400),
            Figure(f"p99 at {_RATE} requests a second", "ms", 1e3 * steady.percentile(0.99), target=10),
            Figure("ready", "s", ready, target=2),
        ),
        notes=(f"Ours answers {fastest:.0f} requests a second, ludwig serve {their_fastest:.0f}.",),
    )


class _Server:
    """A server that runs, by its process."""

    def __init__(self, process: subprocess.Popen, port: int) -> None:
        self.port, self._process = port, psutil.Process(process.pid)

    @property
    def cpu(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system

    @property
    def memory(self) -> float:
        """PSS of it and its children, MB."""
        family = [self._process, *self._process.children(recursive=True)]
        return sum(one.memory_full_info().pss for one in family) / 1e6


def _loaded(server: _Server, message: bytes, count: int) -> tuple[Took, float]:
    """How fast answers came, and CPU seconds of one."""
    before = server.cpu
    took = one_after_another(server.port, message, count, _CONNECTIONS)
    return took, (server.cpu - before) / count


@contextmanager
def _ours(project: Project) -> Iterator[tuple[_Server, float]]:
    port = _free_port()
    command = [sys.executable, "-m", "my_dagster_project.serving", "--host", "127.0.0.1", "--port", str(port)]
    with _running(command, project.folder, project.tuned_environment) as process:
        yield _Server(process, port), _ready(process, port, "/health/ready")


@contextmanager
def _ludwig(model: Path) -> Iterator[_Server]:
    port = _free_port()
    command = [str(BIN / "ludwig"), "serve", "-m", str(model), "-p", str(port), "-H", "127.0.0.1"]
    environment = dict(os.environ) | {
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    with _running(command, model, environment) as process:
        _ready(process, port, "/")
        yield _Server(process, port)


@contextmanager
def _running(command: Sequence[str], cwd: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    with (cwd / "benchmark.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # It could not start, and says so.
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _ready(process: subprocess.Popen, port: int, path: str) -> float:
    """Seconds until it answers."""
    began = time.perf_counter()
    while time.perf_counter() - began < _READY_SECONDS:
        if process.poll() is not None:
            break
        try:
            _get(port, path)
            return time.perf_counter() - began
        except OSError:
            time.sleep(0.02)
    raise BenchmarkError(f"{process.args[0]} does not answer; its folder's benchmark.log says why")


def _get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
        said: bytes = answer.read()
    return said


def _open_all(port: int) -> int:
    """Have every model opened and asked for its newest session; how many there are."""
    teams = json.loads(_get(port, "/teams"))
    for team in teams:
        for symbol in team["symbols"]:
            _get(port, f"/teams/{team['team']}/symbols/{symbol}/newest")
    return sum(len(team["symbols"]) for team in teams)


def _with_many(workshop: Workshop) -> float:
    """Memory in MB with a thousand models registered, each of which was asked."""
    project = workshop.fresh()
    _register(project, 20 if workshop.quick else _MANY // 5)
    with _ours(project) as (server, _):
        for team in json.loads(_get(server.port, "/teams")):
            for symbol in team["symbols"]:
                _get(server.port, f"/v2/models/{team['team']}.{symbol}/ready")
        return server.memory


def _register(project: Project, teams: int) -> None:
    """Teams of five symbols with a baseline each, whose models are stored; a competition has 200 teams at most."""
    configs = project.folder / "configs"
    registry = yaml.safe_load((configs / "teams.yaml").read_text())
    plain = yaml.safe_load((configs / "red.yaml").read_text())
    plain.pop("ludwig")
    section = {"strategy": "momentum", "input": "return_1"}
    plain |= {"model": {"kind": "baseline", **section}, "training": {"refit": "never", "cutoff": CUTOFF}}
    registry["market"]["symbols"].append("FB")
    first = registry["teams"].pop("red")
    registry["teams"] = {}
    settings = project.settings
    assets = AssetStore(open_store(settings.store_url), open_store(settings.dvc_url))
    for number in range(teams):
        name = f"team-{number}"
        registry["teams"][name] = deepcopy(first) | {"branch": name, "account": f"T{number}", "owners": []}
        (configs / f"{name}.yaml").write_text(yaml.safe_dump(plain | {"team": name}, sort_keys=False))
        for symbol in registry["market"]["symbols"]:
            spec = TrainingSpec(name, symbol, section, "next_return", ("return_1",), 1, CUTOFF)
            assets.write(
                names.model(name, symbol), fit(spec, sample_rows(), quiet).files, replace=True, record={}
            )
    (configs / "teams.yaml").write_text(yaml.safe_dump(registry, sort_keys=False))


def _free_port() -> int:
    from tests.support.minio import free_port

    return free_port()
