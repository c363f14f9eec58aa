"""Before anything is planned the broker is the truth: an account that is not as we left it stops its team.

The first session of an account takes it as it is. After that every session leaves behind what it found, beside the halts:

    .trading/books/red/<account id>.json       the account as it was last found in order
    .trading/accepted/red/<time>-<id>.json     each time somebody took it as it was: who, when, why, what differed

A base that is written late or twice does no harm: what happened since any of them leads to the same figures.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import uuid4

from my_dagster_project.foundation.errors import BrokerError, ObjectMissingError
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.trading.books import (
    LOOK_BACK,
    Books,
    Difference,
    Statement,
    closed,
    differences,
    strangers,
)
from my_dagster_project.trading.broker import Account, Broker, Order, Position
from my_dagster_project.trading.sent import ours

_BOOKS = ".trading/books"
_ACCEPTED = ".trading/accepted"


class AccountDiffersError(BrokerError):
    """The account is not as we left it; nothing is planned before a person has looked."""

    def __init__(self, message: str, found: Sequence[Difference]) -> None:
        super().__init__(message)
        self.differences = tuple(found)


@dataclass(frozen=True)
class InOrder:
    """An account that is as we left it: its orders of late, those of the session planned too, and its highest equity so far."""

    orders: Sequence[Order]
    peak: Decimal


@dataclass(frozen=True)
class Checked:
    """An account held against our records. `base` is None when there are none yet, `damaged` says why they are no use."""

    base: Books | None
    found: Statement
    differences: tuple[Difference, ...] = ()
    damaged: str = ""


def reconcile(
    assets: AssetStore,
    team: str,
    session: date,
    broker: Broker,
    account: Account,
    positions: Sequence[Position],
    traded: date | None = None,
) -> InOrder:
    """Hold the account, which stands after the close of `session`, against our records, and note it as the new base.

    `traded` is the session before it in which any of the team's symbols traded. Raises AccountDiffersError with each
    difference and what to do; BrokerError and StorageError when it cannot be told.
    """
    checked = _checked(assets, team, broker, account, positions, session)
    if checked.damaged:
        raise AccountDiffersError(f"team {team}, session {session}: {checked.damaged}; {_advice(team)}", ())
    if checked.differences:
        lines = "\n".join(f"- {one}" for one in checked.differences)
        raise AccountDiffersError(
            f"team {team}, session {session}: the account is not as we left it, so nothing is planned or sent:\n{lines}\n"
            f"Undo it at the broker, or: {_advice(team)}",
            checked.differences,
        )
    # What somebody had ordered before the account was ours is part of what it is taken with.
    inherited = () if checked.base else strangers(None, checked.found)
    peak = _peak(checked.base, account.equity, broker, session, traded)
    _write(assets, team, closed(session, session - LOOK_BACK, checked.found, inherited, checked.base, peak))
    return InOrder(checked.found.orders, peak)


def highest(broker: Broker, equity: Decimal, session: date) -> Decimal:
    """Give the highest equity up to the close of `session`, where it is `equity`: the broker is asked for all of its history."""
    return max([equity, *(point.equity for point in broker.equity_history() if point.session <= session)])


def _peak(base: Books | None, equity: Decimal, broker: Broker, session: date, traded: date | None) -> Decimal:
    """As `highest`, from our records where they leave no session out: a history of ten years is long, asked every session."""
    if base is None or base.peak is None or traded is None or base.session < traded:
        return highest(broker, equity, session)
    return max(equity, base.peak)


def check(assets: AssetStore, team: str, broker: Broker) -> Checked:
    """Hold the account as it is now against our records, and change nothing; raises BrokerError."""
    return _checked(assets, team, broker, broker.account(), broker.positions(), _today())


def accept(assets: AssetStore, team: str, broker: Broker, by: str, reason: str) -> Checked:
    """Take the account as it is now for the new base, and say what was accepted; the reason stays on record.

    Raises BrokerError, and StorageError when it could not be written: then nothing is accepted.
    """
    checked = check(assets, team, broker)
    now = datetime.now(UTC)
    record = {
        "by": by,
        "at": now.strftime("%Y-%m-%d %H:%M:%S UTC"),
        "reason": reason,
        "account": checked.found.account.id,
        "differences": [str(one) for one in checked.differences] or [checked.damaged or "none"],
    }
    key = f"{_ACCEPTED}/{team}/{now:%Y%m%dT%H%M%S%fZ}-{uuid4().hex}.json"
    assets.store.put(key, json.dumps(record, indent=1, ensure_ascii=False).encode())
    if checked.base is None:
        # Nothing to compare with: the next session takes the account as it is then.
        assets.store.delete(_key(team, checked.found.account.id))
        return checked
    base, found = checked.base, checked.found
    _write(assets, team, closed(base.session, base.since, found, strangers(base, found), base, base.peak))
    return checked


def _checked(
    assets: AssetStore,
    team: str,
    broker: Broker,
    account: Account,
    positions: Sequence[Position],
    session: date,
) -> Checked:
    try:
        base = _read(assets, team, account.id)
    except BrokerError as error:
        return Checked(None, Statement(account, positions, ()), damaged=str(error))
    since = base.since if base else session - LOOK_BACK
    # Ours are sent on the day of their session or later; what fills without being among these is nobody's we know.
    orders = broker.orders(since=base.session if base else since)
    mine = ours(assets, team, account.id, orders)
    found = Statement(account, positions, broker.activities(since), orders, mine.keys())
    return Checked(base, found, tuple(differences(base, found)) if base else ())


def _advice(team: str) -> str:
    return f'take the account as it is with `trading reconcile {team} --accept "why"`'


def _today() -> date:
    return datetime.now(UTC).date()


def _key(team: str, account: str) -> str:
    return f"{_BOOKS}/{team}/{account}.json"


def _write(assets: AssetStore, team: str, books: Books) -> None:
    body = {
        "session": books.session.isoformat(),
        "cash": str(books.cash),
        "held": {symbol: str(qty) for symbol, qty in sorted(books.held.items())},
        "since": books.since.isoformat(),
        "lines": sorted(books.lines),
        "orders": sorted(books.orders),
        "peak": None if books.peak is None else str(books.peak),
    }
    assets.store.put(_key(team, books.account), json.dumps(body, indent=1).encode())


def _read(assets: AssetStore, team: str, account: str) -> Books | None:
    """Give the last base; None when there is none. Raises BrokerError when it is no use."""
    key = _key(team, account)
    try:
        raw = json.loads(assets.store.get(key))
        return Books(
            account=account,
            session=date.fromisoformat(raw["session"]),
            cash=Decimal(raw["cash"]),
            held={symbol: Decimal(qty) for symbol, qty in raw["held"].items()},
            since=date.fromisoformat(raw["since"]),
            lines=frozenset(raw["lines"]),
            orders=frozenset(raw["orders"]),
            # From before it was noted: None.
            peak=Decimal(raw["peak"]) if raw.get("peak") else None,
        )
    except ObjectMissingError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise BrokerError(
            f"the record {key} of what the account held is damaged ({type(error).__name__})"
        ) from error
