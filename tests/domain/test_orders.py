from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.limits import Limits, cost
from my_dagster_project.domain.orders import plan_orders
from my_dagster_project.domain.plan import Plan, client_order_id
from my_dagster_project.domain.risk import gate, refusals
from my_dagster_project.foundation.errors import TradingError
from tests.domain.trading import NO_LIMITS, RULES, SESSION, account, free_cash, position, signal


def plan(signals, positions=(), limits=NO_LIMITS, closes=None, money=None, rules=RULES, rev=1):
    closes = {s.symbol: "100" for s in signals} if closes is None else closes
    money = account() if money is None else money
    return plan_orders("red", SESSION, signals, positions, money, closes, rules, limits, rev)


def lines(planned):
    return [(o.side, o.qty, o.symbol) for o in planned.orders]


def why(planned, symbol):
    return next(skip.reason for skip in planned.skipped if skip.symbol == symbol)


def test_a_good_signal_buys_the_position_share_of_equity_in_whole_shares():
    planned = plan([signal("AAPL", 0.01)], closes={"AAPL": 549.03})
    assert lines(planned) == [("buy", 45, "AAPL")]
    assert planned.orders[0].reason == (
        "predicted +1.000 %, above +0.050 %; 25.0% of equity 100,000.00 at 549.03"
    )
    assert planned.orders[0].client_order_id == "red-20130102-AAPL-buy-1"


def test_a_bad_signal_sells_everything_held_and_sells_come_before_buys():
    planned = plan([signal("AAPL", 0.01), signal("IBM", -0.01)], [position("IBM", 12)])
    assert [line[0] for line in lines(planned)] == ["sell", "buy"]
    assert lines(planned)[0] == ("sell", 12, "IBM")


def test_a_fraction_of_a_share_counts_in_every_limit_and_is_said():
    """0.9 of a share was nothing to position_share and max_symbols: 390 in a symbol under a limit of 300."""
    money, rules = account("910", equity="1000"), replace(RULES, position_share=Decimal("0.3"))
    few, one = Limits(position_share=Decimal("0.3")), Limits(max_symbols=1)
    planned = plan([signal("IBM", 0.01)], [position("IBM", "0.9")], few, money=money, rules=rules)
    assert lines(planned) == [("buy", 2, "IBM")]
    assert "0.9 shares held are no whole number; 0.9 of one stays" in why(planned, "IBM")
    assert 'trading reconcile red --accept "0.9 IBM sold by hand"' in why(planned, "IBM")
    [order] = planned.orders
    three = replace(planned, orders=(replace(order, qty=3),))
    assert "would be worth 390.00, more than 30.0% of the equity" in refusals(gate(three, few))[0].reason
    other = plan([signal("AAPL", 0.01)], [position("IBM", "0.9")], one, closes={"AAPL": 100, "IBM": 100})
    assert lines(other) == []
    assert "the limit of 1 symbols held is reached" in why(other, "AAPL")
    more = plan([signal("IBM", 0.01)], [position("IBM", "0.9")], one, money=money)
    assert lines(more) == [("buy", 1, "IBM")]  # a quarter of 1,000 is 2.5 shares
    assert Plan.from_json(more.to_json()) == more
    gone = plan([signal("AAPL", 0)], [position("IBM", "1.4")], closes={"AAPL": 100})
    assert lines(gone) == [("sell", 1, "IBM")]
    assert "0.4 of one stays" in why(gone, "IBM")


def test_what_is_held_too_much_by_a_fraction_is_sold_back_into_the_limit():
    limits = Limits(position_share=Decimal("0.25"))
    planned = plan(
        [signal("IBM", 0.01)], [position("IBM", "2.6")], limits, money=account("740", equity="1000")
    )
    assert lines(planned) == [("sell", 1, "IBM")]


def test_buys_use_the_cash_that_the_sells_bring_less_the_margin():
    funded = plan(
        [signal("AAPL", 0.01), signal("IBM", -0.01)],
        [position("IBM", 100)],
        money=account("0", equity="10000"),
        rules=replace(RULES, position_share=Decimal(1)),
    )
    assert lines(funded) == [("sell", 100, "IBM"), ("buy", 96, "AAPL")]
    assert "96 instead of 100: cash" in funded.orders[1].reason


def test_a_cash_account_does_not_spend_the_proceeds_before_they_are_there():
    waiting = plan(
        [signal("AAPL", 0.01), signal("IBM", -0.01)],
        [position("IBM", 100)],
        money=account("0", equity="10000", multiplier=1),
    )
    assert lines(waiting) == [("sell", 100, "IBM")]
    assert "cash free 0.00" in why(waiting, "AAPL")


def test_the_strongest_prediction_gets_the_cash_first():
    signals = [signal("AAPL", 0.001), signal("GOOG", 0.02), signal("IBM", 0.01)]
    planned = plan(signals, rules=replace(RULES, position_share=Decimal("0.5")))
    assert [line[2] for line in lines(planned)] == ["GOOG", "IBM"]
    assert "not bought: one share costs 100.00, cash free" in why(planned, "AAPL")


def test_a_holding_near_its_target_is_not_traded_for_one_share():
    assert lines(plan([signal("AAPL", 0.01)], [position("AAPL", 230)])) == []
    assert lines(plan([signal("AAPL", 0.01)], [position("AAPL", 100)])) == [("buy", 150, "AAPL")]
    assert lines(plan([signal("AAPL", 0.01)], [position("AAPL", 400)])) == [("sell", 150, "AAPL")]


def test_a_holding_above_the_limit_is_trimmed_even_inside_the_band():
    planned = plan(
        [signal("AAPL", 0.01)], [position("AAPL", 260)], limits=Limits(position_share=Decimal("0.25"))
    )
    assert lines(planned) == [("sell", 10, "AAPL")]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"session": date(2012, 12, 31)}, "of session 2012-12-31, not 2013-01-02"),
        ({"team": "blue"}, "belongs to team blue, not red"),
        ({"value": float("nan")}, "not a number"),
        ({"value": float("inf")}, "not a number"),
        ({"trained_through": date(2013, 1, 3)}, "trained through 2013-01-03, after session"),
        ({"value": 50.0}, r"log return +50 is beyond anything it ever did: 1.0000"),
        ({"value": -1e308}, "log return -1e+308 is beyond"),
        ({"value": 1.01, "target": "next_direction"}, "the prediction 1.01 is no probability"),
        ({"problem": "its file is torn"}, "its file is torn"),
    ],
)
def test_a_prediction_that_is_not_ours_to_trade_is_skipped_and_the_others_go_on(changes, reason):
    planned = plan([replace(signal("AAPL", 0.01), **changes), signal("IBM", 0.01)])
    assert lines(planned) == [("buy", 250, "IBM")]
    assert reason in why(planned, "AAPL")


def test_a_missing_prediction_or_close_is_skipped_with_the_reason():
    planned = plan([signal("GOOG", 0.01)], [position("IBM", 3)], closes={"IBM": "190", "GOOG": None})
    assert lines(planned) == []
    assert "no prediction of session 2013-01-02" in why(planned, "IBM")
    assert "no raw close" in why(planned, "GOOG")


def test_what_is_held_of_a_symbol_that_was_dropped_is_sold_at_the_brokers_price():
    planned = plan([signal("IBM", 0.01)], [position("OLD", 5, "40")], closes={"IBM": "190"})
    assert lines(planned)[0] == ("sell", 5, "OLD")
    assert str(planned.orders[0]) == "sell 5 OLD: not among the team's symbols any more"
    assert planned.orders[0].price == 40
    assert gate(planned, NO_LIMITS) == planned


def test_a_dropped_symbol_is_kept_when_the_team_says_so_and_when_nobody_prices_it():
    kept = plan([], [position("OLD", 5)], closes={}, rules=replace(RULES, dropped="keep"))
    assert "kept, as trading.dropped says" in why(kept, "OLD")
    unpriced = plan([], [position("OLD", 5, "0")], closes={})
    assert "held, not among" in why(unpriced, "OLD")
    assert "nobody gives a price to sell it at" in why(unpriced, "OLD")
    assert kept.orders == unpriced.orders == ()


def test_the_cash_of_a_dropped_or_halted_symbol_is_not_counted_on():
    planned = plan(
        [signal("AAPL", 0.01)],
        [position("OLD", 100)],
        money=account("0", equity="10000"),
        closes={"AAPL": "100"},
    )
    assert lines(planned) == [("sell", 100, "OLD")]
    assert "cash free 0.00" in why(planned, "AAPL")


def test_two_predictions_for_one_symbol_are_both_refused():
    assert "2 predictions" in why(plan([signal("AAPL", 0.01), signal("AAPL", -0.01)]), "AAPL")


def test_a_short_position_is_left_to_people():
    assert "short" in why(plan([signal("AAPL", 0.01)], [position("AAPL", -5)]), "AAPL")


def test_a_blocked_account_plans_nothing_and_says_why():
    planned = plan([signal("AAPL", 0.01)], money=account(blocked="trading_blocked"))
    assert not planned.orders
    assert "trading_blocked" in why(planned, "AAPL")
    held = plan([], [position("OLD", 1)], closes={}, money=account(blocked="account_blocked"))
    assert "account_blocked" in why(held, "OLD")


def test_the_limits_bound_value_and_number_of_symbols():
    signals = [signal("AAPL", 0.01), signal("IBM", 0.02)]
    planned = plan(signals, limits=Limits(max_symbols=1, order_value=Decimal(5050)))
    assert lines(planned) == [("buy", 50, "IBM")]
    assert "50 instead of 250: order limit" in planned.orders[0].reason
    assert "limit of 1 symbols" in why(planned, "AAPL")


@pytest.mark.parametrize("limits", [Limits(max_symbols=0), Limits(position_share=0), Limits(order_value=0)])
def test_a_limit_of_zero_means_nothing_and_not_no_limit(limits):
    assert lines(plan([signal("AAPL", 0.01)], limits=limits)) == []


def test_an_id_longer_than_alpaca_takes_is_refused():
    assert len(client_order_id("a" * 16, SESSION, "BRK.B", "sell", 99)) <= 48
    with pytest.raises(TradingError, match="48"):
        client_order_id("a" * 40, SESSION, "AAPL", "buy", 1)


def test_a_new_revision_changes_the_ids_and_nothing_else():
    first, second = (plan([signal("AAPL", 0.01)], rev=rev) for rev in (1, 2))
    assert [o.client_order_id for o in second.orders] == ["red-20130102-AAPL-buy-2"]
    assert lines(first) == lines(second)


def test_something_that_is_no_plan_is_refused():
    with pytest.raises(TradingError, match="plan the session again"):
        Plan.from_json('{"team": "red"}')


cents = st.integers(1, 90_000).map(lambda n: Decimal(n) / 100)


@st.composite
def scenes(draw):
    symbols = draw(st.lists(st.sampled_from(["AAPL", "GOOG", "IBM", "MSFT", "FB"]), min_size=1, unique=True))
    closes = {symbol: draw(cents) for symbol in symbols}
    held = {symbol: draw(st.integers(0, 500)) for symbol in symbols}
    cash = draw(st.integers(-5_000_00, 200_000_00).map(lambda n: Decimal(n) / 100))
    equity = cash + sum(closes[s] * held[s] for s in symbols)
    limits = Limits(
        draw(st.none() | st.integers(0, 5)),
        draw(st.none() | st.decimals("0", "1", places=2)),
        draw(st.none() | st.decimals("0", "60000", places=2)),
    )
    rules = replace(RULES, position_share=draw(st.decimals("0.01", "1", places=2)))
    money = replace(account(cash, equity), multiplier=draw(st.sampled_from([1, 2])))
    signals = [signal(s, draw(st.floats(-0.05, 0.05))) for s in symbols]
    return (
        signals,
        [position(s, held[s], closes[s]) for s in symbols if held[s]],
        limits,
        closes,
        money,
        rules,
    )


@given(scenes())
def test_no_plan_spends_more_than_is_free_sells_more_than_is_held_or_breaks_a_limit(scene):
    planned = plan(*scene)
    _, positions, limits, closes, money, _ = scene
    held = {p.symbol: p.qty for p in positions}
    sells = [o for o in planned.orders if o.side == "sell"]
    buys = [o for o in planned.orders if o.side == "buy"]
    assert list(planned.orders) == sells + buys
    assert all(0 < o.qty <= held[o.symbol] for o in sells)
    if buys:
        assert sum(cost(o, planned.snapshot) for o in buys) <= free_cash(planned.snapshot, sells)
    for order in buys:
        value = (held.get(order.symbol, 0) + order.qty) * closes[order.symbol]
        assert value <= money.equity * (1 if limits.position_share is None else limits.position_share)
        assert limits.order_value is None or order.value <= limits.order_value
    assert len({o.symbol for o in planned.orders}) == len(planned.orders)
    assert {o.symbol for o in planned.orders} | {s.symbol for s in planned.skipped} == set(closes)


@given(scenes())
def test_the_gate_refuses_nothing_that_was_planned_within_the_same_limits(scene):
    planned = plan(*scene)
    assert refusals(gate(planned, scene[2])) == []
    assert gate(planned, scene[2]) == planned


@given(scenes(), st.randoms())
def test_the_same_input_in_any_order_gives_the_same_plan_and_it_survives_json(scene, random):
    signals, positions, limits, closes, money, rules = scene
    shuffled = [random.sample(things, len(things)) for things in (signals, positions)]
    planned = plan(*scene)
    again = plan(*shuffled, limits, dict(random.sample(list(closes.items()), len(closes))), money, rules)
    assert again == planned
    assert Plan.from_json(planned.to_json()) == planned
    assert Plan.from_json(planned.to_json()).to_json() == planned.to_json()
