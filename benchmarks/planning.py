"""Planning a session and gating the plan, for many symbols at once: pure Python and Decimal, nothing asked or sent."""

import random
import time
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from benchmarks.figures import Figure, Findings
from benchmarks.measure import BenchmarkError
from benchmarks.workshop import Workshop
from my_dagster_project.domain.facts import Facts
from my_dagster_project.domain.limits import Limits
from my_dagster_project.domain.orders import plan_orders
from my_dagster_project.domain.plan import Plan, Rules, Signal
from my_dagster_project.domain.risk import gate, refusals
from my_dagster_project.domain.strategies import STRATEGIES
from my_dagster_project.trading.broker import Account, Position

SYMBOLS = 500
SESSION = date(2013, 1, 2)
LIMITS = Limits(500, "0.3", 50_000, 2_000_000, 1000, 2, "0.1", "0.25")
_MOST_MS = 50


@dataclass(frozen=True)
class _Scene:
    """A team that follows SYMBOLS symbols and holds every second one."""

    signals: list[Signal]
    positions: list[Position]
    account: Account
    closes: dict[str, float]
    facts: Facts

    def plan(self, strategy: str) -> Plan:
        """Plan and gate the session with every limit set."""
        rules = Rules(strategy, 0.0005, 0.0, Decimal("0.002"))
        given = (self.signals, self.positions, self.account, self.closes, rules)
        return gate(plan_orders("red", SESSION, *given, LIMITS, facts=self.facts), LIMITS)


def measure(workshop: Workshop) -> Findings:
    """Milliseconds of one session with every strategy, the fastest of many."""
    figures = []
    for strategy in STRATEGIES:
        scene = _scene(strategy)
        _check(scene.plan(strategy), strategy)
        took = min(_seconds(scene, strategy) for _ in range(5 * workshop.rounds(4)))
        figures.append(Figure(f"{SYMBOLS} symbols, {strategy}", "ms", took * 1000, target=_MOST_MS))
    return Findings(
        title="Planning a session and gating the plan",
        plain="there is none: without a platform nobody plans.",
        figures=tuple(figures),
        notes=("With all eight limits set; reading predictions and account is not in it.",),
    )


def _seconds(scene: _Scene, strategy: str) -> float:
    started = time.perf_counter()
    scene.plan(strategy)
    return time.perf_counter() - started


def _scene(strategy: str) -> _Scene:
    dice = random.Random(7)
    names = [f"S{number:03}" for number in range(SYMBOLS)]
    closes = {name: round(dice.uniform(5, 500), 2) for name in names}
    words = STRATEGIES[strategy].targets == ("next_direction",)
    target = "next_direction" if words else "next_return"
    value = (lambda: dice.uniform(0, 0.001)) if words else (lambda: dice.gauss(0.0005, 0.01))
    held = [
        Position(name, Decimal(20), Decimal(20), price, price, 20 * price)
        for name in names[::2]
        for price in [Decimal(str(closes[name]))]
    ]
    worth = sum((one.market_value for one in held), Decimal(0))
    cash = Decimal(1_000_000)
    return _Scene(
        signals=[Signal("red", SESSION, name, value(), target) for name in names],
        positions=held,
        account=Account("a", cash, cash + worth, cash, 2),
        closes=closes,
        facts=Facts(closes, {name: dice.uniform(0.005, 0.05) for name in names}, cash + worth),
    )


def _check(plan: Plan, strategy: str) -> None:
    told = {one.symbol for one in plan.orders} | {one.symbol for one in plan.skipped}
    if not plan.orders or refusals(plan) or len(told) != SYMBOLS:
        raise BenchmarkError(
            f"{strategy}: {len(plan.orders)} orders, {len(refusals(plan))} refused, {len(told)} symbols decided"
        )
