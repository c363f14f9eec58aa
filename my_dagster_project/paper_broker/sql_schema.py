"""The tables of the bundled broker, and how a file of an earlier format becomes one of today's.

Money and quantities are TEXT, exact decimals: SQLite's REAL would lose cents. Sessions are ISO dates, instants ISO UTC.
"""

import sqlite3
from pathlib import Path

from my_dagster_project.foundation.errors import BrokerError

FORMAT = 6

ACCOUNTS = """
CREATE TABLE accounts (
    team TEXT PRIMARY KEY, id TEXT NOT NULL, key_id TEXT NOT NULL UNIQUE, salt BLOB NOT NULL, secret_hash BLOB NOT NULL,
    starting_cash TEXT NOT NULL, cash TEXT NOT NULL, multiplier INTEGER NOT NULL, cost_bps TEXT NOT NULL, session TEXT,
    commission TEXT NOT NULL DEFAULT '0', partial_fills TEXT NOT NULL DEFAULT '0', seed INTEGER NOT NULL DEFAULT 0,
    blocked INTEGER NOT NULL DEFAULT 0, impact TEXT NOT NULL DEFAULT '0', symbol_costs TEXT NOT NULL DEFAULT '{}',
    borrow_fee TEXT
) STRICT;
"""
# `price` values an order until it is executed: the last close, or its limit. `fills_only` is the fault "partial_fill":
# the share that is executed before the rest expires.
BOOKS = """
CREATE TABLE orders (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, team TEXT NOT NULL, client_order_id TEXT NOT NULL,
    symbol TEXT NOT NULL, side TEXT NOT NULL, type TEXT NOT NULL, time_in_force TEXT NOT NULL, qty TEXT, notional TEXT,
    limit_price TEXT, price TEXT NOT NULL, status TEXT NOT NULL, session TEXT NOT NULL, submitted_at TEXT NOT NULL,
    ended_at TEXT, filled_qty TEXT NOT NULL DEFAULT '0', filled_avg_price TEXT, fills_only TEXT,
    UNIQUE (team, client_order_id)
) STRICT;
CREATE INDEX open_orders ON orders (team, status);
CREATE TABLE positions (
    team TEXT NOT NULL, symbol TEXT NOT NULL, qty TEXT NOT NULL, cost TEXT NOT NULL, price TEXT NOT NULL,
    PRIMARY KEY (team, symbol)
) STRICT;
CREATE TABLE activities (
    number INTEGER PRIMARY KEY, team TEXT NOT NULL, type TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT,
    qty TEXT NOT NULL, price TEXT NOT NULL, amount TEXT NOT NULL, order_id TEXT, session TEXT NOT NULL,
    at TEXT NOT NULL, cum_qty TEXT, leaves_qty TEXT, cost_bps TEXT
) STRICT;
CREATE INDEX team_activities ON activities (team, number);
"""
EQUITY = """
CREATE TABLE equity (
    team TEXT NOT NULL, session TEXT NOT NULL, equity TEXT NOT NULL, cash TEXT NOT NULL, PRIMARY KEY (team, session)
) STRICT;
"""
# At most one row: where the one clock of a broker by itself stands (`lapse`).
LAPSE = "CREATE TABLE lapse (session TEXT NOT NULL) STRICT;\n"

# Up to format 3 all symbols cost the same, whatever the size of an order.
COSTS = """
ALTER TABLE accounts ADD COLUMN impact TEXT NOT NULL DEFAULT '0';
ALTER TABLE accounts ADD COLUMN symbol_costs TEXT NOT NULL DEFAULT '{}';
"""
FROM_3 = "ALTER TABLE activities ADD COLUMN cost_bps TEXT;"
# Up to format 4 nobody sold short.
BORROW = "ALTER TABLE accounts ADD COLUMN borrow_fee TEXT;\n"
# Format 1 knew whole shares and market orders only.
FROM_1 = """
ALTER TABLE accounts ADD COLUMN commission TEXT NOT NULL DEFAULT '0';
ALTER TABLE accounts ADD COLUMN partial_fills TEXT NOT NULL DEFAULT '0';
ALTER TABLE accounts ADD COLUMN seed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;
DROP INDEX open_orders;
DROP INDEX team_activities;
ALTER TABLE orders RENAME TO orders_1;
ALTER TABLE positions RENAME TO positions_1;
ALTER TABLE activities RENAME TO activities_1;
"""
FROM_1_COPY = """
INSERT INTO orders SELECT number, id, team, client_order_id, symbol, side, 'market', 'day', qty, NULL, NULL, price, status,
    session, submitted_at, ended_at, filled_qty, filled_avg_price, NULL FROM orders_1;
INSERT INTO positions SELECT * FROM positions_1;
INSERT INTO activities SELECT *, CASE type WHEN 'FILL' THEN qty END, CASE type WHEN 'FILL' THEN 0 END, NULL FROM activities_1;
DROP TABLE orders_1;
DROP TABLE positions_1;
DROP TABLE activities_1;
"""
# In format 2 an account could follow the wall clock, which nothing ever asked for.
FROM_2 = "ALTER TABLE accounts DROP COLUMN clock;\n"
STEPS = {
    0: ACCOUNTS + BOOKS + EQUITY + LAPSE,
    1: COSTS + BORROW + LAPSE + FROM_1 + BOOKS + FROM_1_COPY,
    2: FROM_2 + COSTS + BORROW + LAPSE + FROM_3,
    3: COSTS + BORROW + LAPSE + FROM_3,
    4: BORROW + LAPSE,
    5: LAPSE,
}


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables, or bring them to today's format, in one transaction; raises BrokerError for a later format."""
    connection.execute("BEGIN IMMEDIATE")
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found in STEPS:
        for statement in STEPS[found].split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("COMMIT")
    if found not in (*STEPS, FORMAT):
        raise BrokerError(
            f"{path} was written by another version of the bundled broker (format {found}, this one reads {FORMAT});"
            " move the file away to start the competition's accounts afresh"
        )
