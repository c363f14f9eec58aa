"""Scenarios drawn from a seed: a few sessions in which requests fail, runs die, are repeated, are given up, and people meddle."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random

from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.trading.broker import OrderRequest
from my_dagster_project.trading.halts import halt, lift
from my_dagster_project.trading.journal import team_journal
from my_dagster_project.trading.open_orders import cancel_open
from my_dagster_project.trading.planning import Trader
from my_dagster_project.trading.reconcile import AccountDiffersError, accept, check
from my_dagster_project.trading.results import result_of
from my_dagster_project.trading.settling import settlements
from my_dagster_project.trading.submission import LANDED, Outcome
from tests.trading.audit import HAND, audit, journal_adds_up
from tests.trading.ledger import ledger
from tests.trading.street import CALENDAR, Fate, Killed, Street, records, run_session, trader
from tests.trading.world import SYMBOLS

KINDS = ("429", "500", "504_after_accept", "half_open", "hang", "partial_fill")
PATHS = (
    ("POST", "/v2/orders"),
    ("GET", "/v2/orders"),
    ("GET", "/v2/account"),
    ("GET", "/v2/positions"),
    ("GET", "/v2/account/activities"),
)
ATTEMPTS = 30


@dataclass
class Tally:
    """What happened, so that a test can say that anything did."""

    orders: int = 0
    kills: int = 0
    failures: int = 0
    given_up: int = 0
    repeated: int = 0
    meddled: int = 0
    partial: int = 0
    panics: int = 0
    exits: int = 0
    scaled: int = 0
    short: int = 0


def play(street: Street, number: int, rng: Random, tally: Tally) -> None:
    """Play one scenario to its end and audit it."""
    team = f"t{number}"
    one = _trader(rng, team)
    terms = {"commission": rng.choice(["0", "0.01"]), "partial_fills": rng.choice(["0", "0.3"])}
    if rng.random() < 0.3:
        terms |= {"impact": "0.2", "symbol_costs": {"AAA": {"cost_bps": "30", "impact": "0"}}}
    if one.rules.short_below is not None:
        terms |= {"borrow_fee": "0.25"}
    street.open_account(team, seed=number, **terms)
    sessions = street.world.sessions[: rng.choice([2, 2, 3])]
    meddling = rng.choice(sessions[1:]) if rng.random() < 0.08 else None
    for session in sessions:
        if rng.random() < 0.1:
            one = _with_symbols(one, rng.sample(SYMBOLS, rng.randint(1, 3)))
        _predict(street, one, session, rng)
        if session == meddling:
            _meddle(street, team, session, rng)
            tally.meddled += 1
        _trade(street, one, session, rng, tally, meddled=meddling is not None and session >= meddling)
    settled = _patiently(
        lambda: settlements(team, sessions, street.store(), lambda: street.client(team), CALENDAR)
    )
    book = ledger(street.db, team)
    _scored(street, team)
    tally.orders += len(book.orders)
    tally.partial += sum(Decimal(0) < Decimal(row["filled_qty"]) < Decimal(row["qty"]) for row in book.orders)
    written = records(street, team)
    audit(book, one, written, settled)
    reasons = [order["reason"] for record in written.values() for order in record["plan"]["orders"]]
    tally.exits += sum(reason.startswith(("stop loss: ", "time exit: ")) for reason in reasons)
    tally.short += sum(": short" in reason for reason in reasons)
    tally.scaled += sum("for a volatility of" in reason for reason in reasons)
    journal_adds_up(
        book, _patiently(lambda: team_journal(team, street.client(team), street.store(), CALENDAR))
    )
    checked = _patiently(lambda: check(street.store(), team, street.client(team)))
    by_hand = any(line.what == f"order {HAND}" for line in checked.differences)
    assert not checked.differences or by_hand, checked.differences


def _trade(street: Street, one: Trader, session: date, rng: Random, tally: Tally, *, meddled: bool) -> None:
    """Run a session until it is certain, or until somebody gives it up; afterwards now and then once more."""
    for attempt in range(ATTEMPTS):
        calm = attempt > ATTEMPTS // 2
        if not calm:
            _break_something(street, one.name, rng)
        street.world.attempt = int(rng.random() < 0.15)
        panics, before = rng.random() < 0.12 and not calm, rng.randint(1, 4)
        dies = rng.random() < 0.35 and not calm
        fate = Fate(rng.randint(1, 18) if dies else 0, before=rng.random() < 0.5)
        try:
            stopping = _Panic(street, one.name, before) if panics else None
            outcomes = run_session(street, one, session, fate, stopping or (lambda: None))
        except Killed:
            tally.kills += 1
        except AccountDiffersError:
            assert meddled
            assert _sent(street, one.name, session) == 0
            _patiently(lambda: accept(street.store(), one.name, street.client(one.name), "me", "a test"))
            continue
        except BrokerError:
            tally.failures += 1
            _scored(street, one.name)
        else:
            if not panics:
                _nothing_dead_counts(street, one.name, outcomes or [])
                break
            # Resumed, and run again, as the documentation says; by then everything was sent, or only a part.
            stopping()
            tally.panics += 1
            continue
        if rng.random() < 0.2:
            tally.given_up += 1
            return
    else:
        raise AssertionError(f"{one.name} {session} did not get through in {ATTEMPTS} attempts")
    if rng.random() < 0.25:
        before = _sent(street, one.name, session)
        tally.repeated += 1
        with suppress(BrokerError):
            run_session(street, one, session)
            # What was refused may be sent now; when everything was, nothing is.
            done = outcomes is not None and all(outcome.status in LANDED for outcome in outcomes)
            assert not done or _sent(street, one.name, session) == before


@dataclass
class _Panic:
    """Somebody pulls the switch before the order with this number, cancels what is open, and changes his mind."""

    street: Street
    team: str
    before: int
    asked: int = 0

    def __call__(self) -> None:
        self.asked += 1
        if self.asked == self.before:
            panic(self.street, self.team)


def panic(street: Street, team: str) -> None:
    """`trading halt --cancel-open` and `trading resume`; what the broker fails to cancel stays open."""
    halt(street.store(), team, "somebody", "panic")
    cancel_open([team], street.client)
    lift(street.store(), team, "somebody", "it was nothing")


def _nothing_dead_counts(street: Street, team: str, outcomes: list[Outcome]) -> None:
    """A run that nobody disturbed has sent what it says it has."""
    status = {row["client_order_id"]: row["status"] for row in ledger(street.db, team).orders}
    for outcome in outcomes:
        if outcome.status in LANDED:
            assert status[outcome.planned.client_order_id] == "accepted", outcome


def _scored(street: Street, team: str) -> None:
    """The leaderboard is made after a session that failed: it only reads, the account stays where it was."""
    before = ledger(street.db, team)
    found = result_of(street.store(), team, Decimal(5))
    assert ledger(street.db, team) == before
    assert all(before.equity[str(day)] == equity for day, equity in found.curve), (before.equity, found)


def _sent(street: Street, team: str, session: date) -> int:
    rows = ledger(street.db, team).orders
    return sum(row["client_order_id"] != HAND and row["session"] == str(session) for row in rows)


def _patiently(ask):
    """Ask again while faults that nobody met yet are in the way."""
    for _ in range(ATTEMPTS):
        try:
            return ask()
        except BrokerError as error:
            last = error
    raise last


def _break_something(street: Street, team: str, rng: Random) -> None:
    while rng.random() < 0.35:
        kind, (method, path) = rng.choice(KINDS), rng.choice(PATHS)
        if kind == "partial_fill":
            method, path = PATHS[0]
        more = {"share": rng.choice([0.0, 0.3, 0.7])} if kind == "partial_fill" else {"seconds": 0}
        street.admin.fault(kind, times=rng.randint(1, 4), method=method, path=path, key=f"PK{team}", **more)


def _meddle(street: Street, team: str, session: date, rng: Random) -> None:
    """Somebody orders a share by hand, or a part of one, after the close of the session."""
    broker = street.client(team)
    _patiently(lambda: broker.at_close_of(session))
    symbol = rng.choice([one for one in SYMBOLS if street.world.close(one, session)] or [SYMBOLS[0]])
    # Of a share that is short no part can be bought.
    lent = ledger(street.db, team).account["borrow_fee"] is not None
    qty = rng.choice([1] if lent else [1, Decimal("0.13"), Decimal("1.4")])
    _patiently(lambda: broker.submit(OrderRequest(HAND, symbol, "buy", qty)))


def _predict(street: Street, one: Trader, session: date, rng: Random) -> None:
    """What the model says, and what one trained anew between two runs would say."""
    for attempt in range(2):
        said = {symbol: rng.gauss(0.0005, 0.01) for symbol in one.config.symbols if rng.random() < 0.93}
        street.world.predicted[one.name, session, attempt] = said


def _trader(rng: Random, team: str) -> Trader:
    limits = {
        "order_value": rng.choice([None, None, 9_000.0, 2_500.0]),
        "session_value": rng.choice([None, None, 30_000.0, 5_000.0]),
        "session_orders": rng.choice([None, None, 2, 1]),
        "turnover": rng.choice([None, None, 0.4]),
        "position_share": rng.choice([None, 0.3, 0.15]),
        "max_symbols": rng.choice([None, None, 2, 1]),
    }
    strategy = rng.choice(["long_flat", "long_flat", "rotation", "forecast_volatility"])
    rules = {"strategy": strategy, "buy_above": 0.001, "sell_below": rng.choice([0.0, 0.0005])}
    rules |= {
        "stop_loss": rng.choice([None, None, 0.01, 0.03]),
        "max_sessions": rng.choice([None, None, None, 1, 2]),
        "volatility_target": rng.choice([None, None, 0.1, 0.3]),
    }
    if strategy == "long_flat" and rng.random() < 0.6:
        rules |= {"short_below": -0.003}
    return trader(team, limits=limits, position_share=rng.choice([0.2, 0.33, 0.6]), **rules)


def _with_symbols(one: Trader, symbols: list[str]) -> Trader:
    return trader(
        one.name,
        tuple(sorted(symbols)),
        limits=one.config.trading.limits.model_dump(),
        **{name: value for name, value in one.config.trading.model_dump().items() if name != "limits"},
    )
