"""`python -m my_dagster_project.deploy.workers`: a worker of the pool, until SIGTERM, on which it finishes what it is executing.

It imports the heavy libraries once and forks a process per run, which shares them: a run starts in about a second and its
idle slot costs tens of megabytes instead of a gigabyte.
"""

import os
import sys
from pathlib import Path

from my_dagster_project.foundation.errors import ConfigError, TradingError
from my_dagster_project.foundation.pool_settings import PoolSettings, pool_settings
from my_dagster_project.foundation.settings import load_settings, quiet_libraries


def main() -> int:
    """Run the worker; 1 when it is set up wrongly."""
    try:
        load_settings()  # Also puts .env.secrets into the environment, for every run.
        quiet_libraries()
        pool = pool_settings()
        _require_pool_instance()
    except TradingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return _work(pool)


def _work(pool: PoolSettings) -> int:
    from my_dagster_project.deploy.workers.pool import worker_app
    from my_dagster_project.deploy.workers.preloading import preload, threads

    loaded = preload()
    print(
        f"preloaded in {loaded.seconds:.1f} s, {loaded.rss_mb:.0f} MB; {pool.slots} slots on queue {pool.queue}",
        flush=True,
    )
    if threads():
        print(f"warning: forks will lose these threads: {', '.join(threads())}", file=sys.stderr)
    worker = worker_app(pool).Worker(
        # Unique on a host, too: two workers of one name would share their orders to cancel.
        hostname=f"worker-{os.getpid()}@{os.uname().nodename}",
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
    return int(worker.exitcode or 0)


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
