"""Reaching MLflow, with or without a server, and saying in one line without secrets why it could not be reached."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from my_dagster_project.foundation.addresses import sqlite_file
from my_dagster_project.foundation.errors import PassingError, TradingError
from my_dagster_project.foundation.redaction import MASK, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mlflow import MlflowClient

MAX_TEXT = 500  # MLflow's limit for a parameter
_open_lock = threading.Lock()
_secret_name = re.compile(r"secret|token|password|passwd|api_?key|credential", re.IGNORECASE)


class TrackingError(TradingError):
    """MLflow could not be reached or refused; the model itself may be fine."""


class TrackingUnreachableError(TrackingError, PassingError):
    """MLflow did not answer, or answered with a fault of its own."""


def open_client(tracking_uri: str) -> MlflowClient:
    """A client of a server or an sqlite file; raises whatever MLflow raises, so use it inside `explained_errors`."""
    # One at a time: two threads that meet a fresh sqlite file would both run the migrations.
    with _open_lock, _quiet("mlflow", "alembic"):
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=tracking_uri)


@contextmanager
def alone(tracking_uri: str) -> Iterator[None]:
    """Keep other processes out while a sqlite file may get its tables: two teams' first runs once migrated it at the
    same time and broke it for good ("duplicate column name: step").
    """
    if not tracking_uri.startswith("sqlite:///"):
        yield
        return
    from filelock import FileLock

    path = sqlite_file(tracking_uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        yield


def masked(name: str, value: object) -> str:
    """The value as text, without secrets: nothing at all of what has a secret's name."""
    return MASK if _secret_name.search(name) else redact(str(value))


@contextmanager
def explained_errors(action: str) -> Iterator[None]:
    """MLflow's, SQLAlchemy's and requests' errors as one TrackingError line."""
    try:
        yield
    except TradingError:
        raise
    except Exception as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        kind = TrackingUnreachableError if _may_pass(error) else TrackingError
        raise kind(f"MLflow could not {action}: {masked('', first_line)[:MAX_TEXT]}") from None


def _may_pass(error: Exception) -> bool:
    """No answer, a 5xx, or asked too often. MLflow's client says the first as an internal error (500) of its own."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import ConnectionError as NoConnectionError
    from requests.exceptions import Timeout

    if isinstance(error, MlflowException):
        status = error.get_http_status_code()
        return status >= 500 or status == 429
    return isinstance(error, (NoConnectionError, Timeout))


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
