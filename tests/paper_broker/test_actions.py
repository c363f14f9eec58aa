"""Splits and dividends: whatever a source says of them, an account's equity never moves by them."""

from decimal import Decimal
from random import Random

import pandas as pd
import pytest

from my_dagster_project.domain.adjustments import action_of, corporate_actions
from my_dagster_project.paper_broker.feed import TableFeed
from my_dagster_project.paper_broker.ledger import Holding, put_holding
from my_dagster_project.trading.closes import History
from tests.paper_broker.market import CASH, SECOND, SESSIONS, THIRD, bar, make_feed
from tests.paper_broker.test_engine import make_account  # noqa: F401 - a fixture

ACTIONS = 500


def frame(close: float, step: float, *, gap: float = 1.0, **said: float) -> pd.DataFrame:
    """Two sessions at `close`, then two at what `step` makes of it: adjusted, nothing has happened (but for `gap`)."""
    closes = [close, close, close / step * gap, close / step * gap]
    factors = [1 / step, 1 / step, 1, 1]
    table = pd.DataFrame({"session": pd.to_datetime(SESSIONS[:4])})
    for name in ("open", "high", "low", "close"):
        table[name] = closes
    table["volume"], table["adj_close"] = 1000, [c * f for c, f in zip(closes, factors, strict=True)]
    for name, value in said.items():
        table[name] = [None, None, value, None]
    return table


def random_step(rng: Random) -> float:
    """A dividend, a split, a reverse split, with or without a dividend, or a ratio that nobody deals in."""
    ratio = rng.choice([2, 3, 1.5, 1.25, 7, 20, 0.5, 0.1, 0.08, 1 / 3])
    return rng.choice(
        [
            1 + rng.uniform(0.002, 0.3),
            ratio,
            ratio * rng.uniform(1.001, 1.02),
            rng.uniform(1.2, 12),
            rng.uniform(0.05, 0.95),
            2.376,
            1.046,
            1.1,
        ]
    )


def explicit(rng: Random, close: float) -> tuple[float, dict[str, float]]:
    """A step, and the same as a source says it."""
    ratio, cash = rng.choice([1.0, 2.0, 0.1, 1.05, 0.137]), rng.choice([0.0, 0.31, 2.65])
    step = ratio / (1 - cash * ratio / close)
    return step, {"split_ratio": ratio, "dividend": cash}


@pytest.mark.slow
@pytest.mark.parametrize("explicitly", [False, True], ids=["adjusted closes", "columns"])
def test_equity_never_moves_by_any_of_500_random_corporate_actions(make_account, explicitly):  # noqa: F811
    rng, frames, held = Random(1), {}, {}
    for number in range(ACTIONS):
        symbol, close = f"S{number}", round(rng.uniform(20, 900), 2)
        step, said = explicit(rng, close) if explicitly else (random_step(rng), {})
        frames[symbol], held[symbol] = frame(close, step, **said), (rng.randint(1, 4000), Decimal(str(close)))
    account = make_account(TableFeed.from_frames(frames))
    account.close_of(SECOND)
    for symbol, (qty, price) in held.items():
        one = Holding(symbol, Decimal(qty), qty * price, price)
        account.do(lambda account, one=one: put_holding(account.db, "red", one))
    before = account.books()
    after = account.close_of(THIRD)
    paid = dict.fromkeys(held, Decimal(0))
    for row in account.rows("SELECT symbol, amount FROM activities"):
        paid[row["symbol"]] += Decimal(row["amount"])
    for symbol, (qty, price) in held.items():
        kept = after.holdings[symbol].value if symbol in after.holdings else Decimal(0)
        assert abs(kept + paid[symbol] - qty * price) < Decimal("0.05"), (symbol, frames[symbol])
    assert after.cash == CASH + sum(paid.values())
    assert abs(after.equity - before.equity) < ACTIONS * Decimal("0.05")
    assert all(one.qty == int(one.qty) for one in after.holdings.values())
    assert len(account.rows("SELECT * FROM activities WHERE type = 'DIV'")) > 100


@pytest.mark.parametrize(
    ("step", "ratio", "cash"),
    [
        (1.01, "1", "0.990099"),
        (2.0, "2", "0"),
        (2.02, "2", "0.495050"),
        (1.1, "1", "9.090909"),  # 10 % in stock: as cash
        (2.376, "1", "57.912458"),  # a spin-off
        (1.046, "1", "4.397706"),
        (0.08, "0.08", "0"),  # 1:12.5
        (0.1, "0.1", "0"),
    ],
)
def test_a_step_is_booked_in_full(step, ratio, cash):
    assert action_of(step, 100.0) == (Decimal(ratio), Decimal(cash))


def test_a_step_that_the_prices_know_nothing_of_is_not_booked_and_stops_its_symbol():
    wrong = frame(100, 2, gap=2.0)  # the factor doubles, the price stays at 100
    found = corporate_actions(wrong)
    assert (found.splits, found.dividends, dict(found.unexplained)) == ({}, {}, {THIRD: 2.0})
    known = History(tuple(SESSIONS[:4]), (), (), found.unexplained)
    said = known.puzzle("IBM", SESSIONS[3])
    assert "step by 2 at 2013-01-02, of which its prices know nothing" in said
    assert "`market.accepted: {IBM: [2013-01-02]}` in configs/teams.yaml" in said
    assert known.puzzle("IBM", SESSIONS[3], [THIRD]) == known.puzzle("IBM", SECOND) == ""


def test_a_dividend_is_paid_to_who_held_the_day_before_and_stands_on_the_statement(make_account):  # noqa: F811
    feed = TableFeed(make_feed().bars, {}, {("AAPL", THIRD): Decimal("2.65")})
    feed.bars["AAPL"][THIRD] = bar("97.35")
    account = make_account(feed)
    account.order("buy", 100)
    account.close_of(SECOND)
    account.order("buy", 7)  # fills on the day itself: too late
    books = account.close_of(THIRD)
    assert books.cash == CASH - 100 * 100 - 7 * Decimal("97.35") + 265
    assert books.equity == CASH
    [line] = account.rows("SELECT * FROM activities WHERE type = 'DIV'")
    assert (line["symbol"], line["qty"], line["price"]) == ("AAPL", "100", "2.65")
    assert Decimal(line["amount"]) == 265


def test_a_halted_share_is_worth_less_by_its_dividend(make_account):  # noqa: F811
    feed = make_feed(halted={("AAPL", THIRD)})
    account = make_account(TableFeed(feed.bars, {}, {("AAPL", THIRD): Decimal("2.65")}))
    account.order("buy", 100)
    account.close_of(SECOND)
    assert account.close_of(THIRD).equity == CASH


def test_rounded_adjusted_closes_are_no_dividends():
    table = frame(31.37, 1.0)
    table["adj_close"] = [24.11, 24.12, 24.11, 24.12]
    found = corporate_actions(table)
    assert found.splits == found.dividends == found.unexplained == {}
