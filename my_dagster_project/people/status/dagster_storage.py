"""Where Dagster keeps its book, found out from dagster.yaml alone: a server that hangs must be noticed before it is connected to."""

from pathlib import Path
from typing import Any

import yaml

from my_dagster_project.people.status import probes


def postgres_url(home: Path) -> str | None:
    """The address of the PostgreSQL server that the dagster.yaml of a folder names, None for SQLite."""
    from my_dagster_project.foundation.dagster_private import InstanceRef, process_config

    data = InstanceRef.from_dir(str(home)).storage_data
    written: dict[str, Any] = yaml.safe_load(data.config_yaml if data else "") or {}
    if not written.keys() & {"postgres_db", "postgres_url"}:
        return None
    from dagster_postgres.utils import pg_config, pg_url_from_config

    # Dagster's own reading of the values: one may be `{env: NAME}`.
    read = process_config(pg_config(), written)
    return str(pg_url_from_config(read.value or {}))


def ask(url: str | None, home: Path) -> str:
    """Where the book is, in words; raises ProbeError when its server does not answer."""
    if url is None:
        return f"SQLite under {home}"
    probes.postgres(url)
    return f"PostgreSQL at {probes.where(url)}"
