"""Strategies: from what is predicted and held to the share of equity that each symbol should have.

A strategy is a small class, found by name in `STRATEGIES`, that looks at all signals of a session at once, of as many accounts as
there are (`account_columns`). It decides what is wanted; how many shares that is (`sizing`), what cash and limits allow (`deciding`,
`risk`) is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Protocol

from my_dagster_project.domain.account_columns import RuleColumns
from my_dagster_project.domain.targets import NEXT_DIRECTION, NEXT_RETURN, TARGETS, Target
from my_dagster_project.foundation.errors import TradingError

if TYPE_CHECKING:
    from my_dagster_project.domain.account_columns import Flags, Floats

# A price that moves less (per session) stands still: nobody trades it, which is no reason to put everything into it.
LEAST_VOLATILITY = 1e-6
AS_TOLD = "as_told"


@dataclass(frozen=True)
class Outlook:
    """What a strategy may look at: signals, whole shares held and short, rules, volatility per session; a row for each account.

    `values` are NaN where nothing is predicted that may be traded, `positions` where none was answered; `likely` says whose
    values are probabilities of up.
    """

    values: Floats
    held: Floats
    short: Floats
    rules: RuleColumns
    volatility: Floats
    positions: Floats
    likely: Flags

    @cached_property
    def asked(self) -> Flags:
        """Tell which symbols have a signal."""
        found: Flags = self.values == self.values
        return found

    @cached_property
    def buys(self) -> Flags:
        """Tell which signals are above the threshold to buy."""
        found: Flags = self.values > self.rules.buy_above
        return found

    @cached_property
    def sells(self) -> Flags:
        """Tell which signals are below the threshold to sell."""
        found: Flags = self.values < self.rules.sell_below
        return found

    @cached_property
    def shorts(self) -> Flags:
        """Tell which signals are below the threshold to sell short."""
        found: Flags = self.values < self.rules.short_below
        return found

    def rows(self, at: list[int], rules: RuleColumns) -> Outlook:
        """Give some accounts' outlook, who follow these rules."""
        volatility = self.volatility[at] if len(self.volatility) == len(self.values) else self.volatility
        return Outlook(
            self.values[at],
            self.held[at],
            self.short[at],
            rules,
            volatility,
            self.positions[at],
            self.likely[at],
        )

    def why(self, at: int) -> str:
        """Give the first account's signal of a symbol beside its thresholds: 'predicted -0.800 %, below -0.500 %'."""
        target = NEXT_DIRECTION if self.likely[0, 0] else NEXT_RETURN
        said = describe(self.values[0, at], target)
        low, high = (
            describe(limit[0, 0], target, bare=True)
            for limit in (self.rules.sell_below, self.rules.buy_above)
        )
        if self.buys[0, at]:
            return f"{said}, above {high}"
        return f"{said}, below {low}" if self.sells[0, at] else f"{said}, between {low} and {high}"

    def kept(self, at: int) -> str:
        """Give the words for leaving a symbol of the first account as it is."""
        return "kept" if self.held[0, at] or self.short[0, at] else "not bought"

    def left(self, at: int) -> str:
        """Give the reason why a symbol of the first account is left alone."""
        return f"{self.why(at)}: {self.kept(at)}"


class Strategy(Protocol):
    """What every strategy has. The same outlook gives the same shares, whoever else is in it."""

    says: ClassVar[str]
    """One sentence for people."""
    targets: ClassVar[tuple[Target, ...]]
    """The targets it can read."""
    sells_short: ClassVar[bool]
    """Whether it knows what to do with `short_below`."""

    def shares(self, outlook: Outlook) -> Floats:
        """Give the fraction of equity that each symbol with a signal should have; NaN leaves what is held alone."""

    def why(self, outlook: Outlook, share: float, at: int) -> str:
        """Say why a symbol of the first account gets this share."""


def wanted_shares(outlook: Outlook) -> Floats:
    """Give what each account's own strategy wants; NaN where nothing is asked, or it leaves a symbol alone."""
    import numpy as np

    kinds = outlook.rules.by_strategy
    found = np.full(outlook.values.shape, np.nan)
    for name, (at, rules) in kinds.items():
        part = outlook if len(kinds) == 1 else outlook.rows(at, rules)
        found[at] = np.where(part.asked, strategy(name).shares(part), np.nan)
    return found


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

    def shares(self, outlook: Outlook) -> Floats:
        """Give every symbol its own answer; the others do not matter."""
        import numpy as np

        # What is short stays so while the signal says sell, and ends where it does not.
        ends = outlook.sells != (outlook.short > 0)
        usual = outlook.rules.position_share
        flat = np.where(outlook.shorts, -usual, np.where(ends, 0.0, np.nan))
        return np.where(outlook.buys, usual, flat)

    def why(self, outlook: Outlook, share: float, at: int) -> str:
        """Give the signal, and what follows from it beside what is held."""
        if share != share:
            return outlook.left(at)
        return f"{outlook.why(at)}: short" if share < 0 else outlook.why(at)


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

    def shares(self, outlook: Outlook) -> Floats:
        """Give at most one symbol to sell and one to buy; everything else is left as it is. Of equals the first by name counts."""
        import numpy as np

        rows, last = np.arange(len(outlook.values)), outlook.values.shape[1] - 1
        found = np.full(outlook.values.shape, np.nan)
        best = np.where(outlook.buys & (outlook.held == 0), outlook.values, -np.inf)
        worst = np.where(outlook.sells & (outlook.held > 0), outlook.values, np.inf)[:, ::-1]
        for among, at, share in (
            (worst, last - worst.argmin(axis=1), np.zeros(len(rows))),
            (best, best.argmax(axis=1), outlook.rules.position_share[:, 0]),
        ):
            some = np.isfinite(among).any(axis=1)
            found[rows[some], at[some]] = share[some]
        return found

    def why(self, outlook: Outlook, share: float, at: int) -> str:
        """Say which one it is."""
        if share != share:
            return outlook.left(at)
        return f"{outlook.why(at)}, " + (
            "the best of what is not held" if share else "the worst of what is held"
        )


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

    def shares(self, outlook: Outlook) -> Floats:
        """Give every symbol its share; one without a volatility is left as it is."""
        import numpy as np

        known = np.where(outlook.volatility >= LEAST_VOLATILITY, outlook.volatility, np.nan)
        moves = np.where(outlook.likely, 2 * outlook.values - 1, outlook.values / known)
        merits = np.where(outlook.buys, np.maximum(moves, 0.0) / known, np.nan)
        total = np.nansum(merits, axis=1, keepdims=True)
        shares = cut(np.where(total > 0, merits / total, np.where(np.isnan(merits), np.nan, 0.0)))
        return np.where(outlook.sells, 0.0, np.minimum(shares, outlook.rules.position_share))

    def why(self, outlook: Outlook, share: float, at: int) -> str:
        """Give the signal with the volatility that it is held against."""
        why = outlook.why(at)
        if outlook.sells[0, at]:
            return why
        if not outlook.buys[0, at]:
            return outlook.left(at)
        if share != share:
            return f"{why}; its volatility is not known: {outlook.kept(at)}"
        return f"{why}, volatility {outlook.volatility[0, at]:.2%}"


class BuyHoldSell:
    """Read a probability of up as one of three words: buy, hold, sell. What is held is never traded to a size.

    Unlike `long_flat` a position is bought once and then left alone until it is sold, so it pays costs twice in all.
    """

    says: ClassVar[str] = (
        "Buy above buy_above, sell below sell_below, hold between; a position is not resized."
    )
    targets: ClassVar[tuple[Target, ...]] = (NEXT_DIRECTION,)
    sells_short: ClassVar[bool] = False

    def shares(self, outlook: Outlook) -> Floats:
        """Give every symbol its own answer; the others do not matter."""
        import numpy as np

        bought = np.where(outlook.buys & (outlook.held == 0), outlook.rules.position_share, np.nan)
        return np.where(outlook.sells, 0.0, bought)

    def why(self, outlook: Outlook, share: float, at: int) -> str:
        """Say which of the three words it is."""
        why = outlook.why(at)
        if outlook.sells[0, at]:
            return f"sell: {why}"
        if not outlook.buys[0, at]:
            return f"hold: {outlook.left(at)}"
        return f"buy: {why}; held already: kept" if outlook.held[0, at] else f"buy: {why}"


class AsTold:
    """Hold what a model that answers with positions says: 1 is `position_share` of equity, 0 nothing, -1 as much sold short.

    The thresholds do not matter, but for one: without `short_below` nothing is sold short.
    """

    says: ClassVar[str] = "Hold the position that the model answers with, times position_share."
    targets: ClassVar[tuple[Target, ...]] = TARGETS
    sells_short: ClassVar[bool] = True

    def shares(self, outlook: Outlook) -> Floats:
        """Give every symbol its own answer; what has no position is left alone."""
        import numpy as np

        barred = np.isnan(outlook.rules.short_below) & (outlook.positions < 0)
        return np.where(barred, 0.0, cut(outlook.rules.position_share * outlook.positions))

    def why(self, outlook: Outlook, share: float, at: int) -> str:
        """Give the position that was answered."""
        position = outlook.positions[0, at]
        if position != position:
            return f"no position was answered: {outlook.kept(at)}"
        barred = position < 0 and outlook.rules.short_below[0, 0] != outlook.rules.short_below[0, 0]
        return f"position {position:+.3f}" + (", and nothing is sold short" if barred else "")


def cut(shares: Floats) -> Floats:
    """Give shares of equity in millionths, towards zero."""
    import numpy as np

    found: Floats = np.trunc(shares * 1e6 + np.copysign(1e-6, shares)) / 1e6
    return found


def describe(value: float, target: Target, *, bare: bool = False) -> str:
    """Give a signal or threshold as people read it: 'predicted -0.800 %' or 'probability of up 0.560'."""
    if target == NEXT_RETURN:
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
