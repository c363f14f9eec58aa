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

from my_dagster_project.errors import BrokerError

SCHEMA_VERSION = 1
LOCK_TIMEOUT_S = 30.0

# Money is TEXT, exact decimals: SQLite's REAL would lose cents. Sessions are ISO dates, instants ISO UTC.
SCHEMA = """
CREATE TABLE accounts (
    team TEXT PRIMARY KEY, id TEXT NOT NULL, key_id TEXT NOT NULL UNIQUE, salt BLOB NOT NULL, secret_hash BLOB NOT NULL,
    starting_cash TEXT NOT NULL, cash TEXT NOT NULL, multiplier INTEGER NOT NULL, cost_bps TEXT NOT NULL, session TEXT
) STRICT;
CREATE TABLE orders (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, team TEXT NOT NULL, client_order_id TEXT NOT NULL,
    symbol TEXT NOT NULL, side TEXT NOT NULL, qty INTEGER NOT NULL, price TEXT NOT NULL, status TEXT NOT NULL,
    session TEXT NOT NULL, submitted_at TEXT NOT NULL, ended_at TEXT, filled_qty INTEGER NOT NULL DEFAULT 0,
    filled_avg_price TEXT, UNIQUE (team, client_order_id)
) STRICT;
CREATE INDEX open_orders ON orders (team, status);
CREATE TABLE positions (
    team TEXT NOT NULL, symbol TEXT NOT NULL, qty INTEGER NOT NULL, cost TEXT NOT NULL, price TEXT NOT NULL,
    PRIMARY KEY (team, symbol)
) STRICT;
CREATE TABLE activities (
    number INTEGER PRIMARY KEY, team TEXT NOT NULL, type TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT,
    qty INTEGER NOT NULL, price TEXT NOT NULL, amount TEXT NOT NULL, order_id TEXT, session TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;
CREATE INDEX team_activities ON activities (team, number);
CREATE TABLE equity (
    team TEXT NOT NULL, session TEXT NOT NULL, equity TEXT NOT NULL, cash TEXT NOT NULL, PRIMARY KEY (team, session)
) STRICT;
"""
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
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found == 0:
        for statement in SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")
    if found not in (0, SCHEMA_VERSION):
        raise BrokerError(
            f"{path} was written by another version of the bundled broker (format {found}, this one reads"
            f" {SCHEMA_VERSION}); move the file away to start the competition's accounts afresh"
        )
