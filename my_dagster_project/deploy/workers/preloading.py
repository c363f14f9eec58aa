"""What the worker's parent imports once, so that no run has to: Ludwig alone is 1 GB and 10 to 25 s of CPU.

Our modules, too, but no definitions: those are of the commit the run was created with, and are built by each run for itself.
"""

import gc
import importlib
import os
import pkgutil
import time
from dataclasses import dataclass
from pathlib import Path

from my_dagster_project.foundation.s3_settings import S3Settings

# onnxruntime is not among them: its import leaves a thread behind (0.15 s per run is the price). Nothing that is imported
# here may connect to anything: a fork shares its parent's sockets.
_MODULES = (
    "dagster_postgres",
    "psycopg2",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "dagster._cli.api",
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "scipy.stats",
    "talib",
    "exchange_calendars",
    "requests",
    "boto3",
    "matplotlib.figure",
    "mlflow",
    "onnx",
    "onnxscript",
    "evidently",
    "plotly.graph_objects",
)
# Rooms whose modules a run imports one by one, half a second of CPU in all.
_ROOMS = ("domain", "market_data", "models", "pipeline", "reports", "storage", "teams", "trading")
# The same for all runs: 0.3 s where nothing is kept of it, and reading all our files where it is.
_PACKAGE = __package__.partition(".")[0]
_CALLED = f"{_PACKAGE}.pipeline.versions:know_all"
# pyarrow's allocator; it stops before a fork and starts anew after it.
_HARMLESS_THREADS = frozenset({"jemalloc_bg_thd"})


@dataclass(frozen=True)
class Preloaded:
    """How long it took, and the memory of the parent, which its forks share."""

    seconds: float
    rss_mb: float


def preload(s3: S3Settings | None = None) -> Preloaded:
    """Import everything heavy a run may need, and keep the garbage collector off it.

    To be called before anything connects or starts a thread, and after `settings.quiet_libraries`. `s3` are the settings of the
    store that forks will ask. They are handed in: settings read here are kept, and a fork for another project took them for its own.
    """
    from my_dagster_project.models.kinds.table import KINDS
    from my_dagster_project.storage.s3_store import know_s3

    started = time.perf_counter()
    for module in _MODULES:
        importlib.import_module(module)
    for kind in KINDS.values():
        kind.preload()
    for room in _ROOMS:
        folder = importlib.import_module(f"{_PACKAGE}.{room}")
        for found in pkgutil.walk_packages(folder.__path__, f"{folder.__name__}."):
            importlib.import_module(found.name)
    if s3:
        know_s3(s3)
    module, _, function = _CALLED.partition(":")
    getattr(importlib.import_module(module), function)()
    # The collector would write into every shared page and so copy it in every fork.
    gc.collect()
    gc.freeze()
    return Preloaded(time.perf_counter() - started, _rss_mb())


def threads() -> list[str]:
    """The threads of this process besides the main one that a fork would silently lose, by name; empty elsewhere than on Linux."""
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():
        return []
    others = (task for task in tasks.iterdir() if task.name != str(os.getpid()))
    names = [(task / "comm").read_text(encoding="utf-8").strip() for task in others]
    return [name for name in names if name not in _HARMLESS_THREADS]


def _rss_mb() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024 / 1e6
