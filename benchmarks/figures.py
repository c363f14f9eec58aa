"""What a benchmark found: figures beside the plain alternative's, with their targets; as a table and as JSON."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.table import Table

from my_dagster_project.foundation.console import Console, styled

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("dagster", "ludwig", "torch", "mlflow", "dvc", "evidently", "onnxruntime")


@dataclass(frozen=True)
class Figure:
    """One figure: ours and the plain alternative's, in the same unit, measured in the same run.

    Attributes:
        target: the most `ours` may be, in its unit; None where there is none.
        target_ratio: the most ours / plain may be.
    """

    what: str
    unit: str
    ours: float | None
    plain: float | None = None
    target: float | None = None
    target_ratio: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours / plain; None where one of them was not measured."""
        return self.ours / self.plain if self.ours is not None and self.plain else None

    @property
    def met(self) -> bool | None:
        """Whether every target there is was met; None without one, or without the figure."""
        pairs = ((self.ours, self.target), (self.ratio, self.target_ratio))
        verdicts = [value <= most for value, most in pairs if value is not None and most is not None]
        return all(verdicts) if verdicts else None


@dataclass(frozen=True)
class Findings:
    """A benchmark's figures, and in words what its plain alternative does and what was made sure of."""

    title: str
    plain: str
    figures: tuple[Figure, ...]
    notes: tuple[str, ...] = ()

    @property
    def missed(self) -> bool:
        """Whether any target was missed."""
        return any(figure.met is False for figure in self.figures)


def show(console: Console, findings: Findings, *, judged: bool) -> None:
    """Print a benchmark's table; `judged` says whether its figures are to be held against their targets."""
    console.say((findings.title, "bold"))
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for head in ("here", "plain", "ratio", "target"):
        table.add_column(head, justify="right")
    table.add_column("")
    for figure in findings.figures:
        mark = {True: ("✓", "green"), False: ("✗ missed", "red"), None: ""}[figure.met if judged else None]
        cells = (_number(figure.ours, figure.unit), _number(figure.plain, figure.unit), _ratio(figure.ratio))
        table.add_row(figure.what, *cells, _target(figure), styled(mark))
    console.print(table)
    console.say((f"plain: {findings.plain}", "dim"))
    for note in findings.notes:
        console.say((note, "dim"))
    console.print()


def save(findings: dict[str, Findings], quick: bool, load_before: float) -> Path:
    """Write everything to benchmarks/results/<date>-<cores>-cores.json (UTC date); a second call of the day replaces it."""
    today = datetime.now(UTC).date().isoformat()
    suffix = "-quick" if quick else ""
    path = RESULTS / f"{today}-{os.cpu_count()}-cores{suffix}.json"
    RESULTS.mkdir(exist_ok=True)
    content = {
        "date": today,
        "quick": quick,
        "host": _host() | {"load_before": round(load_before, 2)},
        "benchmarks": _plain(findings),
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _plain(findings: dict[str, Findings]) -> dict[str, Any]:
    return {
        name: {
            **asdict(found),
            "figures": [
                {**asdict(figure), "ratio": figure.ratio, "met": figure.met} for figure in found.figures
            ],
        }
        for name, found in findings.items()
    }


def _host() -> dict[str, Any]:
    packages: Sequence[tuple[str, str]] = [(name, version(name)) for name in _PACKAGES]
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": dict(packages),
    }


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    if unit == "s":
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    return f"{value:.0f} {unit}".rstrip()


def _ratio(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f} x" if value < 0.1 else f"{value:.2f} x"


def _target(figure: Figure) -> str:
    shown = []
    if figure.target is not None:
        shown.append(f"{figure.target:g} {figure.unit}".rstrip())
    if figure.target_ratio is not None:
        shown.append(f"{figure.target_ratio:g} x")
    return ("≤ " + ", ".join(shown)) if shown else ""
