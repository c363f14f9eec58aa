"""What planning looks at, as arrays: a row for each account, a column for each symbol (by name). Dollars and shares, float64.

The order path plans one account, a backtest all of its teams' at once; both call the same functions. NaN is what nobody knows, a
limit that is none is infinite. Exact decimals begin at the broker: `HAIR` below a whole number of shares, or above a limit, is
what floating point makes of exactly that number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.limits import Limits
from my_dagster_project.domain.plan import Rules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Floats = NDArray[Any]
    type Flags = NDArray[Any]

HAIR = 1e-9


def whole(shares: Floats) -> Floats:
    """Give whole shares, towards zero."""
    import numpy as np

    found: Floats = np.trunc(shares + HAIR)
    return found


def column(values: Sequence[Any], none: float) -> Floats:
    """Give a column with one figure for each account; `none` where there is no such rule or limit."""
    import numpy as np

    return np.array([[none if value is None else float(value)] for value in values])


@dataclass(frozen=True)
class RuleColumns:
    """The rules of each account (see `plan.Rules`), NaN where there is none; each strategy's rows."""

    strategies: tuple[str, ...]
    buy_above: Floats
    sell_below: Floats
    short_below: Floats
    position_share: Floats
    rebalance_band: Floats
    cash_margin: Floats
    stop_loss: Floats
    max_sessions: Floats
    volatility_target: Floats

    @classmethod
    def of(cls, rules: Sequence[Rules]) -> RuleColumns:
        """Give the columns of these rules."""
        names = [one.name for one in fields(cls) if one.name != "strategies"]
        columns = {name: column([getattr(one, name) for one in rules], float("nan")) for name in names}
        return cls(tuple(one.strategy for one in rules), **columns)

    @cached_property
    def by_strategy(self) -> dict[str, tuple[list[int], RuleColumns]]:
        """Give the rows of each strategy with their own columns."""
        rows = {name: [n for n, one in enumerate(self.strategies) if one == name] for name in self.strategies}
        names = [one.name for one in fields(self) if one.name != "strategies"]
        return {
            name: (at, RuleColumns((name,) * len(at), **{one: getattr(self, one)[at] for one in names}))
            for name, at in rows.items()
        }


@dataclass(frozen=True)
class LimitColumns:
    """The limits of each account (see `limits.Limits`), infinite where there is none."""

    max_symbols: Floats
    position_share: Floats
    order_value: Floats
    session_value: Floats
    session_orders: Floats
    turnover: Floats
    price_deviation: Floats
    drawdown: Floats

    @classmethod
    def of(cls, limits: Sequence[Limits]) -> LimitColumns:
        """Give the columns of these limits."""
        names = [one.name for one in fields(cls)]
        return cls(**{name: column([getattr(one, name) for one in limits], float("inf")) for name in names})

    @cached_property
    def largest_share(self) -> Floats:
        """Give the largest fraction of equity in one symbol; without a limit all of it."""
        import numpy as np

        return np.where(np.isinf(self.position_share), 1.0, self.position_share)


@dataclass(frozen=True)
class Accounts:
    """Accounts after a session's close, as `plan.Snapshot` has one: whole shares, held and short, and `part` of one beside."""

    rules: RuleColumns
    limits: LimitColumns
    equity: Floats
    cash: Floats
    peak: Floats
    held: Floats
    short: Floats
    part: Floats
    closes: Floats
    marks: Floats
    spendable: Flags
    lends: Flags

    @cached_property
    def shares(self) -> Floats:
        """Give all that is held, parts of a share too."""
        found: Floats = self.held + self.part
        return found

    @cached_property
    def signed(self) -> Floats:
        """Give all shares, those sold short negative."""
        found: Floats = self.shares - self.short
        return found

    @cached_property
    def prices(self) -> Floats:
        """Give the close, or what somebody else gives for a symbol that has none."""
        import numpy as np

        return np.where(np.isnan(self.closes), self.marks, self.closes)

    @cached_property
    def worth(self) -> Floats:
        """Give the equity, nothing where it is below that."""
        import numpy as np

        return np.maximum(self.equity, 0.0)

    @cached_property
    def own_cash(self) -> Floats:
        """Give the cash that secures nothing (see `plan.Snapshot.own_cash`)."""
        import numpy as np

        dearest = np.nan_to_num(np.fmax(self.closes, self.marks))
        found: Floats = self.cash - 2 * (self.short * dearest).sum(axis=1, keepdims=True)
        return found

    @cached_property
    def gap(self) -> Flags:
        """Tell whose close is too far from what others give for the symbol (see `limits.price_gap`)."""
        import numpy as np

        found: Flags = np.abs(self.closes / self.marks - 1) > self.limits.price_deviation + HAIR
        return found

    @cached_property
    def too_deep(self) -> Flags:
        """Tell which accounts are so far below their peak that they may only sell (see `limits.fallen`)."""
        found: Flags = (self.peak > 0) & (1 - self.equity / self.peak > self.limits.drawdown + HAIR)
        return found

    @cached_property
    def worst(self) -> Floats:
        """Give the most that a share may cost at the open: its limit, else the close."""
        import numpy as np

        highest = highest_prices(self.prices, self.limits.price_deviation)
        return np.where(np.isinf(highest), self.prices, highest)

    @cached_property
    def cost(self) -> Floats:
        """Give what a bought share takes of the cash: its limit, else the close with the margin for costs and the gap."""
        import numpy as np

        limited = np.isfinite(self.limits.price_deviation)
        return np.where(limited, self.worst, self.prices * (1 + self.rules.cash_margin))

    @cached_property
    def session_room(self) -> Floats:
        """Give the dollars that all orders of a session may be worth (see `limits.session_room`)."""
        import numpy as np

        by_equity = np.where(np.isinf(self.limits.turnover), np.inf, self.limits.turnover * self.worth)
        return np.minimum(self.limits.session_value, by_equity)

    def near(self, present: Floats, wanted: Floats) -> Flags:
        """Tell which positions, held or short, are close enough to what is wanted, and not above what the limits allow."""
        import numpy as np

        over = np.abs(self.signed) * self.closes > self.equity * self.limits.largest_share + HAIR
        within = np.abs(present - wanted) <= wanted * self.rules.rebalance_band + HAIR
        found: Flags = within & ~over
        return found


def highest_prices(closes: Floats, deviation: Floats) -> Floats:
    """Give the most a share may cost at the open, dollars; infinite where nobody limits how far it may be from the close.

    Rounded down to what brokers take: whole cents from one dollar on, hundredths of a cent below (SEC rule 612).
    """
    import numpy as np

    highest = closes * (1 + deviation)
    steps = np.where(highest >= 1, 100.0, 10_000.0)
    found: Floats = np.floor(highest * steps + 1e-6) / steps
    return found
