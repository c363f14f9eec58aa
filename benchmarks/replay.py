"""A team's replay, its orders of all sessions in one run, on our SQLite storages and on Dagster's own."""

import shutil
from pathlib import Path

import yaml

from benchmarks.figures import Figure, Findings
from benchmarks.measure import BenchmarkError, Sample, alternate, fastest
from benchmarks.workshop import ROOT, Project, Workshop

_EMBEDDED = ROOT / "my_dagster_project" / "deploy" / "instance" / "embedded.yaml"
_STORAGES = ("run_storage", "event_log_storage", "schedule_storage")


def measure(workshop: Workshop) -> Findings:
    """Seconds per session inside the process, so without its start; each time from an empty history and account."""
    base = workshop.copy(workshop.trained.project)
    base.python("through_dagster", "predictions")
    shutil.rmtree(base.folder / ".local" / "dagster")

    def replay(instance: str) -> Sample:
        project = workshop.copy(base)
        home = project.folder / ".local" / "dagster"
        home.mkdir()
        (home / "dagster.yaml").write_text(instance, encoding="utf-8")
        said = project.python("through_dagster", "replay").said
        _check(project, int(said["sessions"]))
        return Sample(said["replay"] / said["sessions"], said=said)

    embedded = _EMBEDDED.read_text(encoding="utf-8")
    kept = {name: part for name, part in yaml.safe_load(embedded).items() if name not in _STORAGES}
    rounds = workshop.rounds(2)
    a, b = alternate(rounds, lambda: replay(embedded), lambda: replay("telemetry: {enabled: false}\n"))
    storages = [replay(yaml.safe_dump(kept)) for _ in range(rounds)]
    ours = fastest(a).seconds
    return Findings(
        title=f"A replay of {a[0].said['sessions']:.0f} sessions, per session",
        plain="the same runs on an instance with Dagster's defaults (an empty dagster.yaml), and on ours but with "
        "Dagster's own SQLite storages.",
        figures=(
            Figure("a session, Dagster's defaults", "s", ours, fastest(b).seconds),
            Figure("a session, only the storages differ", "s", ours, fastest(storages).seconds),
        ),
    )


def _check(project: Project, sessions: int) -> None:
    folder: Path = project.folder / ".local" / "store"
    found = len(list(folder.glob("*/orders/*.json")))
    if found != sessions:
        raise BenchmarkError(f"{found} sessions were traded, not {sessions}")
