"""One account's session: its snapshot as arrays for `deciding`, and what is decided as orders and reasons, in exact decimals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.account_columns import Accounts, LimitColumns, RuleColumns
from my_dagster_project.domain.deciding import Decisions, Standing, decide
from my_dagster_project.domain.exits import losses, overdue, stopped
from my_dagster_project.domain.facts import Facts, PositionView
from my_dagster_project.domain.limits import Limits, highest_price
from my_dagster_project.domain.plan import Plan, PlannedOrder, Rules, Side, Signal, Snapshot
from my_dagster_project.domain.reasons import Reasons
from my_dagster_project.domain.strategies import Outlook
from my_dagster_project.domain.targets import NEXT_DIRECTION
from my_dagster_project.domain.volatility import WINDOW

if TYPE_CHECKING:
    from my_dagster_project.domain.account_columns import Flags, Floats

_NOT_KNOWN = float("nan")


@dataclass(frozen=True)
class OneAccount:
    """A team's account after a session's close, with its rules and limits and what else is known."""

    snapshot: Snapshot
    rules: Rules
    limits: Limits
    facts: Facts
    positions: Sequence[PositionView]

    @cached_property
    def symbols(self) -> list[str]:
        """Give the columns: all symbols that anybody knows something of."""
        seen = self.snapshot
        standing = (one.symbol for one in seen.standing)
        return sorted({*seen.closes, *seen.marks, *seen.shares, *seen.short, *standing})

    def row(self, given: Mapping[str, Any], none: float = 0.0) -> Floats:
        """Give a row of figures by symbol."""
        import numpy as np

        return np.array([[float(given.get(symbol, none)) for symbol in self.symbols]], float)

    def flags(self, given: Mapping[str, Any]) -> Flags:
        """Give a row of which symbols are among those given."""
        import numpy as np

        return np.array([[symbol in given for symbol in self.symbols]], bool)

    @cached_property
    def accounts(self) -> Accounts:
        """Give the account as arrays."""
        import numpy as np

        seen = self.snapshot
        return Accounts(
            rules=RuleColumns.of([self.rules]),
            limits=LimitColumns.of([self.limits]),
            equity=np.array([[float(seen.equity)]]),
            cash=np.array([[float(seen.cash)]]),
            peak=np.array([[float(seen.peak or 0)]]),
            held=self.row(seen.held),
            short=self.row(seen.short),
            part=self.row(seen.fractions),
            closes=self.row(seen.closes, _NOT_KNOWN),
            marks=self.row(seen.marks, _NOT_KNOWN),
            spendable=np.array([[seen.spendable_proceeds]]),
            lends=np.array([[seen.lends]]),
        )

    def exits(self) -> dict[str, str]:
        """Give the symbols that a rule of exit sells, with its reason."""
        import numpy as np

        paid = {one.symbol: one.avg_entry_price for one in self.positions}
        entries = self.row(paid, _NOT_KNOWN)
        held_over = self.row(self.facts.closes_held)
        with np.errstate(all="ignore"):
            loss, price = losses(self.accounts, entries)
            too_deep, too_long = stopped(self.accounts, loss), overdue(self.accounts, held_over)
        found = {}
        for at, symbol in enumerate(self.symbols):
            if too_deep[0, at]:
                way = "below" if symbol in self.snapshot.held else "above"
                found[symbol] = (
                    f"stop loss: {price[0, at]:,.2f} is {loss[0, at]:.1%} {way} its entry at {paid[symbol]:,.2f}, the rule"
                    f" is {self.rules.stop_loss:.1%}"
                )
            elif too_long[0, at]:
                closes = self.facts.closes_held[symbol]
                found[symbol] = f"time exit: held over {closes} closes, the rule is {self.rules.max_sessions}"
        return found

    def decided(self, plan: Plan, good: Mapping[str, Signal], leaving: Mapping[str, str]) -> Plan:
        """Give the plan with its orders. Those that stand at the broker come before, as they are."""
        seen = self.snapshot
        done = {one.symbol for one in seen.standing}
        open_to = {symbol: signal for symbol, signal in good.items() if symbol not in done}
        outlook = self._outlook(open_to)
        returns = None if self.rules.volatility_target is None else self._returns()
        decisions = decide(self.accounts, outlook, self.flags(leaving), returns, self._standing())
        given = (self.symbols, seen, self.rules, self.limits, self.accounts, outlook, decisions)
        reasons = Reasons(*given, {symbol: why for symbol, why in leaving.items() if symbol not in done})
        fixed = [self._fixed(number) for number in range(len(seen.standing))]
        made = [*fixed, *self._orders(plan, decisions, reasons, open_to)]
        orders = sorted(made, key=lambda order: order.side == "buy")
        skipped = sorted((*plan.skipped, *reasons.skipped()), key=lambda skip: (skip.symbol, skip.reason))
        return Plan(plan.team, plan.session, plan.rev, plan.snapshot, tuple(orders), tuple(skipped))

    def _outlook(self, signals: Mapping[str, Signal]) -> Outlook:
        import numpy as np

        positions = {symbol: one.position for symbol, one in signals.items() if one.position is not None}
        return Outlook(
            values=self.row({symbol: one.value for symbol, one in signals.items()}, _NOT_KNOWN),
            held=self.accounts.held,
            short=self.accounts.short,
            rules=self.accounts.rules,
            volatility=self.row(self.facts.volatility, _NOT_KNOWN),
            positions=self.row(positions, _NOT_KNOWN),
            likely=np.array([[any(one.target == NEXT_DIRECTION for one in signals.values())]]),
        )

    def _returns(self) -> Floats:
        import numpy as np

        known = [self.facts.returns.get(symbol, {}) for symbol in self.symbols]
        days = sorted({day for one in known for day in one})[-WINDOW:]
        return np.array([[one.get(day, _NOT_KNOWN) for one in known] for day in days], float).reshape(
            -1, len(known)
        )

    def _standing(self) -> Standing | None:
        if not self.snapshot.standing:
            return None
        by_side = {
            side: self.row({one.symbol: one.qty for one in self.snapshot.standing if one.side == side})
            for side in ("buy", "sell")
        }
        return Standing(by_side["buy"], by_side["sell"])

    def _orders(
        self, plan: Plan, decisions: Decisions, reasons: Reasons, signals: Mapping[str, Signal]
    ) -> Iterator[PlannedOrder]:
        for at, symbol in enumerate(self.symbols):
            side: Side = "sell" if decisions.sold[0, at] else "buy"
            qty = int(decisions.sold[0, at] or decisions.covered[0, at])
            if qty and decisions.gone[0, at]:
                price = self.snapshot.closes.get(symbol) or self.snapshot.marks[symbol]
                yield PlannedOrder(
                    plan.order_id(symbol, side), symbol, side, qty, price, reasons.leaving[symbol]
                )
            elif qty:
                why = reasons.wish(at) if side == "sell" else reasons.why(at)
                yield plan.order(symbol, side, qty, why, signals[symbol])
        for at in map(int, decisions.shorts.order[0]):
            if qty := int(decisions.shorts.qty[0, at]):
                yield plan.order(self.symbols[at], "sell", qty, reasons.why(at), signals[self.symbols[at]])
        for turn, at in enumerate(map(int, decisions.buys.order[0])):
            if qty := int(decisions.buys.qty[0, at]):
                symbol, why = self.symbols[at], reasons.wish(at) + reasons.cut(turn, at)
                yield plan.order(
                    symbol,
                    "buy",
                    qty,
                    why,
                    signals[symbol],
                    highest_price(self.snapshot.closes[symbol], self.limits),
                )

    def _fixed(self, number: int) -> PlannedOrder:
        one = self.snapshot.standing[number]
        prices = {**self.snapshot.marks, **self.snapshot.closes}
        why = "sent by an earlier run of this session, which decided on other data; it stays"
        price = prices.get(one.symbol, Decimal(0))
        covering = one.side == "sell" or one.symbol in self.snapshot.short
        limit = None if covering else highest_price(price, self.limits)
        return PlannedOrder(one.client_order_id, one.symbol, one.side, one.qty, price, why, limit=limit)
