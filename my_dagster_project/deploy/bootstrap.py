"""Makes what the services need before they start; run at every `make up`, changes nothing that is right already.

`python -m my_dagster_project.deploy.bootstrap`: databases and their roles, buckets with users that reach no other bucket,
Dagster's tables, and the platform's clone of the teams' repository.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from my_dagster_project.deploy.buckets import Server, prepare_buckets
from my_dagster_project.deploy.databases import Superuser, prepare_databases
from my_dagster_project.foundation.addresses import address, host_name
from my_dagster_project.foundation.errors import PassingError, TradingError
from my_dagster_project.foundation.settings import remote_of
from my_dagster_project.git.remote_clone import clone_project
from my_dagster_project.teams.sources import read_registry

_PATIENCE = 120  # seconds; the services around us were told to start in the same moment
_PAUSE = 2


class StackError(TradingError):
    """Something around the stack is not as it must be."""


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Do all of it in order; 1 with one line saying what failed and what to do."""
    steps: dict[str, Callable[[], object]] = {
        "databases": lambda: prepare_databases(_superuser(environ), _databases(environ)),
        "tables": migrate,
        "repository": lambda: _clone(environ),
        # After the clone, which says whether teams see their own only.
        "buckets": lambda: prepare_buckets(_server(environ), environ, teams_apart(environ)),
    }
    for name, step in steps.items():
        try:
            print(f"bootstrap: {name}: {patiently(step)}", flush=True)
        except TradingError as error:
            print(f"bootstrap: {name}: {error}", file=sys.stderr)
            return 1
    return 0


def _clone(environ: Mapping[str, str]) -> str:
    _needed(environ, "TRADING_GIT_REMOTE")
    remote, login = remote_of(environ)
    return clone_project(str(remote), Path(_needed(environ, "TRADING_PROJECT")), login)


def teams_apart(environ: Mapping[str, str]) -> list[str]:
    """The teams that see their own only, none where everybody sees everything. (A broken registry apart: nobody reads more.)"""
    project = Path(_needed(environ, "TRADING_PROJECT"))
    try:
        registry = read_registry(project)
    except TradingError as error:
        print(
            f"bootstrap: people's keys read nothing of teams before the next `make up`: {error}",
            file=sys.stderr,
        )
        return ["-"]
    return [] if registry.visibility == "open" else list(registry.teams)


def patiently[T](step: Callable[[], T], patience: float = _PATIENCE, pause: float = _PAUSE) -> T:
    """The step's result; what may pass by itself is tried again for `patience` seconds, then its last error is raised."""
    from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

    again = Retrying(
        retry=retry_if_exception_type(PassingError),
        stop=stop_after_delay(patience),
        wait=wait_fixed(pause),
        reraise=True,
    )
    return again(step)


def migrate() -> str:
    """Make Dagster's tables, or bring those of an earlier version up to this one's.

    Here and not in the services: several of them starting at once on an empty database would make the same tables.
    """
    done = subprocess.run(["dagster", "instance", "migrate"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"`dagster instance migrate` failed: {done.stderr.strip()[-800:]}")
    return "of this version"


def _superuser(environ: Mapping[str, str]) -> Superuser:
    host = host_name(environ, "POSTGRES_HOST") or "postgres"
    return Superuser(host, "postgres", _needed(environ, "POSTGRES_PASSWORD"))


def _databases(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        "dagster": _needed(environ, "DAGSTER_PG_PASSWORD"),
        "mlflow": _needed(environ, "MLFLOW_PG_PASSWORD"),
    }


def _server(environ: Mapping[str, str]) -> Server:
    root = _needed(environ, "MINIO_ROOT_USER"), _needed(environ, "MINIO_ROOT_PASSWORD")
    _needed(environ, "AWS_ENDPOINT_URL")
    return Server(address(environ, "AWS_ENDPOINT_URL"), *root)


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name)
    if not value:
        raise StackError(f"{name} is not set; `make up` puts it into .env.secrets")
    return value


if __name__ == "__main__":
    sys.exit(main())
