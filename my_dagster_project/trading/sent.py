"""What is about to be sent is written down before: an order is ours because our records have it, never because of its name.

    .trading/sent/red/<account id>/2013-02-22.json    by client order id: symbol, side, shares

A run that is killed between this and its session's record is known by it, also after a change of mind: nothing is taken back.
"""

import json
import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from my_dagster_project.domain.plan import Plan
from my_dagster_project.foundation.errors import BrokerError, ObjectMissingError
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.trading.broker import Order
from my_dagster_project.trading.records import recorded

_SENT = ".trading/sent"

type _Decided = dict[str, list[str]]


def note(assets: AssetStore, account: str, plan: Plan) -> None:
    """Write down the orders of a plan that is to be sent to the account with this id; raises StorageError."""
    known = _noted(assets, plan.team, account, plan.session) or {}
    now = {one.client_order_id: [one.symbol, one.side, str(one.qty)] for one in plan.orders}
    if not now.items() <= known.items():
        body = json.dumps(known | now, indent=1, sort_keys=True).encode()
        assets.store.put(_key(plan.team, account, plan.session), body)


def ours(assets: AssetStore, team: str, account: str, orders: Iterable[Order]) -> dict[str, date]:
    """Give those of an account's orders that we decided on: by the broker's id, the session after which.

    Raises BrokerError for a record that is damaged.
    """
    found: dict[str, date] = {}
    decided: dict[date, _Decided] = {}
    for order in orders:
        session = _session(order.client_order_id, team)
        if session is None:
            continue
        if session not in decided:
            decided[session] = _decided(assets, team, account, session)
        if _is(order, decided[session].get(order.client_order_id)):
            found[order.id] = session
    return found


def forget(assets: AssetStore, team: str) -> None:
    """Forget what was sent to accounts that the team has no more."""
    for info in list(assets.store.list(f"{_SENT}/{team}/")):
        assets.store.delete(info.key)


def _is(order: Order, known: list[str] | None) -> bool:
    """Tell whether an order is the one on record; its shares change with a split, but not before its open."""
    if known is None or known[:2] != [order.symbol, order.side]:
        return False
    return not order.is_open or order.qty <= Decimal(known[2])


def _session(client_order_id: str, team: str) -> date | None:
    named = re.fullmatch(rf"{re.escape(team)}-(\d{{8}})-.+-(?:buy|sell)-\d+", client_order_id)
    try:
        return date.fromisoformat(named[1]) if named else None
    except ValueError:
        return None


def _decided(assets: AssetStore, team: str, account: str, session: date) -> _Decided:
    """Give what was decided after a session; for one from before this was written down, what its record says."""
    noted = _noted(assets, team, account, session)
    return _recorded(assets, team, session) if noted is None else noted


def _noted(assets: AssetStore, team: str, account: str, session: date) -> _Decided | None:
    key = _key(team, account, session)
    try:
        raw: _Decided = json.loads(assets.store.get(key))
        return {name: [symbol, side, str(Decimal(qty))] for name, (symbol, side, qty) in raw.items()}
    except ObjectMissingError:
        return None
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise BrokerError(
            f"the record {key} of what was sent is damaged ({type(error).__name__}); look at the account's orders, then"
            " delete it"
        ) from error


def _recorded(assets: AssetStore, team: str, session: date) -> _Decided:
    try:
        record = json.loads(recorded(assets, team, session))
    except ObjectMissingError:
        return {}
    planned = [one["planned"] for one in record["outcomes"] if record["mode"] == "paper"]
    return {one["client_order_id"]: [one["symbol"], one["side"], str(one["qty"])] for one in planned}


def _key(team: str, account: str, session: date) -> str:
    return f"{_SENT}/{team}/{account}/{session}.json"
