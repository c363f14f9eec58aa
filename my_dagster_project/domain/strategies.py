"""Strategies: from what is predicted and held to the share of equity that each symbol should have.

A strategy is a small class, found by name in `STRATEGIES`, that looks at all signals of a session at once. It decides
what is wanted; how many shares that is (`sizing`), what cash and limits allow (`orders`, `risk`) is decided elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import ClassVar, Protocol

from my_dagster_project.domain.plan import Rules, Signal
from my_dagster_project.domain.targets import NEXT_DIRECTION, TARGETS, Target
from my_dagster_project.foundation.errors import TradingError

# A price that moves less (per session) stands still: nobody trades it, which is no reason to put everything into it.
LEAST_VOLATILITY = 1e-6
AS_TOLD = "as_told"
_SHARE_STEP = Decimal("0.000001")


@dataclass(frozen=True)
class Weight:
    """The fraction of equity a symbol should have; None leaves what is held alone. `why` is for people."""

    share: Decimal | None
    why: str


@dataclass(frozen=True)
class Outlook:
    """What a strategy may look at: a session's signals, whole shares held, and short, the rules, volatility per session."""

    signals: Mapping[str, Signal]
    held: Mapping[str, int]
    rules: Rules
    volatility: Mapping[str, float] = field(default_factory=dict)
    short: Mapping[str, int] = field(default_factory=dict)

    def is_buy(self, symbol: str) -> bool:
        """Tell whether the signal is above the threshold to buy."""
        return self.signals[symbol].value > self.rules.buy_above

    def is_sell(self, symbol: str) -> bool:
        """Tell whether the signal is below the threshold to sell."""
        return self.signals[symbol].value < self.rules.sell_below

    def is_short(self, symbol: str) -> bool:
        """Tell whether the signal is below the threshold to sell short."""
        return self.rules.short_below is not None and self.signals[symbol].value < self.rules.short_below

    def why(self, symbol: str) -> str:
        """Give the signal beside its thresholds: 'predicted -0.800 %, below -0.500 %'."""
        signal, rules = self.signals[symbol], self.rules
        said = describe(signal.value, signal)
        low, high = (describe(limit, signal, bare=True) for limit in (rules.sell_below, rules.buy_above))
        if self.is_buy(symbol):
            return f"{said}, above {high}"
        return f"{said}, below {low}" if self.is_sell(symbol) else f"{said}, between {low} and {high}"

    def kept(self, symbol: str) -> str:
        """Give the words for leaving a symbol as it is."""
        return "kept" if self.held.get(symbol) or self.short.get(symbol) else "not bought"


class Strategy(Protocol):
    """What every strategy has. The same outlook gives the same weights, in whatever order it lists the symbols."""

    says: ClassVar[str]
    """One sentence for people."""
    targets: ClassVar[tuple[Target, ...]]
    """The targets it can read."""
    sells_short: ClassVar[bool]
    """Whether it knows what to do with `short_below`."""

    def weights(self, outlook: Outlook) -> dict[str, Weight]:
        """Give a weight for each signal."""


class LongFlat:
    """Hold `position_share` of equity where the signal is above `buy_above`; leave at `sell_below`, else flat.

    Between the thresholds what is held stays as it is and nothing is bought (hysteresis, so that a signal that
    wavers around one threshold does not pay costs every session). Below `short_below` as much is sold short, until the signal
    is at `sell_below` again.
    """

    says: ClassVar[str] = (
        "Hold each symbol above buy_above with the same share, nothing of those below sell_below."
    )
    targets: ClassVar[tuple[Target, ...]] = TARGETS
    sells_short: ClassVar[bool] = True

    def weights(self, outlook: Outlook) -> dict[str, Weight]:
        """Give every symbol its own answer; the others do not matter."""
        return {symbol: self._weight(symbol, outlook) for symbol in outlook.signals}

    def _weight(self, symbol: str, outlook: Outlook) -> Weight:
        why = outlook.why(symbol)
        if outlook.is_buy(symbol):
            return Weight(outlook.rules.position_share, why)
        if outlook.is_short(symbol):
            return Weight(-outlook.rules.position_share, f"{why}: short")
        # What is short stays so while the signal says sell, and ends where it does not.
        ends = outlook.is_sell(symbol) != bool(outlook.short.get(symbol))
        return Weight(Decimal(0), why) if ends else _leave(symbol, outlook)


class Rotation:
    """Sell the one held symbol that is predicted worst, buy the best one not held with the cash that is free.

    The rule of PriXss/MLOPS, which these competitions began with, less its habit of putting all of the account into one
    symbol: `position_share` bounds that here. Elsewhere it is Qlib's TopkDropoutStrategy with n_drop = 1.
    """

    says: ClassVar[str] = (
        "Each session sell the worst held symbol below sell_below, buy the best one above buy_above."
    )
    targets: ClassVar[tuple[Target, ...]] = TARGETS
    sells_short: ClassVar[bool] = False

    def weights(self, outlook: Outlook) -> dict[str, Weight]:
        """Give at most one symbol to sell and one to buy; everything else is left as it is."""
        ranked = sorted(outlook.signals, key=lambda symbol: (-outlook.signals[symbol].value, symbol))
        best = next((s for s in ranked if outlook.is_buy(s) and not outlook.held.get(s)), None)
        worst = next((s for s in reversed(ranked) if outlook.is_sell(s) and outlook.held.get(s)), None)
        weights = {symbol: _leave(symbol, outlook) for symbol in outlook.signals}
        if worst is not None:
            weights[worst] = Weight(Decimal(0), f"{outlook.why(worst)}, the worst of what is held")
        if best is not None:
            why = f"{outlook.why(best)}, the best of what is not held"
            weights[best] = Weight(outlook.rules.position_share, why)
        return weights


class ForecastVolatility:
    """Spread equity over the symbols above `buy_above` by how much is predicted for the risk that is taken.

    Weights in proportion to predicted return / variance: what mean-variance (Markowitz, Kelly) comes to when symbols do
    not move together. A probability of up p stands for a return of (2p - 1) volatilities. Weights sum to 1; each
    is cut at `position_share`, and what is cut off stays cash.
    """

    says: ClassVar[str] = (
        "Share equity among symbols above buy_above by prediction / variance, at most position_share each."
    )
    targets: ClassVar[tuple[Target, ...]] = TARGETS
    sells_short: ClassVar[bool] = False

    def weights(self, outlook: Outlook) -> dict[str, Weight]:
        """Give every symbol its share; one without a volatility is left as it is."""
        merits = {s: self._merit(s, outlook) for s in sorted(outlook.signals) if outlook.is_buy(s)}
        total = sum(merit for merit in merits.values() if merit is not None)
        return {symbol: self._weight(symbol, outlook, merits, total) for symbol in outlook.signals}

    def _merit(self, symbol: str, outlook: Outlook) -> float | None:
        signal, volatility = outlook.signals[symbol], outlook.volatility.get(symbol)
        if volatility is None or not volatility >= LEAST_VOLATILITY:
            return None
        in_volatilities = signal.value / volatility
        if signal.target == "next_direction":
            in_volatilities = 2 * signal.value - 1
        return max(0.0, in_volatilities) / volatility

    def _weight(
        self, symbol: str, outlook: Outlook, merits: Mapping[str, float | None], total: float
    ) -> Weight:
        if outlook.is_sell(symbol):
            return Weight(Decimal(0), outlook.why(symbol))
        if symbol not in merits:
            return _leave(symbol, outlook)
        merit, why = merits[symbol], outlook.why(symbol)
        if merit is None:
            return Weight(None, f"{why}; its volatility is not known: {outlook.kept(symbol)}")
        exact = Decimal(str(merit / total if total else 0.0)).quantize(_SHARE_STEP, ROUND_DOWN)
        return Weight(
            min(outlook.rules.position_share, exact), f"{why}, volatility {outlook.volatility[symbol]:.2%}"
        )


class BuyHoldSell:
    """Read a probability of up as one of three words: buy, hold, sell. What is held is never traded to a size.

    Unlike `long_flat` a position is bought once and then left alone until it is sold, so it pays costs twice in all.
    """

    says: ClassVar[str] = (
        "Buy above buy_above, sell below sell_below, hold between; a position is not resized."
    )
    targets: ClassVar[tuple[Target, ...]] = (NEXT_DIRECTION,)
    sells_short: ClassVar[bool] = False

    def weights(self, outlook: Outlook) -> dict[str, Weight]:
        """Give every symbol its own answer; the others do not matter."""
        return {symbol: self._weight(symbol, outlook) for symbol in outlook.signals}

    def _weight(self, symbol: str, outlook: Outlook) -> Weight:
        why = outlook.why(symbol)
        if outlook.is_sell(symbol):
            return Weight(Decimal(0), f"sell: {why}")
        if not outlook.is_buy(symbol):
            return Weight(None, f"hold: {why}: {outlook.kept(symbol)}")
        if outlook.held.get(symbol):
            return Weight(None, f"buy: {why}; held already: kept")
        return Weight(outlook.rules.position_share, f"buy: {why}")


class AsTold:
    """Hold what a model that answers with positions says: 1 is `position_share` of equity, 0 nothing, -1 as much sold short.

    The thresholds do not matter, but for one: without `short_below` nothing is sold short.
    """

    says: ClassVar[str] = "Hold the position that the model answers with, times position_share."
    targets: ClassVar[tuple[Target, ...]] = TARGETS
    sells_short: ClassVar[bool] = True

    def weights(self, outlook: Outlook) -> dict[str, Weight]:
        """Give every symbol its own answer; what has no position is left alone."""
        return {symbol: self._weight(symbol, outlook) for symbol in outlook.signals}

    def _weight(self, symbol: str, outlook: Outlook) -> Weight:
        position = outlook.signals[symbol].position
        if position is None:
            return Weight(None, f"no position was answered: {outlook.kept(symbol)}")
        why = f"position {position:+.3f}"
        if outlook.rules.short_below is None and position < 0:
            return Weight(Decimal(0), f"{why}, and nothing is sold short")
        share = outlook.rules.position_share * Decimal(str(position))
        return Weight(share.quantize(_SHARE_STEP, ROUND_DOWN), why)


def _leave(symbol: str, outlook: Outlook) -> Weight:
    return Weight(None, f"{outlook.why(symbol)}: {outlook.kept(symbol)}")


def describe(value: float, signal: Signal, *, bare: bool = False) -> str:
    """Give a signal or threshold as people read it: 'predicted -0.800 %' or 'probability of up 0.560'."""
    if signal.target == "next_return":
        text, noun = f"{value * 100:+.3f} %", "predicted"
    else:
        text, noun = f"{value:.3f}", "probability of up"
    return text if bare else f"{noun} {text}"


STRATEGIES: dict[str, Strategy] = {
    "long_flat": LongFlat(),
    "rotation": Rotation(),
    "forecast_volatility": ForecastVolatility(),
    "buy_hold_sell": BuyHoldSell(),
    AS_TOLD: AsTold(),
}


def strategy(name: str) -> Strategy:
    """Give the strategy of this name; raises TradingError with the known ones."""
    try:
        return STRATEGIES[name]
    except KeyError:
        raise TradingError(
            f"trading.strategy: there is no {name!r}; known: {', '.join(sorted(STRATEGIES))}"
        ) from None
