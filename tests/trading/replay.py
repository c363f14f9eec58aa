"""A replay of one team that always comes out the same: python -m tests.trading.replay FOLDER SESSIONS trades it."""

import sys
from contextlib import suppress
from datetime import date
from pathlib import Path
from random import Random

from my_dagster_project.trading.broker import SessionPassedError
from my_dagster_project.trading.planning import Trader
from tests.trading.audit import audit
from tests.trading.ledger import ledger
from tests.trading.street import CALENDAR, Street, open_street, predictions, records, run_session, trader
from tests.trading.world import SYMBOLS, World, make_world

TEAM = "red"
SESSIONS = CALENDAR.sessions(date(2012, 1, 3), date(2012, 10, 19))


def world() -> World:
    rng = Random(7)
    made = make_world(rng, SESSIONS, halts=0.02, splits=0.005, dividends=0.02)
    for session in SESSIONS:
        made.predicted[TEAM, session, 0] = {symbol: rng.gauss(0.0005, 0.01) for symbol in SYMBOLS}
    return made


def team() -> Trader:
    limits = {"order_value": 24_000.0, "turnover": 0.6, "position_share": 0.4}
    return trader(TEAM, limits=limits, position_share=0.3, buy_above=0.001, sell_below=0.0)


def open_account(street: Street) -> None:
    street.open_account(TEAM, partial_fills="0.2", commission="0.01", impact="0.1", seed=5)


def books(street: Street, one: Trader) -> dict:
    """Everything there is to compare of an account, audited before."""
    from my_dagster_project.trading.reconcile import check
    from my_dagster_project.trading.settling import settlements

    found, written = ledger(street.db, TEAM), records(street, TEAM)
    settled = settlements(TEAM, sorted(written), street.store(), lambda: street.client(TEAM), CALENDAR)
    found = ledger(street.db, TEAM)
    audit(found, one, written, settled)
    checked = check(street.store(), TEAM, street.client(TEAM))
    assert (checked.differences, checked.damaged) == ((), "")
    plans = {day: record["plan"]["orders"] for day, record in written.items()}
    return {
        "cash": found.cash,
        "orders": found.orders,
        "positions": found.positions,
        "activities": found.activities,
        "equity": found.equity,
        "plans": plans,
        "settled": [one.to_json() for one in settled],
    }


if __name__ == "__main__":
    folder, count, market = Path(sys.argv[1]), int(sys.argv[2]), world()
    with open_street(folder, market) as street, predictions(market):
        print("trading", flush=True)
        for session in SESSIONS[:count]:
            with suppress(SessionPassedError):
                run_session(street, team(), session)
