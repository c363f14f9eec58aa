"""Dagster's queue of the stack: as many runs at a time as living workers have slots.

So another worker is all that scaling out takes, and while there is none, or no Redis, runs wait where they are safe: in
PostgreSQL.
"""

import logging
from functools import cached_property
from typing import TYPE_CHECKING

from dagster import DagsterRun, SubmitRunContext
from dagster_celery.tags import DAGSTER_CELERY_QUEUE_TAG

from my_dagster_project.deploy.workers.bells import QUEUE, ring
from my_dagster_project.deploy.workers.signs_of_life import DEFAULT_QUEUE, connect, slots_by_queue
from my_dagster_project.foundation.dagster_private import RunQueueConfig
from my_dagster_project.foundation.pool_settings import pool_settings
from my_dagster_project.pipeline.coordinator import TradingRunCoordinator

if TYPE_CHECKING:
    from redis import Redis

_log = logging.getLogger(__name__)


class PoolRunCoordinator(TradingRunCoordinator):
    """A queue that hands out as many runs as the workers say they take."""

    _said: str | None = None

    @cached_property
    def _redis(self) -> "Redis":
        return connect(pool_settings().redis_url)

    def get_run_queue_config(self) -> RunQueueConfig:
        """The configured limits, with the slots there are now: in all, and for each queue."""
        configured = super().get_run_queue_config()
        slots = self._slots()
        limits = [
            {"key": DAGSTER_CELERY_QUEUE_TAG, "value": queue, "limit": count}
            for queue, count in slots.items()
        ]
        return configured._replace(
            max_concurrent_runs=sum(slots.values()),
            tag_concurrency_limits=[*configured.tag_concurrency_limits, *limits],
        )

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Put a run into the queue; one that names no worker queue gets the default one, which has its limit too."""
        run = context.dagster_run
        if DAGSTER_CELERY_QUEUE_TAG not in run.tags:
            self._instance.add_run_tags(run.run_id, {DAGSTER_CELERY_QUEUE_TAG: DEFAULT_QUEUE})
        queued = super().submit_run(context)
        ring(self._redis, QUEUE)
        return queued

    def _slots(self) -> dict[str, int]:
        from redis import RedisError

        try:
            slots = slots_by_queue(self._redis)
            trouble = None if slots else "no worker is there"
        except RedisError as error:
            slots, trouble = {}, f"Redis cannot be reached ({error})"
        if trouble != self._said:
            _log.warning(f"Runs wait in the queue: {trouble}." if trouble else "Runs are handed out again.")
            self._said = trouble
        return slots
