"""The Celery side of the pool: one application for those who launch runs and for those who execute them.

A run is handed out at most once. A message is acknowledged before its run starts, so Redis never gives it to a second
worker; one that is published twice meets the run's sign of life; one that comes late finds the run started or over, which
Dagster refuses to start again. What is lost instead is found by monitoring, and run again only where that is allowed:
`run_retries`, and the tag `dagster/max_retries: 0` on whatever sends orders.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from celery import Celery, Task, bootsteps
from celery.worker import state
from dagster import DagsterInstance, RunsFilter
from dagster_celery.config import TASK_EXECUTE_JOB_NAME
from dagster_celery.make_app import make_app

from my_dagster_project.deploy.workers.bells import QUEUE, ROUNDS, ring
from my_dagster_project.deploy.workers.idling import LET_GO, Idle
from my_dagster_project.deploy.workers.signs_of_life import (
    BEAT_SECONDS,
    DEFAULT_QUEUE,
    alive,
    gone,
    present,
    runs_wait,
)
from my_dagster_project.foundation.dagster_private import (
    NOT_FINISHED_STATUSES,
    ExecuteRunArgs,
    capture_interrupts,
    execute_run_command,
    unpack_value,
)
from my_dagster_project.foundation.pool_settings import PoolSettings
from my_dagster_project.foundation.run_at_work import ROUND_TAG, execute

if TYPE_CHECKING:
    from celery.worker.consumer import Consumer
    from redis import Redis

_DAY = 24 * 60 * 60

CELERY: dict[str, Any] = {
    # Acknowledged when its process has it, never redelivered (see above).
    "task_acks_late": False,
    "task_reject_on_worker_lost": False,
    # A process per run: what Ludwig leaves behind in memory goes with it.
    "worker_max_tasks_per_child": 1,
    # A worker takes a message only when it has a free slot; one waiting here could have run on another host.
    "worker_prefetch_multiplier": 1,
    "worker_disable_prefetch": True,
    # A fork of 1 GB on a busy machine takes its time; by default it is given up after 4 s.
    "worker_proc_alive_timeout": 60.0,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    # Redis may be restarted at any time, also for long.
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_transport_options": {
        # Longer than any run, should somebody ever turn on late acknowledgement.
        "visibility_timeout": _DAY,
        "socket_keepalive": True,
        "socket_connect_timeout": 5,
        "health_check_interval": 30,
        "max_retries": 3,
        "interval_start": 0,
        "interval_step": 0.2,
        "interval_max": 0.5,
    },
    "redis_socket_connect_timeout": 5,
    "redis_socket_timeout": 10,
    "redis_socket_keepalive": True,
    "result_expires": _DAY,
    "result_backend_transport_options": {"retry_policy": {"max_retries": 3, "interval_max": 1}},
}

_log = logging.getLogger(__name__)


class RunTask(Task):
    """A run as a task: shows signs of life, lets Dagster end it properly when it is canceled, and rings when it is over.

    As `dagster_celery.tasks` does it, which knows nothing of these.
    """

    name = TASK_EXECUTE_JOB_NAME
    # Nobody asks Celery whether a run is at work, and a run whose process could not tell it never began.
    track_started = False

    def run(self, execute_job_args_packed: Any) -> int:
        """Execute the run; 0 when it succeeded, 1 when it failed, -1 when another process is at it already."""
        run_id = unpack_value(execute_job_args_packed, as_type=ExecuteRunArgs).run_id
        with alive(self.app.backend.client, run_id, self.request.id) as first:
            if not first:
                _log.warning(
                    "Run %s is being executed already; this second message of it is dropped.", run_id
                )
                return -1
            with capture_interrupts(), DagsterInstance.get() as instance:
                return _execute(instance, run_id, self.app.backend.client)


def _execute(instance: DagsterInstance, run_id: str, client: "Redis") -> int:
    run = instance.get_run_by_id(run_id)
    tags = run.tags if run else {}
    execute(run.job_name if run else "", tags)
    try:
        return int(execute_run_command()(run_id, instance, lambda _: None, set_exit_code_on_failure=True))
    finally:
        ring(client, QUEUE)
        with suppress(Exception):  # PostgreSQL is away; the daemon looks by itself a little later.
            if not _goes_on(instance, tags):
                ring(client, ROUNDS)


def _goes_on(instance: DagsterInstance, tags: Mapping[str, str]) -> bool:
    """Whether the round of a run with these tags has other runs that wait or work; also of a run that is of none."""
    if ROUND_TAG not in tags:
        return True
    alike = RunsFilter(tags={ROUND_TAG: tags[ROUND_TAG]}, statuses=list(NOT_FINISHED_STATUSES))
    return instance.get_runs_count(alike) > 0


def worker_app(pool: PoolSettings) -> Celery:
    """The application a worker executes runs with."""
    app = make_app(
        {
            "broker": pool.redis_url,
            "backend": pool.redis_url,
            "config_source": CELERY,
            "task_default_queue": DEFAULT_QUEUE,
        }
    )
    app.register_task(RunTask())
    app.steps["consumer"].add(_presence(pool))
    return app


def _presence(pool: PoolSettings) -> type[bootsteps.StartStopStep]:
    """The step of a worker that says it is there, as long as it takes messages: not before, and not while Redis is away.

    Idle for long enough it ends the worker, which then waits as a smaller one (`idling.py`).
    """
    idle = Idle(pool.idle_seconds)

    class Presence(bootsteps.StartStopStep):
        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, parent: "Consumer") -> None:
            self._beat(parent)
            self._timer = parent.timer.call_repeatedly(BEAT_SECONDS, self._beat, (parent,))

        def stop(self, parent: "Consumer") -> None:
            self._timer.cancel()
            if state.should_stop == LET_GO:
                return  # It is there, and says so again in a second.
            pool.alive_file.unlink(missing_ok=True)
            with suppress(
                Exception
            ):  # Redis is away, which is why this step stops; the sign expires by itself.
                gone(parent.app.backend.client, parent.hostname)

        def _beat(self, parent: "Consumer") -> None:
            client = parent.app.backend.client
            busy = bool(state.active_requests or state.reserved_requests) or runs_wait(client, pool.queue)
            if idle.look(busy=busy):
                state.should_stop = LET_GO
            present(client, parent.hostname, pool.queue, 0 if idle.is_leaving else pool.slots)
            pool.alive_file.touch()

    return Presence
