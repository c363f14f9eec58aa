"""Dagster's run launcher of the stack: hands runs to the worker pool, and knows which of them still live.

The stock launcher believes Celery's word on a run, and Celery says nothing when a worker is killed whole or Redis has
forgotten. Here a run lives as long as its process says so (`signs_of_life`).
"""

import time
from collections.abc import Mapping
from typing import Any

from celery.result import AsyncResult
from dagster import DagsterRun
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

from my_dagster_project.deploy.workers.pool import CELERY
from my_dagster_project.deploy.workers.signs_of_life import (
    BEAT_SECONDS,
    DEFAULT_QUEUE,
    LIFE_SECONDS,
    slots_by_queue,
    task_of,
)
from my_dagster_project.foundation.dagster_private import (
    CheckRunHealthResult,
    ConfigurableClassData,
    UserConfigSchema,
    WorkerStatus,
)
from my_dagster_project.foundation.pool_settings import pool_settings

# A sign must be missing this long, by this process' own clock: Redis forgets them all when it is restarted without its
# file or its clock jumps, and each living process renews its own at its next beat.
_GRACE_SECONDS = 3 * BEAT_SECONDS
_LOST = (
    f"Its worker process has shown no sign of life for {LIFE_SECONDS + _GRACE_SECONDS} s: the worker was killed or its host "
    "is gone, most likely because memory ran out. See the worker's log (`docker compose logs worker`)."
)
_SILENT = (
    "Its worker process ended without saying how the run ended, most likely because PostgreSQL could not be reached just "
    "then. See the worker's log (`docker compose logs worker`)."
)


class PoolRunLauncher(CeleryRunLauncher):
    """Runs as tasks of the worker pool; its addresses come from `pool_settings`, not from dagster.yaml."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        url = pool_settings().redis_url
        super().__init__(
            default_queue=DEFAULT_QUEUE, broker=url, backend=url, config_source=CELERY, inst_data=inst_data
        )
        self._missed: dict[str, float] = {}

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Nothing to configure."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> "PoolRunLauncher":
        """As Dagster makes it."""
        return cls(inst_data)

    @property
    def supports_resume_run(self) -> bool:
        """No: a run that lost its process is started anew as another run, or not at all."""
        return False

    def terminate(self, run_id: str) -> bool:
        """Cancel a run that was handed out; False when it is over or was not handed out."""
        run = self._instance.get_run_by_id(run_id)
        task = run and not run.is_finished and run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)
        if not run or not task:
            return False
        # Before its process can say that it was canceled.
        self._instance.report_run_canceling(run)
        self.celery.AsyncResult(task).revoke(terminate=True)
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the process of a started run lives; raises redis' error while Redis is away, and nothing is decided."""
        tagged = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)
        executing = task_of(self.celery.backend.client, run.run_id)
        result = self.celery.AsyncResult(tagged) if tagged else None
        # A run that repeats another one has the other's task in its tags until its own is written there.
        if result and executing in (None, tagged) and result.state in ("FAILURE", "REVOKED"):
            return CheckRunHealthResult(WorkerStatus.FAILED, _ended(result))
        if executing:
            self._missed.pop(run.run_id, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        now = time.monotonic()
        if now - self._missed.setdefault(run.run_id, now) < _GRACE_SECONDS:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "no sign of life just now")
        del self._missed[run.run_id]
        silent = result is not None and result.state == "SUCCESS"
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, _SILENT if silent else _LOST)

    def get_run_worker_debug_info(
        self, run: DagsterRun, include_container_logs: bool | None = True
    ) -> str | None:
        """For a run that did not start in time: what is known of its worker."""
        tagged = run.tags.get(DAGSTER_CELERY_TASK_ID_TAG)
        result = self.celery.AsyncResult(tagged) if tagged else None
        if result and result.state in ("FAILURE", "REVOKED"):
            return _ended(result)
        slots = slots_by_queue(self.celery.backend.client)
        workers = ", ".join(f"{queue}: {count}" for queue, count in sorted(slots.items())) or "none"
        return f"No worker has begun it, or the one that took it was killed. Slots of living workers by queue: {workers}."


def _ended(result: AsyncResult) -> str:
    return f"Its worker process ended early: {result.result or result.state}"
