"""A run through queue, Redis and the worker pool, beside a fresh process that imports what a run needs."""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, Findings
from benchmarks.measure import BenchmarkError, Sample, fastest, highest_mb, run
from benchmarks.workshop import ROOT, Project, Workshop, git
from tests.deploy.workers.deployment import Deployment, deployed
from tests.e2e import project as people

# Long enough to look at the process' memory, which is taken off again.
_LOOK_SECONDS = 1.0

_FRESH = f"""
import json, os, tempfile, time
from tests.deploy.workers.faults import ready
with tempfile.TemporaryDirectory() as folder:
    config = {{"ops": {{"wait": {{"config": {{"seconds": {_LOOK_SECONDS}, "log": folder + "/log"}}}}}}}}
    assert ready.execute_in_process(run_config=config).success
"""


def measure(workshop: Workshop) -> Findings:
    """Seconds and memory of runs that stand right before a training; BenchmarkError when one of them failed."""
    with tempfile.TemporaryDirectory(prefix="trading-pool-", dir=workshop.folder) as place:
        folder = Path(place)
        project = people.new_project(folder / "project")
        for team in people.SYMBOLS:
            git(project.folder, "branch", team)
        with deployed(folder, project) as pool:
            started = time.perf_counter()
            pool.start_worker()
            ready = time.perf_counter() - started
            parent = _memory(pool.pid("worker"), "Pss")
            runs = [_run(pool) for _ in range(workshop.rounds(6) + 1)][1:]
    plain = [_fresh(workshop.fresh()) for _ in range(workshop.rounds(3))]
    unique = max(one["unique"] for one in runs)
    return Findings(
        title=f"{len(runs)} runs through the queue and the worker pool, each up to the moment before it trains",
        plain="the shape of the project before this one: a fresh process for each run that imports Dagster, Ludwig and the "
        "definitions (there, for each step); no queue, no event log on PostgreSQL. Its memory is all its own.",
        figures=(
            Figure("queue and start, median", "s", median(one["start"] for one in runs), target=6),
            Figure(
                "launch to ready to train, median",
                "s",
                median(one["ready"] for one in runs),
                fastest(plain).seconds - _LOOK_SECONDS,
                target_ratio=0.5,
            ),
            Figure(
                "memory of its own per run", "MB", unique, highest_mb(plain), target=150, target_ratio=0.2
            ),
            Figure("idle worker with all its slots (PSS)", "MB", parent),
            Figure("start of the worker, once", "s", ready),
        ),
    )


def _run(pool: Deployment) -> dict[str, float]:
    launched = pool.launch("ready", seconds=_LOOK_SECONDS)
    process = pool.await_process(launched)
    unique = _memory(process, "Private_Clean") + _memory(process, "Private_Dirty")
    if pool.await_status(launched, "SUCCESS", "FAILURE") != "SUCCESS":
        raise BenchmarkError(pool.story(launched))
    at = {event["__typename"]: int(event["timestamp"]) / 1000 for event in pool.events(launched)}
    enqueued = at["RunEnqueuedEvent"]
    return {
        "start": at["RunStartEvent"] - enqueued,
        "ready": at["ExecutionStepSuccessEvent"] - enqueued - _LOOK_SECONDS,
        "unique": unique,
    }


def _memory(pid: int, what: str) -> float:
    """A figure of a process and its children from smaps_rollup, in MB; for one run's process it has no children."""
    return sum(_of(one, what) for one in (pid, *_children(pid)))


def _children(pid: int) -> Sequence[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _of(pid: int, what: str) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise BenchmarkError(f"process {pid} has no {what} in smaps_rollup")


def _fresh(project: Project) -> Sample:
    environment = project.tuned_environment | {"PYTHONPATH": str(ROOT)}
    return run([sys.executable, "-c", _FRESH], project.folder, environment, memory=True)
