"""What a team may say about trading: strategy, mode, stricter limits; and what the registry says about it."""

from decimal import Decimal

import pytest

from my_dagster_project.domain.limits import Limits
from my_dagster_project.teams import registry as registry_module
from my_dagster_project.teams.loading import load_registry, load_team
from my_dagster_project.teams.sections import TradingLimits
from my_dagster_project.trading.modes import mode_of
from my_dagster_project.trading.planning import Trader
from tests.teams.helpers import complaint, defaults, edited, load, registry

SELL = "  sell_below: 0.0\n"


def with_trading(*lines):
    return edited("red", (SELL, SELL + "".join(f"  {line}\n" for line in lines)))


def test_without_a_word_a_team_trades_as_before():
    trading = load(edited("red")).trading
    assert (trading.strategy, trading.dropped, trading.mode) == ("long_flat", "sell", None)
    assert set(trading.limits.model_dump().values()) == {None}
    assert (trading.stop_loss, trading.max_sessions, trading.volatility_target) == (None, None, None)


def test_every_rule_of_the_domain_that_a_team_may_set_arrives_there():
    config = load(
        with_trading("stop_loss: 0.05", "max_sessions: 10", "volatility_target: 0.12", "dropped: keep")
    )
    entry = registry().teams["red"]
    rules = Trader("red", config, entry, mode_of(entry, config, broker_url=None)).rules
    assert (rules.stop_loss, rules.max_sessions) == (Decimal("0.05"), 10)
    assert (rules.volatility_target, rules.dropped) == (Decimal("0.12"), "keep")
    assert (rules.strategy, rules.buy_above, rules.position_share) == ("long_flat", 0.0002, Decimal("0.25"))


def test_a_team_chooses_a_strategy_its_limits_and_what_becomes_of_dropped_symbols():
    text = with_trading("strategy: rotation", "dropped: keep", "limits: {drawdown: 0.1, session_orders: 4}")
    trading = load(text).trading
    assert (trading.strategy, trading.dropped) == ("rotation", "keep")
    assert (trading.limits.drawdown, trading.limits.session_orders) == (0.1, 4)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["strategy: rotations"], "trading.strategy: cannot be"),
        (
            ["strategy: buy_hold_sell"],
            "trading.strategy: buy_hold_sell is for target next_direction, not next_return",
        ),
        (["stop_loss: 5"], "trading.stop_loss: must be below 1.0, not 5"),
        (["stop_loss: -0.05"], "trading.stop_loss: must be above 0.0, not -0.05"),
        (["stoploss: 0.05"], "trading.stoploss: unknown key (did you mean stop_loss?)"),
        (["max_sessions: 0"], "trading.max_sessions: must be at least 1, not 0"),
        (["max_sessions: 2.5"], "trading.max_sessions: must be a whole number, not 2.5"),
        (["volatility_target: 10"], "trading.volatility_target: must be at most 2.0, not 10"),
        (["limits: {stop_loss: 0.1}"], "trading.limits.stop_loss: unknown key"),
        (["mode: live"], 'trading.mode: cannot be "live"'),
        (["limits: {drawdown: 10}"], "trading.limits.drawdown: must be at most 1.0, not 10"),
        (["limits: {drawdowns: 0.1}"], "trading.limits.drawdowns: unknown key (did you mean drawdown?)"),
        (["limits: {turnover: 0}"], "trading.limits.turnover: must be above 0.0, not 0"),
        (["drawdown: 0.1"], "trading.drawdown: cannot be set here: it belongs below trading.limits"),
    ],
)
def test_a_mistake_is_said_where_it_is(lines, message):
    assert message in complaint(with_trading(*lines))


def test_a_limit_looser_than_the_organisers_is_no_mistake_and_no_use():
    config = load(with_trading("limits: {position_share: 1, order_value: 100}"))
    entry = registry().teams["red"]
    trader = Trader("red", config, entry, mode_of(entry, config, broker_url=None))
    assert trader.limits.position_share == Decimal("0.3")
    assert trader.limits.order_value == 100


def test_registry_team_and_domain_know_the_same_limits():
    names = set(Limits.__dataclass_fields__)
    assert set(registry_module.Limits.model_fields) == names
    assert set(TradingLimits.model_fields) == names


SHORT = (SELL, SELL + "  short_below: -0.002\n")


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([SHORT], "trading.short_below: nobody sells short: the organiser lends no shares"),
        (
            [SHORT, ("  sell_below", "  strategy: rotation\n  sell_below")],
            "strategy rotation sells nothing short; long_flat or as_told does",
        ),
        (
            [(SELL, SELL + "  short_below: 0.01\n")],
            "trading.short_below: 0.01 must not be above sell_below (0.0)",
        ),
        ([(SELL, SELL + "  short_below: -2\n")], "trading.short_below: is a log return"),
    ],
)
def test_a_team_sells_short_only_where_it_is_lent_shares_and_knows_how(edits, message):
    assert message in complaint(edited("red", *edits))


def test_where_the_organiser_lends_shares_a_team_may_sell_short():
    lends = load_registry(edited("teams", ("cost_bps: 5", "borrow_fee: 0.03\n  cost_bps: 5")))
    config = load_team(edited("red", SHORT), "configs/red.yaml", lends, defaults())
    entry = lends.teams["red"]
    rules = Trader("red", config, entry, mode_of(entry, config, broker_url=None)).rules
    assert (rules.short_below, lends.competition.borrow_fee) == (-0.002, 0.03)


def test_the_registry_may_force_a_mode():
    said = edited("teams", ("    account: RED ", "    mode: off\n    account: RED "))
    assert load_registry(said).teams["red"].mode == "off"
    assert registry().teams["red"].mode is None
