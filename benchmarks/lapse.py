"""A session of a lapse in one process, nothing trained in it: two teams of four symbols."""

from benchmarks.figures import Figure, Findings
from benchmarks.measure import Sample, run
from benchmarks.workshop import BIN, Project, Workshop


def measure(workshop: Workshop) -> Findings:
    """Seconds per session at the median, of the round with the least CPU time."""
    begun = workshop.fresh()
    run([BIN / "trading", "season", "next"], begun.folder, begun.environment)

    def ours() -> Sample:
        season = Project(workshop.copy(begun).folder / ".local" / "season")
        return season.python("lived", "3" if workshop.quick else "10")

    said = min((ours().said for _ in range(workshop.rounds(2))), key=lambda one: float(one["cpu"]))
    return Findings(
        title="A session of a lapse in one process, nothing trained",
        plain="one script that calls the same functions on the same objects: bars checked, features, predictions, reports; "
        "no Dagster, versions, checks for look-ahead, orders, fills, leaderboard.",
        figures=(
            Figure("CPU time", "s", said["cpu"], said["plain"], target=1),
            Figure("wall", "s", said["wall"], said["plain"]),
            Figure("runs", "", said["runs"]),
            Figure("events of Dagster's", "", said["events"]),
        ),
    )
