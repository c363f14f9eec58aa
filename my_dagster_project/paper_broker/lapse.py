"""A lapse: a broker by itself, with one clock for all its accounts that shows a recorded past and only goes forward.

Whoever keeps the broker moves the clock (`move`); an account is opened by the first request with its key. Where the clock stands is
in the accounts' own file, so that a broker that is started again goes on from there.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.paper_broker.accounts import Opening, ensure_account
from my_dagster_project.paper_broker.engine import advance
from my_dagster_project.paper_broker.feed import Market
from my_dagster_project.paper_broker.open_account import Ask, OpenAccount, parse_date, require_session
from my_dagster_project.paper_broker.refusals import forbidden, malformed, unprocessable
from my_dagster_project.paper_broker.store import Store

MOST_ACCOUNTS = 1000
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Lapse:
    """The clock of all accounts in `store`; `newcomers` is what an account is opened with, whatever its name, key and secret."""

    store: Store
    prices: Market
    calendar: TradingCalendar
    newcomers: Opening

    def begin(self, first: date) -> date:
        """Put the clock after the close of `first`, unless it stands somewhere already; give the session it stands after."""
        require_session(self.calendar, first)
        with self.store.transaction() as db:
            if _stands(db) is None:
                db.execute("INSERT INTO lapse (session) VALUES (?)", (first.isoformat(),))
        return self.stands()

    def stands(self) -> date:
        """Give the session after whose close all accounts stand; it must have begun."""
        with self.store.transaction(write=False) as db:
            return _begun(db)

    def ends(self) -> date:
        """Give the last session there are bars of."""
        return self.prices.current().last_session() or date.min

    def move(self, target: date) -> None:
        """Go forward to the close of `target`: every account is executed session by session. There already is fine.

        Each session is one transaction for all accounts, so a kill leaves them at the same close. Raises 422 when it stands
        later, or the bars end before.
        """
        require_session(self.calendar, target)
        stands, last = self.stands(), self.ends()
        if target < stands:
            raise unprocessable(
                f"the clock only goes forward: it stands after the close of {stands}, asked was {target}",
                stands_after=stands.isoformat(),
            )
        if target > last:
            raise unprocessable(f"the lapse ends with its bars, at {last}: {target} is later")
        for session in self.calendar.sessions(stands, target):
            with self.store.transaction() as db:
                if _begun(db) < session:  # else somebody else moved it meanwhile
                    self._bring_up(db, session)
                    db.execute("UPDATE lapse SET session = ?", (session.isoformat(),))

    def welcome(self, key: str | None, secret: str | None) -> None:
        """Open an account for a key that nobody has used yet; from then on it opens with the secret that came with it."""
        if not key or not secret:
            return
        with self.store.transaction(write=False) as db:
            if _is_known(db, key):
                return
        if not _KEY.fullmatch(key):
            raise malformed("a new account's key id is 1 to 64 letters, digits, dots, dashes and underscores")
        with self.catching_up() as db:
            if db.execute("SELECT count(*) FROM accounts").fetchone()[0] >= MOST_ACCOUNTS:
                raise forbidden(f"there are {MOST_ACCOUNTS} accounts already; no more are opened")
            if not _is_known(db, key):
                ensure_account(db, replace(self.newcomers, team=key, key=key, secret=secret))

    @contextmanager
    def catching_up(self) -> Iterator[sqlite3.Connection]:
        """Give a transaction at whose end accounts that were opened or reset in it stand where the clock does."""
        with self.store.transaction() as db:
            yield db
            self._bring_up(db, _begun(db))

    def _bring_up(self, db: sqlite3.Connection, session: date) -> None:
        behind = db.execute(
            "SELECT team FROM accounts WHERE session IS NULL OR session < ? ORDER BY team",
            (session.isoformat(),),
        ).fetchall()
        for row in behind:
            advance(OpenAccount(db, row["team"], self.prices.current(), self.calendar), session)

    def standing(self) -> tuple[int, Any]:
        """GET /paper/v1/lapse: where the clock stands, and how far it can go."""
        stands, last = self.stands(), self.ends()
        left = len(self.calendar.sessions(stands, last)) - 1
        return 200, {"session": stands.isoformat(), "bars_end": last.isoformat(), "sessions_left": left}

    def asked(self, ask: Ask) -> tuple[int, Any]:
        """POST /paper/v1/lapse {"session": "YYYY-MM-DD"} or {"sessions": 5}: go forward; answers as GET does."""
        body = ask.body if isinstance(ask.body, dict) else {}
        count = body.get("sessions")
        if set(body) == {"session"}:
            self.move(parse_date("session", body["session"]))
        elif set(body) == {"sessions"} and isinstance(count, int) and count > 0:
            self.move(self.calendar.offset(self.stands(), count))
        else:
            raise malformed('the body is {"session": "YYYY-MM-DD"} or {"sessions": <how many, from 1>}')
        return self.standing()


def _stands(db: sqlite3.Connection) -> date | None:
    row = db.execute("SELECT session FROM lapse").fetchone()
    return None if row is None else date.fromisoformat(row["session"])


def _begun(db: sqlite3.Connection) -> date:
    stands = _stands(db)
    if stands is None:
        raise unprocessable("the lapse has not begun: put its clock at the close of a session first")
    return stands


def _is_known(db: sqlite3.Connection, key: str) -> bool:
    """Tell whether an account has this key, or, opened by the keeper under another key, this name."""
    return db.execute("SELECT 1 FROM accounts WHERE ? IN (key_id, team)", (key,)).fetchone() is not None
