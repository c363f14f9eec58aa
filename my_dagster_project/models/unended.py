"""MLflow runs that nobody ended: their process was killed, so they would stay RUNNING for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from my_dagster_project.models.tracking_server import explained_errors, masked, open_client

if TYPE_CHECKING:
    from collections.abc import Callable

_RUNNING = "attributes.status = 'RUNNING'"
_PAGE = 1000


def end_killed_runs(tracking_uri: str, is_over: Callable[[str], bool]) -> list[str]:
    """End as KILLED what is RUNNING though the Dagster run it was made by (tag `dagster_run`) is over; their names.

    Raises TrackingError when MLflow cannot be asked.
    """
    ended = []
    with explained_errors(f"end killed runs at {masked('', tracking_uri)}"):
        client = open_client(tracking_uri)
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        for run in client.search_runs(experiments, _RUNNING, max_results=_PAGE) if experiments else ():
            maker = run.data.tags.get("dagster_run")
            if maker and is_over(maker):
                client.set_terminated(run.info.run_id, "KILLED")
                ended.append(run.info.run_name)
    return ended
