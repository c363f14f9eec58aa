"""Strategies: from what is predicted and held to the share of equity that each symbol should have.

A strategy is a function of all signals of a session at once, found by name in `STRATEGIES`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from my_dagster_project.domain.plan import Rules, Signal
from my_dagster_project.errors import TradingError


@dataclass(frozen=True)
class Weight:
    """The fraction of equity a symbol should have; None leaves what is held alone. `why` is for people."""

    share: Decimal | None
    why: str


Strategy = Callable[[Mapping[str, Signal], Mapping[str, int], Rules], dict[str, Weight]]


def strategy(name: str) -> Strategy:
    """Give the strategy of this name; raises TradingError with the known ones."""
    try:
        return STRATEGIES[name]
    except KeyError:
        raise TradingError(
            f"trading.strategy: there is no {name!r}; known: {', '.join(sorted(STRATEGIES))}"
        ) from None


def long_flat(signals: Mapping[str, Signal], held: Mapping[str, int], rules: Rules) -> dict[str, Weight]:
    """Hold `position_share` of equity where the signal is above `buy_above`; leave at `sell_below`, else flat.

    Between the thresholds what is held stays as it is and nothing is bought (hysteresis, so that a signal that
    wavers around one threshold does not pay costs every session).
    """
    return {symbol: _long_flat(signal, held.get(symbol, 0), rules) for symbol, signal in signals.items()}


def _long_flat(signal: Signal, held: int, rules: Rules) -> Weight:
    said = describe(signal.value, signal)
    if signal.value > rules.buy_above:
        return Weight(rules.position_share, f"{said}, above {describe(rules.buy_above, signal, bare=True)}")
    if signal.value < rules.sell_below:
        below = f"{said}, below {describe(rules.sell_below, signal, bare=True)}"
        return Weight(Decimal(0), below)
    kept = "kept" if held else "not bought"
    low, high = (describe(limit, signal, bare=True) for limit in (rules.sell_below, rules.buy_above))
    return Weight(None, f"{said}, between {low} and {high}: {kept}")


def describe(value: float, signal: Signal, *, bare: bool = False) -> str:
    """Give a signal or threshold as people read it: 'predicted -0.800 %' or 'probability of up 0.560'."""
    if signal.target == "next_return":
        text, noun = f"{value * 100:+.3f} %", "predicted"
    else:
        text, noun = f"{value:.3f}", "probability of up"
    return text if bare else f"{noun} {text}"


STRATEGIES: dict[str, Strategy] = {"long_flat": long_flat}
