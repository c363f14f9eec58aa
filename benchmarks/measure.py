"""Measures commands in fresh processes: seconds, and memory as the sum of PSS over all their processes.

PSS counts a page that n processes share as 1/n in each, so forks that share Ludwig's gigabyte are not counted twice, as
the sum of their RSS would.
"""

import json
import os
import resource
import signal
import subprocess
import textwrap
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Reading a 1 GB process' smaps_rollup takes its memory lock for some ms; four times a second is not noticeable.
SAMPLE_SECONDS = 0.25


class BenchmarkError(Exception):
    """A measured command failed, or both sides did not do the same work."""


@dataclass(frozen=True)
class Sample:
    """One measured command.

    Attributes:
        seconds: wall time from before its start to after its end.
        peak_mb: highest sum of PSS over its processes in MB; None where it was not sampled or the system has no PSS.
        cpu_seconds: user and system time of all its processes, which other work on the machine hardly changes.
        said: what its last line of output said, if that was a JSON object.
    """

    seconds: float
    peak_mb: float | None = None
    cpu_seconds: float | None = None
    said: Mapping[str, Any] = field(default_factory=dict)


def run(
    command: Sequence[str | Path], cwd: Path, environment: Mapping[str, str], *, memory: bool = False
) -> Sample:
    """Run a command to its end; BenchmarkError with the end of its output when it fails."""
    peak: list[float] = []
    cpu_before = _cpu_of_children()
    with (cwd / "benchmark.log").open("w+", encoding="utf-8") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=cwd,
            env=dict(environment),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if memory:
            sampler = threading.Thread(target=_sample, args=(process, peak))
            sampler.start()
        try:
            code = process.wait()
        finally:
            if process.returncode is None:  # Ctrl-C reaches only us: the command has a session of its own
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        seconds = time.perf_counter() - started
        log.seek(0)
        lines = log.read().splitlines()
    if memory:
        sampler.join()
    if code:
        what = textwrap.shorten(" ".join(map(str, command)), 120)
        raise BenchmarkError("\n".join((f"exit code {code} of {what}", *lines[-25:])))
    cpu = _cpu_of_children() - cpu_before
    return Sample(seconds, max(peak, default=None), cpu, _last_words(lines))


def alternate(
    rounds: int, ours: Callable[[], Sample], plain: Callable[[], Sample]
) -> tuple[list[Sample], list[Sample]]:
    """Measure both sides `rounds` times, each going first every other time, so that neither has the warmer caches."""
    samples: tuple[list[Sample], list[Sample]] = ([], [])
    for number in range(rounds):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            samples[side].append((ours, plain)[side]())
    return samples


def fastest(samples: Sequence[Sample]) -> Sample:
    """The sample that other work on the machine disturbed least."""
    return min(samples, key=lambda sample: sample.seconds)


def least_cpu(samples: Sequence[Sample]) -> float | None:
    """The least CPU time of all samples, in seconds."""
    return min((sample.cpu_seconds for sample in samples if sample.cpu_seconds is not None), default=None)


def highest_mb(samples: Sequence[Sample]) -> float | None:
    """The highest peak of all samples, in MB: memory has to suffice every time."""
    return max((sample.peak_mb for sample in samples if sample.peak_mb is not None), default=None)


def _cpu_of_children() -> float:
    """CPU seconds of every process we started that has ended, and of those it waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _sample(process: subprocess.Popen, peak: list[float]) -> None:
    while process.returncode is None:
        total = sum(map(_pss_kb, _session_of(process.pid)))
        if total:
            peak.append(total * 1024 / 1e6)
        time.sleep(SAMPLE_SECONDS)


def _session_of(leader: int) -> list[int]:
    """Every process of the session the command was started in, also those whose parent has ended."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(entry.name)) == leader:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _pss_kb(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def _last_words(lines: Sequence[str]) -> dict[str, Any]:
    try:
        said = json.loads(lines[-1]) if lines else {}
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
