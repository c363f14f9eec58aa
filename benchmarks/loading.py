"""Loading the definitions in a fresh process, which every worker and every Dagit start waits for."""

import sys
import tomllib
from collections.abc import Sequence

from benchmarks.figures import Figure, Findings
from benchmarks.measure import BenchmarkError, Sample, alternate, fastest, run
from benchmarks.workshop import ROOT, Workshop

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# The same list that ruff keeps out of module level.
HEAVY: list[str] = _PROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-module-level-imports"]

_LOAD = """
from my_dagster_project.definitions import trading
assets = len(trading().get_repository_def().asset_graph.get_all_asset_keys())
"""
_DAGSTER = "import dagster; assets = 0"
_SAY = f"""
import json, sys
try:
    rss = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
except OSError:
    rss = 0
print(json.dumps({{"assets": assets, "rss_mb": rss * 1024 / 1e6, "heavy": [x for x in {HEAVY} if x in sys.modules]}}))
"""


def measure(workshop: Workshop) -> Findings:
    """Seconds and highest RSS; BenchmarkError when a heavy package was imported."""
    project = workshop.fresh()

    def load(code: str) -> Sample:
        return run([sys.executable, "-c", code + _SAY], project.folder, project.environment)

    load(_LOAD)  # the first one may have to compile bytecode
    a, b = alternate(workshop.rounds(7), lambda: load(_LOAD), lambda: load(_DAGSTER))
    heavy = sorted({name for sample in a for name in sample.said["heavy"]})
    if heavy:
        raise BenchmarkError(f"loading the definitions imports {', '.join(heavy)}")
    return Findings(
        title=f"Loading the definitions of {a[0].said['assets']} assets in a fresh process",
        plain="`import dagster` and nothing else; the start of Python is in both.",
        figures=(
            Figure("wall", "s", fastest(a).seconds, fastest(b).seconds, target=3),
            Figure("highest RSS", "MB", _rss(a), _rss(b), target=200),
        ),
        notes=(f"None of the {len(HEAVY)} heavy packages was imported ({', '.join(HEAVY[:5])}, ...).",),
    )


def _rss(samples: Sequence[Sample]) -> float | None:
    return max(sample.said["rss_mb"] for sample in samples) or None
