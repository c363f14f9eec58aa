"""Selling short: only where rules and account say so, never across nothing, within every limit, and never with borrowed cash."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.facts import Facts
from my_dagster_project.domain.limits import Limits, cost, exposure
from my_dagster_project.domain.orders import plan_orders
from my_dagster_project.domain.plan import Plan
from my_dagster_project.domain.risk import gate, refusals
from my_dagster_project.foundation.errors import TradingError
from tests.domain.test_plan_properties import limits_of, mostly, perhaps, require_completed, scenes
from tests.domain.trading import NO_LIMITS, RULES, SESSION, account, free_cash, position, signal

SHORT = replace(RULES, short_below=-0.005)
LENDS = replace(account(), lends=True)


def plan(signals, positions=(), rules=SHORT, limits=NO_LIMITS, money=LENDS, closes=None, **facts):
    closes = closes or {one.symbol: "100" for one in [*signals, *positions]}
    equity = money.cash + sum(one.market_value for one in positions)
    money = replace(money, equity=equity)
    planned = plan_orders(
        "red", SESSION, signals, positions, money, closes, rules, limits, facts=Facts(**facts)
    )
    assert gate(planned, limits).orders == planned.orders
    return planned


def lines(planned):
    return [(one.side, one.qty, one.symbol) for one in planned.orders]


def why(planned, symbol):
    return " / ".join(skip.reason for skip in planned.skipped if skip.symbol == symbol)


def test_below_its_threshold_as_much_is_sold_short_as_would_be_bought_above_the_other():
    planned = plan([signal("AAPL", -0.01), signal("IBM", 0.01), signal("GOOG", -0.002)])
    assert lines(planned) == [("sell", 250, "AAPL"), ("buy", 250, "IBM")]
    [order, _] = planned.orders
    assert order.reason == "predicted -1.000 %, below +0.000 %: short"
    assert (order.limit, order.prediction) == (None, -0.01)


@pytest.mark.parametrize(
    ("rules", "money"),
    [(RULES, LENDS), (SHORT, account()), (replace(SHORT, strategy="rotation"), LENDS)],
)
def test_without_the_rule_the_loan_or_a_strategy_that_knows_how_nothing_is(rules, money):
    assert plan([signal("AAPL", -0.01)], rules=rules, money=money).orders == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (-0.01, []),
        (-0.002, []),
        (0.0002, [("buy", 250, "AAPL")]),
        (0.01, [("buy", 250, "AAPL")]),
    ],
)
def test_what_is_short_stays_while_the_signal_says_sell_and_is_bought_back_when_it_does_not(value, expected):
    money = replace(LENDS, cash=Decimal(125_000))
    planned = plan([signal("AAPL", value)], [position("AAPL", -250)], money=money)
    assert lines(planned) == expected
    assert expected or "stays" in why(planned, "AAPL") or "kept" in why(planned, "AAPL")


def test_what_is_held_is_sold_first_and_the_other_side_comes_after_the_next_close():
    assert lines(plan([signal("AAPL", -0.01)], [position("AAPL", 40)])) == [("sell", 40, "AAPL")]


def test_no_cash_that_a_short_sale_brought_is_spent():
    money = replace(LENDS, cash=Decimal(140_000))
    rules = replace(SHORT, position_share=Decimal("0.6"))
    planned = plan(
        [signal("AAPL", -0.002), signal("IBM", 0.01)], [position("AAPL", -400)], rules, money=money
    )
    # Equity 100,000, of which 40,000 stand behind AAPL: 140,000 - 2 x 40,000.
    [buy] = planned.orders
    assert (buy.side, buy.qty) == ("buy", 588)
    assert "588 instead of 600: cash" in buy.reason


def test_every_limit_counts_what_is_short():
    signals = [signal("AAPL", -0.01), signal("IBM", 0.01)]
    assert [qty for _, qty, _ in lines(plan(signals, limits=Limits(position_share="0.1")))] == [100, 100]
    assert lines(plan(signals, limits=Limits(max_symbols=1))) == [("buy", 250, "IBM")]
    assert lines(plan(signals, limits=Limits(session_orders=1))) == [("buy", 250, "IBM")]
    assert lines(plan(signals[:1], limits=Limits(order_value=5000))) == [("sell", 50, "AAPL")]
    assert lines(plan(signals[:1], limits=Limits(turnover="0.1"))) == [("sell", 100, "AAPL")]
    # It is worth more when it opens higher: a tenth is kept for that.
    deviating = Limits(position_share="0.1", price_deviation="0.1")
    assert lines(plan(signals[:1], limits=deviating)) == [("sell", 90, "AAPL")]
    deep = plan(signals[:1], limits=Limits(drawdown="0.1"), peak=Decimal(200_000))
    assert deep.orders == ()
    assert "only sells" in why(deep, "AAPL")


def test_no_limit_keeps_a_short_position_from_being_bought_back():
    tight = Limits(order_value=1, session_value=1, session_orders=1, turnover="0.0001", drawdown="0.01")
    money = replace(LENDS, cash=Decimal(125_000))
    planned = plan(
        [signal("AAPL", 0.01)], [position("AAPL", -250)], limits=tight, money=money, peak=Decimal(10**6)
    )
    assert lines(planned) == [("buy", 250, "AAPL")]
    assert planned.orders[0].limit is None


@pytest.mark.parametrize(("price", "covered"), [("104", False), ("105", True), ("90", False)])
def test_a_stop_loss_of_a_short_position_is_a_rise(price, covered):
    held = [replace(position("AAPL", -100, price), avg_entry_price=Decimal(100))]
    money = replace(LENDS, cash=Decimal(110_000))
    planned = plan([], held, replace(SHORT, stop_loss="0.05"), money=money, closes={"AAPL": price})
    assert lines(planned) == [("buy", 100, "AAPL")] * covered
    if covered:
        assert planned.orders[0].reason.startswith("stop loss: 105.00 is 5.0% above its entry at 100.00")


def test_a_symbol_that_the_team_drops_is_bought_back_and_one_that_people_left_short_is_theirs():
    planned = plan([], [position("OLD", -5)], closes={"AAPL": "100"})
    assert lines(planned) == [("buy", 5, "OLD")]
    assert plan([], [position("OLD", -5)], RULES).orders == ()
    assert "close that position by hand" in why(plan([], [position("OLD", -5)], RULES), "OLD")


def test_a_dropped_symbol_sold_short_that_nobody_prices_is_to_be_bought_back():
    planned = plan([], [position("OLD", -5, "0")], closes={"AAPL": "100"})
    told = "sold short, not among the team's symbols any more; nobody gives a price to buy it back at"
    assert why(planned, "OLD") == told
    assert planned.orders == ()


def test_with_a_volatility_target_both_sides_count():
    days = [SESSION.replace(day=1 + n) for n in range(21)]
    lively = {day: 0.02 * (-1) ** n for n, day in enumerate(days)}
    rules = replace(SHORT, volatility_target=Decimal("0.05"))
    alone = plan([signal("A", -0.01)], rules=rules, returns={"A": lively})
    hedged = plan([signal("A", -0.01), signal("B", 0.01)], rules=rules, returns={"A": lively, "B": lively})
    assert alone.orders[0].qty < 200
    assert all(one.qty >= 250 for one in hedged.orders)


def test_a_rule_that_would_cover_at_once_is_refused():
    with pytest.raises(TradingError, match="short_below"):
        replace(RULES, short_below=0.01)


@st.composite
def short_scenes(draw):
    """As any scene, of a team that sells short, where every other position is short."""
    scene = draw(scenes(standing=False))
    flipped = [
        replace(one, qty=Decimal(-int(one.qty)), market_value=-int(one.qty) * one.current_price)
        if one.qty >= 1 and draw(st.booleans())
        else one
        for one in scene.positions
    ]
    cash = scene.account.cash + sum((-2 * one.market_value for one in flipped if one.qty < 0), Decimal(0))
    equity = cash + sum(one.market_value for one in flipped)
    rules = replace(
        scene.rules,
        strategy=draw(mostly(st.just("long_flat"), st.just("rotation"))),
        short_below=draw(mostly(st.sampled_from([-0.01, 0.0]), st.none())),
    )
    money = replace(
        scene.account, cash=cash, equity=equity, lends=draw(mostly(st.just(True), st.just(False)))
    )
    facts = replace(scene.facts, peak=equity * draw(st.sampled_from([Decimal(1), Decimal("1.4")])))
    return replace(scene, positions=flipped, rules=rules, account=money, facts=facts)


def opening(planned):
    seen = planned.snapshot
    return [
        one for one in planned.orders if seen.opens_short(one) or (one.side == "buy" and not seen.covers(one))
    ]


@given(short_scenes(), limits_of)
def test_no_order_crosses_nothing_and_none_is_sold_short_without_leave(scene, limits):
    planned = gate(scene.plan(limits), limits)
    sells = [one for one in planned.orders if one.side == "sell"]
    assert planned.orders[: len(sells)] == tuple(sells)
    assert len({one.symbol for one in planned.orders}) == len(planned.orders)
    for one in planned.orders:
        held, short = scene.held.get(one.symbol, 0), scene.short.get(one.symbol, 0)
        if one.side == "sell" and not held:
            assert scene.account.lends
            assert scene.rules.short_below is not None
            assert one.symbol not in scene.shares
        elif one.side == "sell":
            assert 0 < one.qty <= held
        else:
            assert not short or one.qty <= short
    left = {one.symbol for one in scene.positions if one.qty <= -1} - scene.short.keys()
    assert not left & {one.symbol for one in planned.orders}


@given(short_scenes(), limits_of)
def test_gross_exposure_never_exceeds_what_is_the_accounts_own(scene, limits):
    planned = gate(scene.plan(limits), limits)
    seen = planned.snapshot
    new = [cost(one, seen) if one.side == "buy" else exposure(one, seen, limits) for one in opening(planned)]
    if new:
        assert sum(new) <= free_cash(seen, [one for one in planned.orders if one.side == "sell"])


@given(short_scenes(), limits_of)
def test_no_limit_is_exceeded_on_either_side(scene, limits):
    planned = gate(scene.plan(limits), limits)
    seen, new = planned.snapshot, opening(planned)
    for one in new:
        each = exposure(replace(one, qty=1), seen, limits)
        after = (abs(seen.signed.get(one.symbol, Decimal(0))) + one.qty) * each
        assert limits.order_value is None or one.qty * each <= limits.order_value
        assert limits.position_share is None or after <= limits.position_share * seen.equity
    if new:
        traded = sum(exposure(one, seen, limits) for one in planned.orders)
        assert limits.session_value is None or traded <= limits.session_value
        assert limits.turnover is None or traded <= limits.turnover * seen.equity
        assert limits.session_orders is None or len(planned.orders) <= limits.session_orders
    added = {one.symbol for one in new} - seen.signed.keys()
    if added and limits.max_symbols is not None:
        sold = {
            one.symbol
            for one in planned.orders
            if one.side == "sell" and one.qty == seen.shares.get(one.symbol)
        }
        assert len({*seen.signed, *added} - sold) <= limits.max_symbols


@given(short_scenes(), limits_of)
def test_the_gate_agrees_every_symbol_is_told_and_the_plan_survives_json(scene, limits):
    planned = scene.plan(limits)
    assert refusals(gate(planned, limits)) == []
    assert gate(planned, limits).orders == planned.orders
    assert Plan.from_json(planned.to_json()) == planned
    known = {*scene.closes, *scene.held, *scene.short, *(one.symbol for one in scene.signals)}
    told = {one.symbol for one in planned.orders} | {one.symbol for one in planned.skipped}
    assert known <= told


@given(short_scenes(), limits_of)
def test_a_run_that_crashed_after_any_order_is_completed_and_not_repeated(scene, limits):
    require_completed(scene, limits)


@given(short_scenes(), limits_of, perhaps(st.just(Decimal("0.05"))))
def test_what_a_rule_of_exit_says_of_a_short_position_is_bought_back_whole(scene, limits, stop):
    scene = replace(scene, rules=replace(scene.rules, stop_loss=stop))
    planned = gate(scene.plan(limits), limits)
    bought = {one.symbol: one.qty for one in planned.orders if one.side == "buy"}
    for one in scene.positions:
        if one.symbol in scene.short:
            prices = [scene.closes.get(one.symbol), one.current_price, scene.facts.bar_closes.get(one.symbol)]
            high = min(price for price in prices if price is not None) / one.avg_entry_price
            due = scene.facts.closes_held[one.symbol] >= (scene.rules.max_sessions or 10)
            if due or (stop is not None and high >= 1 + stop):
                assert bought[one.symbol] == scene.short[one.symbol]
