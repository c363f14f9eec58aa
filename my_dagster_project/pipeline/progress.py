"""Dagster's events as they happen, for whoever runs jobs in this process and wants to show them."""

import logging
from collections.abc import Callable

import dagster as dg

type Listener = Callable[[dg.DagsterEvent | None, str], None]

_listeners: list[Listener] = []


class _Relay(logging.Handler):
    """Hands every record to the listeners: the event it is about, if any, and its text."""

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", {})
        for listener in _listeners:
            listener(meta.get("dagster_event"), meta.get("orig_message") or record.getMessage())


@dg.logger(None, "Hands events to the process that runs the job; select it as `loggers: {progress: {}}`.")
def progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """A logger that writes nothing itself."""
    logger = logging.Logger("trading.progress", logging.DEBUG)
    logger.addHandler(_Relay())
    return logger


def listen(listener: Listener) -> Callable[[], None]:
    """Call the listener for every event from now on; calling what is returned stops it."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)
