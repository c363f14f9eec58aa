"""What is decided of one account, in words: why each order is made, and why a symbol is left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from my_dagster_project.domain.account_columns import Accounts, whole
from my_dagster_project.domain.buying import Room
from my_dagster_project.domain.deciding import Decisions
from my_dagster_project.domain.limits import Limits, fallen, highest_price, price_gap, session_room
from my_dagster_project.domain.plan import Rules, Skipped, Snapshot
from my_dagster_project.domain.strategies import Outlook, strategy

if TYPE_CHECKING:
    from my_dagster_project.domain.account_columns import Floats


@dataclass(frozen=True)
class Reasons:
    """Reasons by the column of a symbol. `leaving` are the symbols that are closed for another reason than a prediction."""

    symbols: Sequence[str]
    seen: Snapshot
    rules: Rules
    limits: Limits
    accounts: Accounts
    outlook: Outlook
    decisions: Decisions
    leaving: Mapping[str, str]

    def why(self, at: int) -> str:
        """Say what a strategy, and a volatility target, make of a symbol's signal."""
        why, aims = (
            strategy(self.rules.strategy).why(self.outlook, float(self.decisions.told[0, at]), at),
            self.decisions.aims,
        )
        if aims is None or not (aims.changed[0, at] or aims.unknown[0, at]):
            return why
        if aims.unknown[0, at]:
            return f"{why}; its volatility is not known: left as it is"
        return f"{why}; {aims.why(float(self.rules.volatility_target or 0))}"

    def wish(self, at: int) -> str:
        """Say why so many shares of a symbol are wanted."""
        sizes, seen = self.decisions.sizes, self.seen
        if not sizes.qty[0, at]:
            return self.why(at)
        return f"{self.why(at)}; {sizes.share[0, at]:.1%} of equity {seen.equity:,.2f} at {seen.closes[self.symbols[at]]:,.2f}"

    def cut(self, turn: int, at: int) -> str:
        """Say what made a buy smaller than wanted; '' where nothing did."""
        wanted, bought = self.decisions.to_buy.qty[0, at], self.decisions.buys.qty[0, at]
        if bought >= wanted:
            return ""
        return (
            f"; {bought:.0f} instead of {wanted:.0f}: {self._bound(self.decisions.buys.found[turn], at)[2]}"
        )

    def skipped(self) -> Iterator[Skipped]:
        """Say of each symbol that is not traded why."""
        for at, symbol in enumerate(self.symbols):
            if self.outlook.asked[0, at]:
                yield from self._left(at, symbol)
                yield from self._short_stays(at, symbol)
            if symbol in self.leaving and not self.decisions.gone[0, at]:
                held, way = ("held", "sell it") if symbol in self.seen.held else ("sold short", "buy it back")
                yield Skipped(
                    symbol, f"{held}, {self.leaving[symbol]}; nobody gives a price to {way} at", "check"
                )
        yield from self._not_bought()
        yield from self._not_sold_short()

    def _left(self, at: int, symbol: str) -> Iterator[Skipped]:
        sizes, held = self.decisions.sizes, self.seen.held.get(symbol, 0)
        if not sizes.share[0, at] >= 0:
            yield Skipped(symbol, self.why(at))
        elif sizes.stands[0, at]:
            stands = f"{held} held is what is wanted" if held else "nothing held, nothing wanted"
            yield Skipped(symbol, f"{self.why(at)}: {stands}")
        elif sizes.untrusted[0, at]:
            gap = price_gap(symbol, self.seen.closes[symbol], self.seen, self.limits)
            yield Skipped(symbol, f"{self.why(at)}: not traded: {gap}", "check")
        elif sizes.close[0, at]:
            yield Skipped(symbol, f"{self.why(at)}: {held} held is close enough to {sizes.qty[0, at]:.0f}")

    def _short_stays(self, at: int, symbol: str) -> Iterator[Skipped]:
        short = self.seen.short.get(symbol)
        if short and not self.decisions.covered[0, at] and self._short_is_near(at):
            yield Skipped(symbol, f"{self.why(at)}: {short} short stays")

    def _short_is_near(self, at: int) -> bool:
        short, wanted = self.accounts.short, self.decisions.short_aims
        return bool(wanted[0, at] <= short[0, at] or self.accounts.near(short, wanted)[0, at])

    def _not_bought(self) -> Iterator[Skipped]:
        for turn, at in enumerate(map(int, self.decisions.buys.order[0])):
            if self.decisions.to_buy.qty[0, at] and not self.decisions.buys.qty[0, at]:
                found, symbol = self.decisions.buys.found[turn], self.symbols[at]
                why = fallen(self.seen, self.limits) or self._full(found, new=symbol not in self.seen.shares)
                yield Skipped(symbol, f"{self.wish(at)}; not bought: {why or self._too_dear(found, at)}")

    def _not_sold_short(self) -> Iterator[Skipped]:
        shorts, aims = self.decisions.shorts, self.decisions.aims
        shares = self.decisions.told if aims is None else aims.shares
        found = dict(zip(map(int, shorts.order[0]), shorts.found, strict=False))
        for at, symbol in enumerate(self.symbols):
            stays = symbol in self.seen.short and self._short_is_near(at)
            if shares[0, at] < 0 and symbol not in self.seen.shares and not stays and not shorts.qty[0, at]:
                why = self._no_short(symbol, found.get(at) if self.decisions.to_short.qty[0, at] else None)
                yield Skipped(symbol, f"{self.why(at)}; not sold short: {why}")

    def _no_short(self, symbol: str, found: Room | None) -> str:
        if not self.seen.lends:
            return "the account does not lend shares"
        gap = price_gap(symbol, self.seen.closes[symbol], self.seen, self.limits)
        full = self._full(found, new=symbol not in self.seen.short) if found else ""
        return fallen(self.seen, self.limits) or gap or full or "the limits leave no room"

    def _full(self, room: Room, *, new: bool) -> str:
        """Say why not even one share may be bought; '' when it may."""
        if room.orders <= 0:
            return f"the limit of {self.limits.session_orders} orders a session is reached"
        if new and room.symbols <= 0:
            return f"the limit of {self.limits.max_symbols} symbols held is reached"
        return ""

    def _too_dear(self, room: Room, at: int) -> str:
        _, dollars, what = self._bound(room, at)
        close = self.seen.closes[self.symbols[at]]
        limit = highest_price(close, self.limits)
        at_most = "" if limit is None else f" (at most {limit:,.2f})"
        left = "cash free" if what == "cash" else f"{what}{'' if what == 'order limit' else ' leaves'}"
        return f"one share costs {close:,.2f}{at_most}, {left} {round(dollars, 6) + 0.0:,.2f}"

    def _bound(self, room: Room, at: int) -> tuple[float, float, str]:
        """Give what bounds a buy most: whole shares, the dollars behind them, and what it is called."""
        wanted, limits = self.decisions.to_buy, self.limits
        bounds = [("cash", room.cash, wanted.cost)]
        if limits.order_value is not None:
            bounds.append(("order limit", float(limits.order_value), wanted.worst))
        if name := session_room(self.seen, limits)[1]:
            bounds.append((name, room.value, wanted.worst))
        if limits.position_share is not None:
            most = (self.accounts.limits.position_share * self.accounts.worth)[0, 0]
            held = (self.accounts.shares * wanted.worst)[0, at]
            bounds.append(("symbol limit", most - held, wanted.worst))
        return min((_shares_for(dollars, each, at), float(dollars), name) for name, dollars, each in bounds)


def _shares_for(dollars: float, each: Floats, at: int) -> float:
    return float(whole(dollars / each[0, at]))
