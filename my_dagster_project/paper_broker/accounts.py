"""Accounts of the bundled broker: made and reset by the organiser, opened with a key and its secret."""

import hashlib
import hmac
import secrets
import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from my_dagster_project.paper_broker.ledger import Terms, plain, symbol_costs
from my_dagster_project.paper_broker.refusals import forbidden, unauthorized, unprocessable
from my_dagster_project.paper_broker.store import TABLES


@dataclass(frozen=True)
class Opening:
    """What an account is opened with; `terms` may change later, `starting_cash` counts for a new one."""

    team: str
    key: str
    secret: str
    starting_cash: Decimal
    terms: Terms
    multiplier: int = 2


def ensure_account(db: sqlite3.Connection, opening: Opening) -> bool:
    """Make the account when it is missing, else only give it these keys and terms; True when it was made.

    What the account holds is never touched: running again after a change of keys keeps the competition going.
    """
    team, terms = opening.team, opening.terms
    holder = db.execute("SELECT team FROM accounts WHERE key_id = ?", (opening.key,)).fetchone()
    if holder and holder["team"] != team:
        raise unprocessable(
            f"the key of team {team} already belongs to team {holder['team']}; give each its own"
        )
    salt, cash = secrets.token_bytes(16), plain(opening.starting_cash)
    known = db.execute("SELECT 1 FROM accounts WHERE team = ?", (team,)).fetchone()
    who = (team, account_id(team), opening.key, salt, _digest(salt, opening.secret), cash, cash)
    how = (plain(terms.cost_bps), plain(terms.commission), plain(terms.partial_fills), terms.seed)
    fee = None if terms.borrow_fee is None else plain(terms.borrow_fee)
    costs = (plain(terms.impact), symbol_costs(terms), fee)
    db.execute(
        "INSERT INTO accounts (team, id, key_id, salt, secret_hash, starting_cash, cash, cost_bps, commission,"
        " partial_fills, seed, impact, symbol_costs, borrow_fee, multiplier)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (team) DO UPDATE SET key_id=excluded.key_id, salt=excluded.salt,"
        " secret_hash=excluded.secret_hash, multiplier=excluded.multiplier, cost_bps=excluded.cost_bps,"
        " commission=excluded.commission, partial_fills=excluded.partial_fills, seed=excluded.seed,"
        " impact=excluded.impact, symbol_costs=excluded.symbol_costs, borrow_fee=excluded.borrow_fee",
        (*who, *how, *costs, opening.multiplier),
    )
    return known is None


def block_account(db: sqlite3.Connection, team: str, blocked: bool) -> None:
    """Forbid or allow the team's trading, as Alpaca does for its own reasons."""
    if db.execute("UPDATE accounts SET blocked = ? WHERE team = ?", (blocked, team)).rowcount == 0:
        raise unprocessable(f"there is no account of team {team}; make it first")


def reset_account(db: sqlite3.Connection, team: str, starting_cash: Decimal) -> None:
    """Forget everything the account did: cash anew, no orders, no clock, client order ids free again."""
    for table in TABLES:
        if table != "accounts":
            db.execute(f"DELETE FROM {table} WHERE team = ?", (team,))  # noqa: S608 - names are ours
    cash = plain(starting_cash)
    row = db.execute("SELECT id FROM accounts WHERE team = ?", (team,)).fetchone()
    if row is None:
        raise unprocessable(f"there is no account of team {team}; make it first")
    # Another account, as at Alpaca: nobody shall compare what it holds with what the old one held.
    db.execute(
        "UPDATE accounts SET id = ?, cash = ?, starting_cash = ?, session = NULL WHERE team = ?",
        (account_id(row["id"]), cash, cash, team),
    )


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
