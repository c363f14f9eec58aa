"""One MLflow run per training, by explicit run id: safe from any thread, with or without a server."""

from __future__ import annotations

import logging
import re
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from my_dagster_project.errors import TradingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mlflow import MlflowClient

# Each log_batch costs 11 ms on sqlite whatever it carries: one per epoch was 5 s of a `make run`, one per two
# seconds is nothing, and the curves still grow while one watches.
FLUSH_SECONDS = 2.0
MAX_METRICS, MAX_PARAMS, MAX_TEXT = 1000, 100, 500  # MLflow's limits per request

_open_lock = threading.Lock()
_secret_name = re.compile(r"secret|token|password|passwd|api_?key|credential", re.IGNORECASE)
_url_credentials = re.compile(r"(\w+://)[^/@\s]+@")


class TrackingError(TradingError):
    """MLflow could not be reached or refused; the model itself may be fine."""


class TrackedRun:
    """A run that is being recorded.

    Every value is text or a number; credentials in URLs and values under a secret's name are masked.
    """

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self.run_id = run_id
        self._client = client
        self._pending: list[Any] = []
        self._flushed = time.monotonic()
        self._lock = threading.Lock()

    def log_params(self, params: Mapping[str, object]) -> None:
        """Record the settings; nested mappings become dotted names, long values are cut at 500 characters."""
        from mlflow.entities import Param

        flat = [Param(name, masked(name, value)[:MAX_TEXT]) for name, value in flattened(params).items()]
        with _explained("record parameters"):
            for start in range(0, len(flat), MAX_PARAMS):
                self._client.log_batch(self.run_id, params=flat[start : start + MAX_PARAMS])

    def log_epoch(self, step: int, metrics: Mapping[str, float]) -> None:
        """Record the metrics of one epoch; they are sent at the latest two seconds later, or at the end."""
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
            with _explained("store files"):
                self._client.log_artifacts(self.run_id, folder)

    def flush(self) -> None:
        """Send what is pending."""
        with self._lock:
            pending, self._pending, self._flushed = self._pending, [], time.monotonic()
        with _explained("record metrics"):
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

    It ends FINISHED, or FAILED with the class of the error as tag `error` when the body raises (KILLED when it
    was interrupted). The error itself goes on unchanged.

    Args:
        tracking_uri: of a server, or `sqlite:///...`, which needs none. A fresh sqlite file takes MLflow 2 s
            to fill with tables (its 69 migrations; 5 s on a busy machine), once; later ones open in 0.01 s.
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
    with _explained(f"open {masked('', tracking_uri)}"):
        with _alone(tracking_uri):
            client = _open(tracking_uri)
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
    with _explained("end the run"):
        client.set_terminated(tracked.run_id, "FINISHED")


def _open(tracking_uri: str) -> MlflowClient:
    # One at a time: two threads that meet a fresh sqlite file would both run the migrations.
    with _open_lock, _quiet("mlflow", "alembic"):
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=tracking_uri)


@contextmanager
def _alone(tracking_uri: str) -> Iterator[None]:
    """Keep other processes out while a sqlite file may get its tables: two teams' first runs once migrated it at the
    same time and broke it for good ("duplicate column name: step").
    """
    if not tracking_uri.startswith("sqlite:///"):
        yield
        return
    from filelock import FileLock

    path = Path(tracking_uri.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        yield


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
    return found.experiment_id


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


def masked(name: str, value: object) -> str:
    """The value as text, without secrets: `***` under a secret's name, and in place of a URL's credentials."""
    return "***" if _secret_name.search(name) else _url_credentials.sub(r"\1***@", str(value))


@contextmanager
def _explained(action: str) -> Iterator[None]:
    """MLflow's, SQLAlchemy's and requests' errors as one TrackingError line."""
    try:
        yield
    except TradingError:
        raise
    except Exception as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise TrackingError(f"MLflow could not {action}: {masked('', first_line)[:MAX_TEXT]}") from None


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """MLflow and alembic announce each of the 69 migrations."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
