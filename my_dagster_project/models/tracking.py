"""One MLflow run per training, by explicit run id: safe from any thread, with or without a server."""

from __future__ import annotations

import logging
import math
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.models.tracking_server import (
    MAX_TEXT,
    TrackingError,
    alone,
    explained_errors,
    masked,
    open_client,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mlflow import MlflowClient

# Each log_batch costs 11 ms on sqlite whatever it carries: one per epoch was 5 s of a `make run`, one per two
# seconds is nothing, and the curves still grow while one watches.
FLUSH_SECONDS = 2.0
MAX_METRICS, MAX_PARAMS = 1000, 100  # MLflow's limits per request


class TrackedRun:
    """A run that is being recorded.

    Every value is text or a number; credentials in URLs and values under a secret's name are masked.
    """

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self.run_id = run_id
        self._client = client
        self._pending: list[Any] = []
        self.epochs: list[dict[str, float]] = []
        self._flushed = time.monotonic()
        self._lock = threading.Lock()

    def log_params(self, params: Mapping[str, object]) -> None:
        """Record the settings; nested mappings become dotted names, long values are cut at 500 characters."""
        from mlflow.entities import Param

        flat = [Param(name, masked(name, value)[:MAX_TEXT]) for name, value in flattened(params).items()]
        with explained_errors("record parameters"):
            for start in range(0, len(flat), MAX_PARAMS):
                self._client.log_batch(self.run_id, params=flat[start : start + MAX_PARAMS])

    def log_epoch(self, step: int, metrics: Mapping[str, float]) -> None:
        """Record the metrics of one epoch; they are sent at the latest two seconds later, or at the end."""
        self.epochs.append(dict(metrics))
        self._add(step, metrics)
        if time.monotonic() - self._flushed >= FLUSH_SECONDS:
            self.flush()

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Record results of the whole run."""
        self._add(0, metrics)
        self.flush()

    def log_files(self, files: Mapping[str, bytes]) -> None:
        """Store files as artifacts under their names, such as `manifest.json` or `ludwig/...`."""
        with tempfile.TemporaryDirectory(prefix="mlflow-artifacts-") as folder:
            for name, content in files.items():
                if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                    raise TrackingError(f"MLflow artifact name {name!r} leaves the run's folder.")
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            with explained_errors("store files"):
                self._client.log_artifacts(self.run_id, folder)

    def flush(self) -> None:
        """Send what is pending."""
        with self._lock:
            pending, self._pending, self._flushed = self._pending, [], time.monotonic()
        with explained_errors("record metrics"):
            for start in range(0, len(pending), MAX_METRICS):
                self._client.log_batch(self.run_id, metrics=pending[start : start + MAX_METRICS])

    def _add(self, step: int, metrics: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        with self._lock:
            self._pending += [Metric(name, float(value), now, step) for name, value in metrics.items()]


@contextmanager
def start_run(
    tracking_uri: str,
    experiment: str,
    run_name: str,
    tags: Mapping[str, str],
    artifact_root: str | None = None,
) -> Iterator[TrackedRun]:
    """Record one run.

    It ends FINISHED, or FAILED (KILLED when interrupted) with the class of the error, which goes on, as tag `error`.

    Args:
        tracking_uri: of a server, or `sqlite:///...`, which takes MLflow 2 s to fill with tables, once.
        experiment: made if it is missing.
        run_name: for people.
        tags: such as team and symbol.
        artifact_root: where a new experiment keeps its files, a URL or folder; needed without a server, whose
            job it is otherwise: MLflow would write into ./mlruns of wherever the process happens to run.

    Raises:
        TrackingError: MLflow could not be reached, in one line without credentials.
    """
    if artifact_root is None and not tracking_uri.startswith(("http://", "https://")):
        raise TrackingError("Without an MLflow server an artifact_root is needed; give one.")
    with explained_errors(f"open {masked('', tracking_uri)}"):
        with alone(tracking_uri):
            client = open_client(tracking_uri)
            experiment_id = _experiment_id(client, experiment, artifact_root)
        safe_tags = {name: masked(name, value) for name, value in tags.items()}
        run = client.create_run(experiment_id, run_name=run_name, tags=safe_tags)
    tracked = TrackedRun(client, run.info.run_id)
    try:
        yield tracked
        tracked.flush()
    except BaseException as error:
        _end_failed(tracked, client, error)
        raise
    with explained_errors("end the run"):
        client.set_terminated(tracked.run_id, "FINISHED")


def _experiment_id(client: MlflowClient, name: str, artifact_root: str | None) -> str:
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        location = f"{artifact_root.rstrip('/')}/{name}" if artifact_root else None
        try:
            return client.create_experiment(name, artifact_location=location)
        except MlflowException as error:
            found = client.get_experiment_by_name(name)  # another process was faster
            if found is None:
                raise error
    if found.lifecycle_stage == "deleted":
        # Its name stays taken, and nothing can be recorded under it; whoever deleted it wanted its runs out of sight.
        client.restore_experiment(found.experiment_id)
    return found.experiment_id


def add_figures(tracking_uri: str, figures: Mapping[str, Mapping[str, float]]) -> None:
    """Add figures to runs that have ended, by run id; a figure that does not exist is left out, and a run that people have
    deleted. Raises TrackingError."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    with explained_errors(f"record figures at {masked('', tracking_uri)}"), alone(tracking_uri):
        client = open_client(tracking_uri)
        for run_id, given in figures.items():
            if not _is_active(client, run_id):
                continue  # MLflow refuses it, and the figures of the runs after it were lost with it
            known = [Metric(name, value, now, 0) for name, value in given.items() if not math.isnan(value)]
            client.log_batch(run_id, metrics=known)


def _is_active(client: MlflowClient, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id).info.lifecycle_stage == "active"
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return False
        raise


def _end_failed(tracked: TrackedRun, client: MlflowClient, error: BaseException) -> None:
    """Mark the run as failed; trouble with MLflow on the way must not hide the error that is being raised."""
    try:
        client.set_tag(tracked.run_id, "error", type(error).__name__)
        if isinstance(error, TradingError):
            client.set_tag(tracked.run_id, "error_text", masked("", error)[:MAX_TEXT])
        client.set_terminated(tracked.run_id, "FAILED" if isinstance(error, Exception) else "KILLED")
        tracked.flush()
    except Exception as trouble:
        logging.getLogger(__name__).warning(
            "MLflow run %s was not ended: %s", tracked.run_id, masked("", trouble)
        )


def flattened(mapping: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`."""
    flat: dict[str, object] = {}
    for name, value in mapping.items():
        if isinstance(value, dict):
            flat |= flattened(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
