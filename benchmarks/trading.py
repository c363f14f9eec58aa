"""The order path: 250 sessions of every team, planned, gated, submitted and filled, without Dagster around it."""

from benchmarks.figures import Figure, Findings
from benchmarks.measure import BenchmarkError, fastest
from benchmarks.workshop import Workshop

SESSIONS, QUICK_SESSIONS = 250, 5


def measure(workshop: Workshop) -> Findings:
    """Seconds for all teams one after the other, in one process with the embedded broker."""
    count = QUICK_SESSIONS if workshop.quick else SESSIONS
    samples = []
    for _ in range(workshop.rounds(2)):
        samples.append(workshop.fresh().python("order_path", str(count)))
    said = min((sample.said for sample in samples), key=lambda one: one["ours"])
    if said["orders"] < count:
        raise BenchmarkError(
            f"only {said['orders']} orders in {count} sessions: that is no test of the order path"
        )
    return Findings(
        title=f"A replay of {count} sessions x 4 symbols x 2 teams: {said['orders']:.0f} orders",
        plain="the same orders sent to the same broker by alpaca-trade-api alone, over HTTP: no planning, no gate, no records.",
        figures=(
            Figure("the order path", "s", said["ours"], said["bare"], target=30),
            Figure("its CPU time, broker included", "s", said["cpu"], said["bare_cpu"], target_ratio=1.8),
            Figure("with the start of the process", "s", fastest(samples).seconds),
        ),
    )
