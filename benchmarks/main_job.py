"""`trading run`, which is what `make run` runs: in a project where nothing is computed, and a second time."""

from pathlib import Path

from benchmarks.figures import Figure, Findings
from benchmarks.measure import Sample, alternate, fastest, highest_mb, least_cpu, run
from benchmarks.workshop import BIN, Workshop


def measure(workshop: Workshop) -> Findings:
    """First and second run, with the memory of all their processes."""
    second: list[Sample] = []

    def ours() -> Sample:
        project = workshop.fresh()
        command: list[str | Path] = [BIN / "trading", "run"]
        first = run(command, project.folder, project.environment, memory=True)
        second.append(run(command, project.folder, project.environment, memory=True))
        return first

    def plain() -> Sample:
        recipes = workshop.prepared.folder / "recipes"
        return workshop.prepared.python("plain", "chain", recipes, workshop.place(), memory=True)

    a, b = alternate(workshop.rounds(2), ours, plain)
    script = fastest(b).seconds
    return Findings(
        title="The main job: trading run",
        plain="one script in one process: the same models with Ludwig, predictions with LudwigModel.predict, the same "
        "Evidently reports, from bars and features made beforehand; no tracking, ONNX, versions, orders or "
        "leaderboard. Asked a second time it does everything again, which is what the second run is held against.",
        figures=(
            Figure("first run, wall", "s", fastest(a).seconds, script, target=120),
            Figure("first run, CPU time", "s", least_cpu(a), least_cpu(b)),
            Figure("first run, peak memory (PSS)", "MB", highest_mb(a), highest_mb(b), target=2000),
            Figure("second run, wall", "s", fastest(second).seconds, script, target=15),
            Figure("second run, peak memory (PSS)", "MB", highest_mb(second), highest_mb(b)),
        ),
    )
