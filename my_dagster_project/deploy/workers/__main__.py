"""`python -m my_dagster_project.deploy.workers`: a worker of the pool, until SIGTERM, on which it finishes what it is executing.

It imports the heavy libraries once and forks a process per run, which shares them: a run starts in about a second and its
idle slot costs tens of megabytes instead of a gigabyte. After a while without a run it lets go of them (`idling.py`).
"""

import os
import sys
from pathlib import Path

from my_dagster_project.deploy.workers.idling import LET_GO, hold_the_end, wait_for_a_run
from my_dagster_project.deploy.workers.signs_of_life import connect
from my_dagster_project.foundation.errors import ConfigError, TradingError
from my_dagster_project.foundation.pool_settings import PoolSettings, pool_settings
from my_dagster_project.foundation.settings import load_settings, quiet_libraries

_WAITING = "waiting"


def main() -> int:
    """Run the worker, or its smaller self that waits for a run; 1 when it is set up wrongly."""
    waits = _WAITING in sys.argv[1:]
    try:
        load_settings()  # Also puts .env.secrets into the environment, for every run.
        quiet_libraries()
        pool = pool_settings()
        if not waits:  # Dagster is 100 MB; this was right when the worker started.
            _require_pool_instance()
    except TradingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if waits:
        wait_for_a_run(pool, connect(pool.redis_url), _name())
        _become()
    code = _work(pool)
    if code == LET_GO:
        print("no run for a while: waits with little memory; the next one starts a little later", flush=True)
        _become(_WAITING)
    return code


def _become(*arguments: str) -> None:
    """Be this program anew, as the same process: a gigabyte of imports can be given back in no other way."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", __package__, *arguments])  # noqa: S606


def _name() -> str:
    """Unique on a host, too: two workers of one name would share their orders to cancel."""
    return f"worker-{os.getpid()}@{os.uname().nodename}"


def _work(pool: PoolSettings) -> int:
    from celery.worker import state

    from my_dagster_project.deploy.workers.pool import worker_app
    from my_dagster_project.deploy.workers.preloading import preload, threads

    loaded = preload(load_settings().s3)
    print(
        f"preloaded in {loaded.seconds:.1f} s, {loaded.rss_mb:.0f} MB; {pool.slots} slots on queue {pool.queue}",
        flush=True,
    )
    if threads():
        print(f"warning: forks will lose these threads: {', '.join(threads())}", file=sys.stderr)
    worker = worker_app(pool).Worker(
        hostname=_name(),
        pool="prefork",
        concurrency=pool.slots,
        queues=[pool.queue],
        optimization="fair",
        loglevel="INFO",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    hold_the_end()
    ended = int(worker.exitcode or 0)
    # SIGTERM while it was letting go counts more; Celery notes both in the same place.
    return ended if ended != LET_GO else int(state.should_stop or 0)


def _require_pool_instance() -> None:
    """A worker on another instance than the daemon's would execute runs that nobody sees."""
    from my_dagster_project.foundation.dagster_private import InstanceRef

    home = os.environ.get("DAGSTER_HOME", "")
    if not home or not (Path(home) / "dagster.yaml").is_file():
        raise ConfigError(
            f"DAGSTER_HOME={home}: set it to the folder whose dagster.yaml is the stack's (deploy/instance/stack.yaml)"
        )
    launcher = InstanceRef.from_dir(home).run_launcher_data
    if launcher is None or launcher.class_name != "PoolRunLauncher":
        raise ConfigError(
            f"{home}/dagster.yaml launches runs by themselves, not in the worker pool; use the stack's "
            "(my_dagster_project/deploy/instance/stack.yaml) with its run_launcher"
        )


if __name__ == "__main__":
    sys.exit(main())
