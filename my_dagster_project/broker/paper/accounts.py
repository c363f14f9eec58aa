"""Accounts of the bundled broker: made and reset by the organiser, opened with a key and its secret."""

import hashlib
import hmac
import secrets
import sqlite3
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from my_dagster_project.broker.paper.errors import forbidden, unauthorized, unprocessable
from my_dagster_project.broker.paper.ledger import plain
from my_dagster_project.broker.paper.store import TABLES


def ensure_account(
    db: sqlite3.Connection,
    team: str,
    key: str,
    secret: str,
    starting_cash: Decimal,
    cost_bps: Decimal,
    multiplier: int,
) -> bool:
    """Make the account when it is missing, else only give it these keys and costs; True when it was made.

    What the account holds is never touched: running again after a change of keys keeps the competition going.
    """
    holder = db.execute("SELECT team FROM accounts WHERE key_id = ?", (key,)).fetchone()
    if holder and holder["team"] != team:
        raise unprocessable(
            f"the key of team {team} already belongs to team {holder['team']}; give each its own"
        )
    salt = secrets.token_bytes(16)
    new = (team, account_id(team), key, salt, _digest(salt, secret))
    terms = (plain(starting_cash), plain(starting_cash), multiplier, plain(cost_bps))
    known = db.execute("SELECT 1 FROM accounts WHERE team = ?", (team,)).fetchone()
    db.execute(
        "INSERT INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (team) DO UPDATE SET"
        " key_id=excluded.key_id, salt=excluded.salt, secret_hash=excluded.secret_hash,"
        " multiplier=excluded.multiplier, cost_bps=excluded.cost_bps",
        (*new, *terms),
    )
    return known is None


def reset_account(db: sqlite3.Connection, team: str, starting_cash: Decimal) -> None:
    """Forget everything the account did: cash anew, no orders, no clock, client order ids free again."""
    for table in TABLES:
        if table != "accounts":
            db.execute(f"DELETE FROM {table} WHERE team = ?", (team,))  # noqa: S608 - names are ours
    cash = plain(starting_cash)
    changed = db.execute(
        "UPDATE accounts SET cash = ?, starting_cash = ?, session = NULL WHERE team = ?", (cash, cash, team)
    )
    if changed.rowcount == 0:
        raise unprocessable(f"there is no account of team {team}; make it first")


def authenticate(db: sqlite3.Connection, key: str | None, secret: str | None) -> str:
    """Give the team that these headers open; raises 401 without saying which of the two was wrong."""
    row = db.execute("SELECT team, salt, secret_hash FROM accounts WHERE key_id = ?", (key or "",)).fetchone()
    salt, expected = (row["salt"], row["secret_hash"]) if row else (b"", b"")
    if not hmac.compare_digest(_digest(salt, secret or ""), expected) or row is None:
        raise unauthorized()
    return str(row["team"])


def check_admin(expected: str, given: str | None) -> None:
    """Let the organiser's requests through; raises 403 otherwise."""
    if not hmac.compare_digest(expected.encode(), (given or "").encode()):
        raise forbidden("only the organiser may do this: the admin token is missing or wrong")


def account_id(team: str) -> str:
    """Give the account's id, the same in every replay."""
    return str(uuid5(NAMESPACE_URL, f"paper-account/{team}"))


def _digest(salt: bytes, secret: str) -> bytes:
    # One round is enough for API secrets, which are long and random; a slow hash would cost 50 ms on each request.
    return hmac.digest(salt, secret.encode(), hashlib.sha256)
