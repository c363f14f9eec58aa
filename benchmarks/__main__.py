"""`python -m benchmarks [name ...]`: speed and memory beside the plain alternative, measured in the same run."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    backtesting,
    dagit,
    lapse,
    loading,
    main_job,
    planning,
    predictions,
    replay,
    serving,
    trading,
    training,
    versions,
    workers,
)
from benchmarks.figures import Findings, save, show
from benchmarks.measure import BenchmarkError
from benchmarks.workshop import Workshop
from my_dagster_project.foundation.console import Console

BENCHMARKS: dict[str, Callable[[Workshop], Findings]] = {
    "loading": loading.measure,
    "versions": versions.measure,
    "training": training.measure,
    "predictions": predictions.measure,
    "planning": planning.measure,
    "backtesting": backtesting.measure,
    "replay": replay.measure,
    "trading": trading.measure,
    "main_job": main_job.measure,
    "lapse": lapse.measure,
    "workers": workers.measure,
    "serving": serving.measure,
    "dagit": dagit.measure,
}

# Share of the cores that may be busy before we start; our own work comes on top.
_QUIET_LOAD = 0.25


def main() -> int:
    """Run the named benchmarks, or all; 1 when one could not be measured or missed a target (quick ones never miss)."""
    options = _options()
    console = Console()
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > _QUIET_LOAD * cores:
        said = f"Load {load:.1f} on {cores} cores: other work is running, so wall times and their ratios say little."
        console.say((said, "yellow"))
    # A terminated benchmark, too, ends what it started and removes its folder.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    found: dict[str, Findings] = {}
    broken = False
    with tempfile.TemporaryDirectory(prefix="trading-benchmarks-") as folder:
        workshop = Workshop(Path(folder), options.quick, options.rounds)
        for name in options.names or BENCHMARKS:
            try:
                with console.status(f"{name} ..."):
                    found[name] = BENCHMARKS[name](workshop)
            except BenchmarkError as error:
                broken = True
                console.say((f"{name}:", "red"), f" {error}\n")
                continue
            show(console, found[name], judged=not options.quick)
    if options.save:
        console.say(f"Written to {save(found, options.quick, load)}")
    missed = any(findings.missed for findings in found.values()) and not options.quick
    return int(broken or missed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which ones: {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="small and once: does it work, not how fast")
    parser.add_argument("--rounds", type=int, help="how often to measure each side; the fastest counts")
    parser.add_argument(
        "--save", action="store_true", help="write benchmarks/results/<date>-<cores>-cores.json"
    )
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
