"""`python -m my_dagster_project.deploy.daemon`: Dagster's daemon, with its own options, that looks at once when a bell rings.

See `workers/bells.py`; without Redis it looks as often as Dagster's own.
"""

from collections.abc import Iterator
from threading import Event
from typing import TYPE_CHECKING, Any

from my_dagster_project.deploy.workers.bells import QUEUE, ROUNDS, Waiting
from my_dagster_project.deploy.workers.signs_of_life import connect
from my_dagster_project.foundation.dagster_private import SpanMarker, daemon_command, daemon_controller
from my_dagster_project.foundation.pool_settings import pool_settings

if TYPE_CHECKING:
    from redis import Redis

    from my_dagster_project.foundation.dagster_private import DagsterDaemon

# A sensor of a season ticks once a second at most.
_ECHO_SECONDS = 1.0


def main() -> None:
    """Run until SIGTERM."""
    controller, client = daemon_controller(), connect(pool_settings().redis_url)
    of_dagster = controller.create_daemon_of_type
    # Dagster has no hook for it; the name is the one that its controller calls.
    controller.create_daemon_of_type = lambda *about: _listening(of_dagster(*about), client)
    daemon_command()()


def _listening(daemon: "DagsterDaemon[Any]", client: "Redis") -> "DagsterDaemon[Any]":
    """The daemon as it is, with waits that end when its bell rings; others have none."""
    loop = daemon.core_loop

    def sensors(context: Any, end: Event) -> Iterator[Any]:
        return loop(context, Waiting(end, client, ROUNDS, _ECHO_SECONDS))  # type: ignore[arg-type]  # has what it uses

    def queue(context: Any, end: Event) -> Iterator[Any]:
        waiting = Waiting(end, client, QUEUE)
        for said in loop(context, end):
            yield said
            if said is SpanMarker.END_SPAN:
                waiting.wait(seconds)

    match daemon.daemon_type():
        case "SENSOR":
            daemon.core_loop = sensors  # type: ignore[assignment,method-assign]
        case "QUEUED_RUN_COORDINATOR":
            # Dagster's own wait is in steps of half a second.
            seconds, daemon.interval_seconds = daemon.interval_seconds, 0  # type: ignore[attr-defined]
            daemon.core_loop = queue  # type: ignore[assignment,method-assign]
    return daemon


if __name__ == "__main__":
    main()
