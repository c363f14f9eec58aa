"""What holds for any predictions, account, limits and earlier run: planning and gate together."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.domain.facts import Facts
from my_dagster_project.domain.limits import Limits, cost, highest_price, strictest
from my_dagster_project.domain.orders import plan_orders
from my_dagster_project.domain.plan import Plan, Signal, Standing, client_order_id
from my_dagster_project.domain.risk import gate, refusals
from my_dagster_project.domain.strategies import STRATEGIES
from tests.domain.trading import RULES, SESSION, account, free_cash, position

MARGIN = 1 + RULES.cash_margin
SYMBOLS = ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
cents = st.integers(1, 90_000).map(lambda n: Decimal(n) / 100)
days = st.sampled_from([date(2012, 12, 31), date(2013, 1, 3)])


def mostly(usual, other, of=6):
    """Draw `usual` and now and then `other`: with every part as likely wrong as right hardly a plan has a buy in it."""
    return st.sampled_from([usual] * of + [other]).flatmap(lambda chosen: chosen)


def perhaps(strategy):
    return mostly(st.none(), strategy, of=3)


limits_of = st.builds(
    Limits,
    max_symbols=perhaps(st.integers(1, 5)),
    position_share=perhaps(st.decimals("0.1", "1", places=2)),
    order_value=perhaps(st.decimals("1000", "60000", places=2)),
    session_value=perhaps(st.decimals("1000", "120000", places=2)),
    session_orders=perhaps(st.integers(1, 5)),
    turnover=perhaps(st.decimals("0.1", "3", places=2)),
    price_deviation=perhaps(st.decimals("0.01", "0.5", places=2)),
    drawdown=perhaps(st.decimals("0.05", "0.5", places=2)),
)
values = mostly(
    st.integers(-40, 60).map(lambda n: n / 1000), st.sampled_from([float("nan"), float("inf")]), of=12
)


def signals_of(symbol):
    return st.builds(
        Signal,
        team=mostly(st.just("red"), st.just("blue"), of=12),
        session=mostly(st.just(SESSION), days, of=12),
        symbol=st.just(symbol),
        value=values,
        trained_through=mostly(st.just(date(2012, 11, 30)), days, of=12),
    )


@dataclass(frozen=True)
class Scene:
    """One case: what plan_orders is given, but the limits."""

    signals: list
    positions: list
    account: object
    closes: dict
    rules: object
    facts: Facts

    @property
    def held(self):
        return {one.symbol: int(one.qty) for one in self.positions if one.qty >= 1}

    @property
    def short(self):
        """What is sold short, where that is the team's doing."""
        ours = self.rules.short_below is not None
        return {one.symbol: int(-one.qty) for one in self.positions if one.qty <= -1 and ours}

    @property
    def shares(self):
        return {one.symbol: one.qty for one in self.positions if one.qty > 0}

    def plan(self, limits):
        given = (self.signals, self.positions, self.account, self.closes, self.rules)
        return plan_orders("red", SESSION, *given, limits, facts=self.facts)


@st.composite
def scenes(draw, standing=True):
    prices = {symbol: draw(cents) for symbol in SYMBOLS}
    near = mostly(st.just(Decimal(1)), st.sampled_from([Decimal("1.03"), Decimal("0.5")]))
    configured = [symbol for symbol in SYMBOLS if draw(mostly(st.just(True), st.just(False)))]
    held = [symbol for symbol in SYMBOLS if draw(st.booleans())]
    whole = mostly(st.integers(1, 500), st.integers(-3, 0))
    part = mostly(st.just(Decimal(0)), st.decimals("0.01", "0.99", places=2), of=3)
    positions = [position(symbol, draw(whole) + draw(part), prices[symbol] * draw(near)) for symbol in held]
    entries = st.sampled_from([Decimal(1), Decimal("0.9"), Decimal("1.1"), Decimal("1.5")])
    positions = [replace(one, avg_entry_price=one.current_price * draw(entries)) for one in positions]
    cash = draw(
        mostly(st.integers(5_000_00, 200_000_00), st.integers(-5_000_00, 0)).map(lambda n: Decimal(n) / 100)
    )
    equity = cash + sum(one.market_value for one in positions)
    rules = replace(
        RULES,
        strategy=draw(st.sampled_from(sorted(STRATEGIES))),
        position_share=draw(st.decimals("0.01", "1", places=2)),
        dropped=draw(st.sampled_from(["sell", "keep"])),
        stop_loss=draw(perhaps(st.sampled_from([Decimal("0.05"), Decimal("0.2")]))),
        max_sessions=draw(perhaps(st.integers(1, 9))),
        volatility_target=draw(perhaps(st.sampled_from([Decimal("0.05"), Decimal("0.4")]))),
    )
    volatile = [symbol for symbol in SYMBOLS if draw(mostly(st.just(True), st.just(False)))]
    barred = [symbol for symbol in SYMBOLS if draw(st.booleans())]
    earlier = st.lists(_standing(positions), unique_by=lambda one: one.symbol, max_size=2)
    return Scene(
        signals=[one for symbol in SYMBOLS for one in draw(_signals(symbol))],
        positions=positions,
        account=replace(account(cash, equity), multiplier=draw(st.sampled_from([1, 2]))),
        closes={symbol: draw(mostly(st.just(prices[symbol]), st.none(), of=12)) for symbol in configured},
        rules=rules,
        facts=Facts(
            bar_closes={symbol: prices[symbol] * draw(near) for symbol in barred},
            volatility={symbol: draw(st.floats(0.001, 0.1)) for symbol in volatile},
            returns={symbol: _returns(draw(st.integers(0, 99))) for symbol in volatile},
            closes_held={one.symbol: draw(st.integers(1, 9)) for one in positions},
            peak=equity * draw(st.sampled_from([Decimal(1), Decimal("1.1"), Decimal("1.4")])),
            standing=tuple(draw(earlier)) if standing else (),
        ),
    )


@cache
def _returns(seed):
    rng = Random(seed)
    return {SESSION - timedelta(days=n): rng.gauss(0, 0.02) for n in range(21)}


def _signals(symbol):
    """Mostly one prediction, seldom none or two."""
    sizes = mostly(st.just(1), st.sampled_from([0, 2]))
    return sizes.flatmap(lambda n: st.lists(signals_of(symbol), min_size=n, max_size=n))


@st.composite
def _standing(draw, positions):
    """An order an earlier run sent: within what is held, as every order of ours is."""
    held = {one.symbol: int(one.qty) for one in positions if one.qty >= 1}
    symbol = draw(st.sampled_from(SYMBOLS))
    side = draw(st.sampled_from(["buy", "sell"] if symbol in held else ["buy"]))
    qty = draw(st.integers(1, held[symbol] if side == "sell" else 20))
    return Standing(client_order_id("red", SESSION, symbol, side, 1), symbol, side, qty)


def sides(plan):
    return [[one for one in plan.orders if one.side == side] for side in ("sell", "buy")]


def ours(plan, scene):
    """What this run decides: without what stood at the broker before it."""
    there = {one.client_order_id for one in scene.facts.standing}
    return [one for one in plan.orders if one.client_order_id not in there]


def by_rule(order, scene):
    """A sell of everything held for no prediction's sake."""
    rules = order.reason.startswith(("stop loss: ", "time exit: "))
    return rules and order.qty == scene.held[order.symbol] and order.basis is None


@given(scenes(), limits_of)
def test_sells_come_first_never_exceed_what_is_held_and_each_symbol_is_traded_once(scene, limits):
    plan = gate(scene.plan(limits), limits)
    sells, buys = sides(plan)
    assert list(plan.orders) == sells + buys
    assert all(0 < one.qty <= scene.held[one.symbol] for one in sells)
    assert all(one.qty > 0 for one in buys)
    assert len({one.symbol for one in plan.orders}) == len(plan.orders)


@given(scenes(standing=False), limits_of)
def test_buys_never_exceed_the_cash_that_will_be_free(scene, limits):
    plan = gate(scene.plan(limits), limits)
    sells, buys = sides(plan)
    if buys:
        assert sum(cost(one, plan.snapshot) for one in buys) <= free_cash(plan.snapshot, sells)


@given(scenes(), limits_of)
def test_nor_do_they_beside_the_orders_of_an_earlier_run(scene, limits):
    plan = gate(scene.plan(limits), limits)
    sells, buys = sides(plan)
    if any(one.side == "buy" for one in ours(plan, scene)):
        assert sum(cost(one, plan.snapshot) for one in buys) <= free_cash(plan.snapshot, sells)


@given(scenes(), limits_of)
def test_no_limit_is_exceeded_by_what_a_run_adds(scene, limits):
    plan = gate(scene.plan(limits), limits)
    equity, bought = scene.account.equity, [one for one in ours(plan, scene) if one.side == "buy"]
    for one in bought:
        worth = (scene.shares.get(one.symbol, 0) + one.qty) * (one.limit or one.price)
        assert one.limit == highest_price(one.price, limits)
        assert limits.order_value is None or one.worst <= limits.order_value
        assert limits.position_share is None or worth <= limits.position_share * equity
        assert (
            limits.drawdown is None
            or not scene.facts.peak
            or equity >= scene.facts.peak * (1 - limits.drawdown)
        )
        mark = scene.facts.bar_closes.get(one.symbol)
        assert None in (limits.price_deviation, mark) or abs(one.price / mark - 1) <= limits.price_deviation
    if bought:
        traded = sum(one.worst for one in plan.orders)
        assert limits.session_value is None or traded <= limits.session_value
        assert limits.turnover is None or traded <= limits.turnover * equity
        assert limits.session_orders is None or len(plan.orders) <= limits.session_orders
    if any(one.symbol not in scene.shares for one in bought):
        gone = {
            one.symbol for one in plan.orders if one.side == "sell" and one.qty == scene.shares[one.symbol]
        }
        after = {*scene.shares, *(one.symbol for one in plan.orders if one.side == "buy")} - gone
        assert limits.max_symbols is None or len(after) <= limits.max_symbols


@given(scenes(standing=False), limits_of)
def test_a_prediction_of_another_session_or_team_is_never_traded(scene, limits):
    plan = gate(scene.plan(limits), limits)
    good = {
        one.symbol
        for one in scene.signals
        if (one.team, one.session) == ("red", SESSION)
        and (one.trained_through is None or one.trained_through <= SESSION)
    }
    for one in plan.orders:
        whole = one.side == "sell" and (one.symbol not in scene.closes or by_rule(one, scene))
        assert whole or (one.symbol in good and one.basis == SESSION)
        assert one.client_order_id == client_order_id("red", SESSION, one.symbol, one.side, 1)
        assert one.price == scene.closes.get(one.symbol) or whole


@given(scenes(standing=False), limits_of, st.sampled_from([date(2012, 12, 31), date(2013, 1, 3)]))
def test_with_nothing_but_stale_predictions_only_dropped_symbols_are_sold_and_what_a_rule_says(
    scene, limits, day
):
    stale = replace(scene, signals=[replace(one, session=day) for one in scene.signals])
    plan = gate(stale.plan(limits), limits)
    assert all(one.side == "sell" for one in plan.orders)
    assert all(one.symbol not in scene.closes or by_rule(one, scene) for one in plan.orders)


@given(scenes(standing=False), limits_of)
def test_what_a_rule_of_exit_says_is_sold_whole_and_not_bought(scene, limits):
    plan = gate(scene.plan(limits), limits)
    sold = {one.symbol: one for one in plan.orders if one.side == "sell"}
    for one in scene.positions:
        if one.symbol in scene.held:
            due = scene.facts.closes_held[one.symbol] >= (scene.rules.max_sessions or 10)
            prices = [scene.closes.get(one.symbol), one.current_price, scene.facts.bar_closes.get(one.symbol)]
            low = max(price for price in prices if price is not None) / one.avg_entry_price
            if due or (scene.rules.stop_loss is not None and low <= 1 - scene.rules.stop_loss):
                assert sold[one.symbol].qty == scene.held[one.symbol]


@given(scenes(), limits_of)
def test_every_symbol_is_either_traded_or_said_why_not(scene, limits):
    plan = gate(scene.plan(limits), limits)
    known = {*scene.closes, *scene.held, *(one.symbol for one in scene.signals)}
    told = {one.symbol for one in plan.orders} | {one.symbol for one in plan.skipped}
    there = {one.symbol for one in scene.facts.standing}
    assert known - there <= told
    assert all(skip.reason for skip in plan.skipped)


@given(scenes(), limits_of)
def test_the_gate_agrees_with_planning_and_with_itself(scene, limits):
    plan = scene.plan(limits)
    assert refusals(gate(plan, limits)) == []
    assert gate(plan, limits).orders == plan.orders


@given(scenes(), limits_of, limits_of)
def test_a_teams_limits_never_let_through_what_the_organisers_refuse(scene, organisers, teams):
    plan = scene.plan(strictest(organisers, teams))
    assert refusals(gate(plan, organisers)) == []


@given(scenes(), limits_of, st.randoms())
def test_the_order_of_the_inputs_does_not_matter_and_the_plan_survives_json(scene, limits, random):
    def shuffled(things):
        return random.sample(list(things), len(things))

    facts = replace(
        scene.facts,
        bar_closes=dict(shuffled(scene.facts.bar_closes.items())),
        volatility=dict(shuffled(scene.facts.volatility.items())),
    )
    # Two predictions of one symbol may come in any order too: neither of them counts.
    other = replace(
        scene,
        signals=shuffled(scene.signals),
        positions=shuffled(scene.positions),
        closes=dict(shuffled(scene.closes.items())),
        facts=facts,
    )
    plan = scene.plan(limits)
    assert other.plan(limits) == plan == scene.plan(limits)
    assert Plan.from_json(plan.to_json()) == plan
    assert Plan.from_json(plan.to_json()).to_json() == plan.to_json()


def require_completed(scene, limits):
    """Whatever of a plan was sent when its run died, the next run comes to the same plan."""
    first = gate(scene.plan(limits), limits)
    for sent in range(len(first.orders) + 1):
        standing = tuple(
            Standing(one.client_order_id, one.symbol, one.side, one.qty) for one in first.orders[:sent]
        )
        again = replace(scene, facts=replace(scene.facts, standing=standing))
        assert gate(again.plan(limits), limits) == first


@given(scenes(standing=False), limits_of)
def test_a_run_that_crashed_after_any_order_is_completed_and_not_repeated(scene, limits):
    require_completed(scene, limits)
