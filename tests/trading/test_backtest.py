"""A backtest against the order path: the same teams, planned, gated and executed one by one by the bundled broker's books.

Drawn are strategies, rules of exit, volatility targets, short sales, all limits, costs with impact, commission, borrowing, splits and
dividends. Not drawn, because no backtest knows of them: halts, faults, cancelled and partly filled orders, symbols that come and go,
bars that contradict the broker's.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest

from my_dagster_project.domain.backtest import Entrant, Terms, backtest
from my_dagster_project.domain.backtest_market import Market
from my_dagster_project.domain.exits import closes_held
from my_dagster_project.domain.facts import Facts
from my_dagster_project.domain.limits import Limits
from my_dagster_project.domain.orders import plan_orders
from my_dagster_project.domain.plan import Rules, Signal
from my_dagster_project.domain.risk import gate, refusals
from my_dagster_project.paper_broker.accounts import Opening, ensure_account
from my_dagster_project.paper_broker.ledger import Terms as BrokersTerms
from my_dagster_project.paper_broker.store import Store
from my_dagster_project.trading import broker as seen
from my_dagster_project.trading.closes import History
from tests.paper_broker.test_engine import Account
from tests.paper_broker.test_gaps import send
from tests.trading.world import CALENDAR, SYMBOLS, World, make_world

SESSIONS = CALENDAR.sessions(date(2012, 10, 1), date(2012, 10, 19))
TEAMS = 8


def market_of(world: World) -> Market:
    """The world's bars side by side, with the month before; adjusted closes follow from splits and dividends."""
    feed = world.feed
    sessions = sorted({day for bars in feed.bars.values() for day in bars})

    def table(of):
        return np.array([[float(of(symbol, day)) for symbol in SYMBOLS] for day in sessions])

    splits, dividends = table(feed.split_ratio), table(feed.dividend)
    prices = {
        name: table(lambda s, d, n=name: getattr(feed.bar(s, d), n))
        for name in ("open", "high", "low", "close", "volume")
    }
    growth = np.ones_like(splits)
    growth[1:] = (prices["close"][1:] + dividends[1:]) * splits[1:] / prices["close"][:-1]
    return Market(
        sessions,
        list(SYMBOLS),
        adj_close=100 * np.cumprod(growth, axis=0),
        splits=splits,
        dividends=dividends,
        **prices,
    )


def drawn_rules(rng: Random) -> Rules:
    strategy = rng.choice(["long_flat", "long_flat", "rotation", "forecast_volatility", "as_told"])
    return Rules(
        strategy,
        0.001,
        rng.choice([0.0, 0.0005]),
        rng.choice(["0.2", "0.33", "0.6"]),
        stop_loss=rng.choice([None, None, "0.01", "0.03"]),
        max_sessions=rng.choice([None, None, 1, 3]),
        volatility_target=rng.choice([None, None, "0.1", "0.3"]),
        short_below=-0.003 if strategy in ("long_flat", "as_told") and rng.random() < 0.6 else None,
    )


def drawn_limits(rng: Random) -> Limits:
    return Limits(
        rng.choice([None, 2, 1]),
        rng.choice([None, "0.3", "0.15"]),
        rng.choice([None, None, 9_000, 2_500]),
        rng.choice([None, None, 30_000, 5_000]),
        rng.choice([None, None, 2, 1]),
        rng.choice([None, None, "0.4"]),
        rng.choice([None, "0.1", "0.01"]),
        rng.choice([None, None, "0.02"]),
    )


def order_path(account: Account, market: Market, one: Entrant, lends: bool) -> list[Decimal]:
    """Equity after each close of one team that plans, is gated, sends and waits for the next close."""
    known = {
        symbol: History(tuple(market.sessions), tuple(market.close[:, at]), tuple(market.adj_close[:, at]))
        for at, symbol in enumerate(market.symbols)
    }
    curve: list[Decimal] = []
    for number, session in enumerate(market.sessions):
        if session < SESSIONS[0]:
            continue
        books = account.close_of(session)
        curve.append(books.equity)
        held = [
            seen.Position(
                h.symbol, h.qty, h.qty, (h.cost / h.qty).quantize(Decimal("0.000001")), h.price, h.value
            )
            for h in books.holdings.values()
        ]
        closes = {symbol: past.close_of(session) for symbol, past in known.items()}
        signals = [
            Signal("red", session, symbol, one.signals[number, at], position=one.positions[number, at])
            for at, symbol in enumerate(market.symbols)
        ]
        facts = Facts(
            bar_closes=closes,
            volatility={symbol: past.volatility_at(session) for symbol, past in known.items()},
            returns={symbol: past.returns_at(session) for symbol, past in known.items()},
            moves={symbol: past.largest_move(session) for symbol, past in known.items()},
            peak=max(curve),
            closes_held=closes_held(
                {h.symbol: h.qty for h in books.holdings.values()},
                statement(account),
                [*SESSIONS[: len(curve)]],
            ),
        )
        money = seen.Account("a", books.cash, books.equity, books.buying_power, books.multiplier, lends=lends)
        plan = plan_orders("red", session, signals, held, money, closes, one.rules, one.limits, facts=facts)
        plan = gate(plan, one.limits)
        assert not refusals(plan)
        for order in plan.orders:
            send(account, order.side, order.qty, order.symbol, order.client_order_id, order.limit)
    return curve


def statement(account: Account) -> list[SimpleNamespace]:
    rows = account.rows("SELECT * FROM activities WHERE type IN ('FILL', 'SPLIT') ORDER BY rowid")
    return [
        SimpleNamespace(
            day=date.fromisoformat(row["session"]),
            symbol=row["symbol"],
            qty=Decimal(row["qty"]) * (-1 if row["side"] == "sell" else 1),
        )
        for row in rows
    ]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.full) for seed in range(1, 40))])
def test_a_backtest_agrees_with_the_order_path_to_the_cent(tmp_path, seed):
    rng = Random(seed)
    world = make_world(rng, SESSIONS, halts=0, splits=0.02, dividends=0.1)
    market = market_of(world)
    terms = Terms(
        cost_bps=5,
        impact=rng.choice([0, 0.2]),
        commission=rng.choice([0, 0.01]),
        borrow_fee=rng.choice([None, 0.25]),
    )
    dice, shape = np.random.default_rng(seed), market.close.shape
    before = (np.array(market.sessions) < SESSIONS[0])[:, None]
    entrants = [
        Entrant(
            drawn_rules(rng),
            drawn_limits(rng),
            np.where(before, np.nan, dice.normal(0.0005, 0.01, shape)),
            np.round(dice.uniform(-1, 1, shape), 3),
        )
        for _ in range(TEAMS)
    ]
    books = backtest(market, entrants, terms)
    costs = BrokersTerms(
        Decimal(5),
        Decimal(str(terms.commission)),
        Decimal(0),
        1,
        Decimal(str(terms.impact)),
        borrow_fee=None if terms.borrow_fee is None else Decimal(str(terms.borrow_fee)),
    )
    for number, one in enumerate(entrants):
        store = Store(tmp_path / f"{number}.sqlite")
        with store.transaction() as db:
            ensure_account(db, Opening("red", "k", "s", Decimal(100_000), costs, 2))
        lends = terms.borrow_fee is not None
        expected = order_path(Account(store, world.feed), market, one, lends)
        assert books.equity[-len(expected) :, number] == pytest.approx(
            [float(e) for e in expected], abs=0.005
        ), one
    assert books.orders.sum() > 20


def test_teams_do_not_know_of_each_other():
    world = make_world(Random(1), SESSIONS, halts=0)
    market, rng = market_of(world), Random(2)
    dice = np.random.default_rng(3)
    entrants = [
        Entrant(drawn_rules(rng), drawn_limits(rng), dice.normal(0.0005, 0.01, market.close.shape))
        for _ in range(6)
    ]
    together = backtest(market, entrants, Terms(borrow_fee=0.1))
    for number, one in enumerate(entrants):
        alone = backtest(market, [one], Terms(borrow_fee=0.1))
        assert np.array_equal(alone.shares[:, 0], together.shares[:, number])


def test_nothing_of_tomorrow_is_known():
    market, dice = market_of(make_world(Random(5), SESSIONS, halts=0)), np.random.default_rng(5)
    signals = dice.normal(0.0005, 0.01, market.close.shape)
    one = Entrant(drawn_rules(Random(1)), drawn_limits(Random(1)), signals)
    whole = backtest(market, [one])
    many = len(market.sessions) - 4
    part = replace(
        market,
        sessions=market.sessions[:many],
        **{
            name: getattr(market, name)[:many]
            for name in ("open", "high", "low", "close", "adj_close", "volume", "splits", "dividends")
        },
    )
    cut = backtest(part, [replace(one, signals=signals[:many])])
    assert np.array_equal(cut.equity, whole.equity[:many])
