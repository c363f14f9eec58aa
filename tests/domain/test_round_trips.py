"""Round trips: first in first out, through splits and dividends, and their gains are what the account's equity has changed by."""

from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.round_trips import journal
from my_dagster_project.trading.broker import Activity
from tests.support.draws import draws

DAY = date(2013, 1, 2)


def line(kind, qty, amount, *, day=0, symbol="AAPL", order="", name="1"):
    return Activity(name, kind, DAY + timedelta(day), symbol, Decimal(qty), Decimal(amount), order)


def fill(qty, price, **more):
    return line("FILL", qty, -Decimal(qty) * Decimal(price), **more)


def test_what_is_sold_are_the_oldest_shares_and_each_trip_has_one_entry_and_one_exit():
    lines = [
        fill(10, 100, day=0, order="a"),
        fill(10, 110, day=1, order="b"),
        fill(-15, 120, day=2, order="c"),
    ]
    first, second, held = journal(lines, {"AAPL": Decimal(130)}).trips
    assert (first.qty, first.entry_order, first.exit_order, first.gain) == (10, "a", "c", 200)
    assert (second.qty, second.entry_order, second.exit_order, second.gain) == (5, "b", "c", 50)
    assert (held.qty, held.entry_order, held.held, held.gain) == (5, "b", True, 100)
    assert (first.entry_day, first.exit_day) == (DAY, DAY + timedelta(2))
    assert (first.entry_price, first.exit_price, first.fraction) == (100, 120, Decimal("0.2"))


def test_executions_of_one_order_are_one_trip():
    lines = [fill(4, 100, order="a"), fill(6, 101, order="a", name="2"), fill(-10, 110, day=1, order="b")]
    [trip] = journal(lines, {}).trips
    assert (trip.qty, trip.entry_price, trip.gain) == (10, Decimal("100.6"), 94)


def test_a_split_changes_the_shares_and_not_what_they_cost_and_the_cash_of_a_fraction_is_income():
    lines = [
        fill(3, 100, order="a"),
        fill(2, 90, order="b"),
        line("SPLIT", 2, "31.25", day=1),
        fill(-7, 70, day=2, order="c"),
    ]
    first, second = journal(lines, {}).trips
    assert (first.qty, second.qty) == (4, 3)
    assert (first.paid, second.paid) == (300, 180)
    assert first.dividends + second.dividends == Decimal("31.25")
    assert first.gain + second.gain == 490 + Decimal("31.25") - 480


def test_a_lot_too_small_for_a_reverse_split_goes_with_the_next_one():
    lines = [fill(3, 10, order="a"), fill(17, 10, order="b"), line("SPLIT", -18, 0, day=1)]
    [held] = journal(lines, {"AAPL": Decimal(100)}).trips
    assert (held.qty, held.paid, held.gain) == (2, 200, 0)


def test_shares_that_a_reverse_split_leaves_none_of_are_sold_for_what_it_paid():
    [trip] = journal([fill(3, 10, order="a"), line("SPLIT", -3, 28, day=1)], {}).trips
    assert (trip.exit_day, trip.exit_order, trip.gain) == (DAY + timedelta(1), "", -2)


def test_a_dividend_belongs_to_the_shares_held_and_one_that_comes_late_to_none():
    lines = [
        fill(10, 100, order="a"),
        line("DIV", 0, "5", day=1),
        fill(-10, 100, day=2, order="b"),
        line("DIV", 0, "7", day=3),
    ]
    made = journal(lines, {})
    assert (made.trips[0].dividends, made.other, made.total) == (5, 7, 12)


def test_a_days_fees_are_shared_by_its_executions_of_the_symbol_or_of_all():
    lines = [
        fill(10, 100, order="a"),
        fill(30, 50, order="b", symbol="IBM", name="2"),
        line("FEE", 0, "-1", symbol="IBM", name="3"),
        line("FEE", 0, "-4", symbol="", name="4"),
        fill(-5, 100, day=1, order="c", name="5"),
        line("FEE", 0, "-2", day=9, symbol="MSFT", name="6"),
    ]
    made = journal(lines, {"AAPL": Decimal(100), "IBM": Decimal(50)})
    assert [(one.symbol, one.fees) for one in made.trips] == [
        ("AAPL", Decimal("0.5")),
        ("AAPL", Decimal("0.5")),
        ("IBM", 4),
    ]
    assert (made.other, made.total) == (-2, -7)


def test_what_is_sold_first_and_bought_later_is_a_short_trip():
    lines = [fill(-10, 100, order="a"), fill(15, 90, day=1, order="b")]
    short, held = journal(lines, {"AAPL": Decimal(95)}).trips
    assert (short.qty, short.entry_price, short.exit_price, short.gain) == (-10, 100, 90, 100)
    assert short.fraction == Decimal("0.1")
    assert (held.qty, held.gain) == (5, 25)


def test_what_borrowing_cost_over_a_close_belongs_to_the_shares_that_are_short():
    lines = [
        fill(-10, 100, order="a"),
        line("FEE", 0, "-1", name="2"),
        line("FEE", 0, "-2", day=1, name="3"),
        line("DIV", 0, "-5", day=2, name="4"),
        fill(10, 90, day=3, order="b", name="5"),
    ]
    [trip] = journal(lines, {}).trips
    assert (trip.fees, trip.dividends, trip.gain) == (3, -5, 92)


@pytest.mark.parametrize("kind", ["INT", "CSD"])
def test_cash_that_no_shares_brought_is_other(kind):
    assert journal([line(kind, 0, 100, symbol="")], {}).other == 100


cents = st.integers(1, 50_000).map(lambda n: Decimal(n) / 100)
events = st.lists(
    st.tuples(
        st.sampled_from(["buy", "buy", "sell", "sell", "split", "dividend", "fee"]),
        st.sampled_from(["AAPL", "IBM"]),
        st.integers(1, 60),
        cents,
        st.sampled_from(["2", "3", "1.5", "1.046", "0.1", "0.08", "0.3333"]),
    ),
    max_size=30,
)


@draws(150)
@given(events, cents, st.sampled_from([Decimal(1), Decimal("0.001"), Decimal("0.000000001")]))
def test_all_gains_together_are_the_change_of_equity(events, last, step):
    """Whole shares, and fractions as Alpaca counts them; an independent account of cash and shares beside it."""
    cash, held, lines = Decimal(0), {"AAPL": Decimal(0), "IBM": Decimal(0)}, []
    for number, (what, symbol, size, price, ratio) in enumerate(events):
        qty, day = size * 1234567 * step, number // 3
        if what == "buy":
            change, amount = qty, -qty * price
        elif what == "sell":
            change = -min(qty, held[symbol])
            amount = -change * price
        elif what == "split":
            new = (held[symbol] * Decimal(ratio)).quantize(step, ROUND_DOWN)
            change, amount = new - held[symbol], price if held[symbol] else Decimal(0)
        elif what == "dividend":
            change, amount = Decimal(0), price if held[symbol] else Decimal(0)
        else:
            change, amount = Decimal(0), -price
        if not change and not amount:
            continue
        kind = {"buy": "FILL", "sell": "FILL", "split": "SPLIT", "dividend": "DIV", "fee": "FEE"}[what]
        lines.append(line(kind, change, amount, day=day, symbol=symbol, order=str(number), name=str(number)))
        cash, held[symbol] = cash + amount, held[symbol] + change
    prices = {"AAPL": last, "IBM": last / 2}
    made = journal(lines, prices)
    assert made.total == cash + sum(held[symbol] * prices[symbol] for symbol in held)
    for symbol, qty in held.items():
        assert sum(one.qty for one in made.trips if one.held and one.symbol == symbol) == qty
