"""The bundled broker's state: one SQLite file that several processes may use at once.

One transaction per request. Writers take the lock at once (BEGIN IMMEDIATE), so that nobody decides on what
another is about to change; in WAL mode readers never wait. synchronous=NORMAL survives any death of the process
(kill -9); only a power cut may lose the last transactions, which a replay repeats.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from my_dagster_project.paper_broker.sql_schema import migrate

LOCK_TIMEOUT_S = 30.0
TABLES = ("orders", "positions", "activities", "equity", "accounts")


class Store:
    """Opens the file on first use, makes the tables once, and hands out transactions."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        """Give a connection inside one transaction: all of it is kept, or, after an exception, nothing."""
        with self._lock:
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file; the next transaction opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _connect(self.path)
        return self._connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection
