"""Models that could not be exported answer in a process of their own, started when one is asked for: Ludwig takes a gigabyte."""

from __future__ import annotations

import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as TookTooLongError
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import ModelError, PassingError
from my_dagster_project.models.encoding import PlainRows
from my_dagster_project.models.kinds.table import kind_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from my_dagster_project.models.encoding import Rows
    from my_dagster_project.models.manifest import Manifest

_SECONDS = 120.0
"""Of one answer, Ludwig's import included; it takes 10 to 25 s."""
_IDLE_SECONDS = 300.0


class BusyModelError(ModelError, PassingError):
    """The model did not answer in time, or its process died; asking again may help."""


class OwnProcess:
    """One process that asks the libraries that trained the models; it ends when nobody has asked for a while."""

    def __init__(self, seconds: float = _SECONDS, idle: float = _IDLE_SECONDS) -> None:
        self._seconds, self._idle = seconds, idle
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._timer: threading.Timer | None = None

    def scores(self, files: Mapping[str, bytes], manifest: Manifest, rows: Rows) -> np.ndarray:
        """The model's own answer to each row; raises ModelError, BusyModelError where another time may be better."""
        with self._lock:
            pool = self._running()
            asked = pool.submit(_own_scores, manifest.kind, dict(files), rows, manifest.label)
        try:
            return asked.result(self._seconds)
        except TookTooLongError:
            self.close()
            raise BusyModelError(
                f"{manifest.label}: {manifest.kind} did not answer within {self._seconds:g} s; ask again"
            ) from None
        except BrokenProcessPool:
            self.close()
            raise BusyModelError(
                f"{manifest.label}: the process of {manifest.kind} died; ask again"
            ) from None

    def close(self) -> None:
        """End the process, at once."""
        with self._lock:
            pool, self._pool = self._pool, None
            if self._timer:
                self._timer.cancel()
        if pool is not None:
            for process in list(pool._processes.values()):
                process.kill()
            pool.shutdown(wait=False, cancel_futures=True)

    def _running(self) -> ProcessPoolExecutor:
        from multiprocessing import get_context

        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        if self._timer:
            self._timer.cancel()
        self._timer = threading.Timer(self._idle, self.close)
        self._timer.daemon = True
        self._timer.start()
        return self._pool


def _own_scores(kind: str, files: dict[str, bytes], rows: Rows, label: str) -> np.ndarray:
    frame = rows.frame() if isinstance(rows, PlainRows) else rows
    return kind_named(kind).predict(files, frame, label)
