"""From shares of equity to whole shares: which holdings have to change, and to what.

Prices are the raw closes of the session: dollars sized on adjusted prices would be wrong, because those embed
splits and dividends that nobody knew at the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from my_dagster_project.domain.limits import Limits, largest_share, price_gap
from my_dagster_project.domain.plan import Rules, Signal, Skipped, Snapshot
from my_dagster_project.domain.strategies import Weight


@dataclass(frozen=True)
class Wish:
    """How many shares of a symbol a team wants to hold; `signal` ranks the buys that compete for cash."""

    symbol: str
    qty: int
    why: str
    signal: Signal


def wishes_of(
    weights: Mapping[str, Weight],
    signals: Mapping[str, Signal],
    snapshot: Snapshot,
    rules: Rules,
    limits: Limits,
) -> tuple[list[Wish], list[Skipped]]:
    """Turn shares of equity into whole shares; symbols that need no trade are skipped with the reason."""
    wishes, left = [], []
    for symbol, weight in sorted(weights.items()):
        if weight.share is None:
            left.append(Skipped(symbol, weight.why))
            continue
        if symbol in snapshot.short or (weight.share < 0 and symbol not in snapshot.shares):
            continue  # `shorting` sizes these
        held = snapshot.held.get(symbol, 0)
        share = max(Decimal(0), min(weight.share, largest_share(limits)))
        wanted = max(snapshot.equity, Decimal(0)) * share / snapshot.closes[symbol]
        qty = int(max(wanted - snapshot.fractions.get(symbol, 0), Decimal(0)))
        # Selling all of it needs no price; any other size would be a guess.
        gap = price_gap(symbol, snapshot.closes[symbol], snapshot, limits) if qty else ""
        if qty == held:
            left.append(Skipped(symbol, f"{weight.why}: {_stands(held, qty)}"))
        elif gap:
            left.append(Skipped(symbol, f"{weight.why}: not traded: {gap}", "check"))
        elif qty and held and within_band(symbol, held, qty, snapshot, rules, limits):
            left.append(Skipped(symbol, f"{weight.why}: {held} held is close enough to {qty}"))
        else:
            aim = (
                f"; {share:.1%} of equity {snapshot.equity:,.2f} at {snapshot.closes[symbol]:,.2f}"
                if qty
                else ""
            )
            wishes.append(Wish(symbol, qty, f"{weight.why}{aim}", signals[symbol]))
    return wishes, left


def _stands(held: int, qty: int) -> str:
    return f"{held} held is what is wanted" if qty else "nothing held, nothing wanted"


def within_band(
    symbol: str, present: int, wanted: int, snapshot: Snapshot, rules: Rules, limits: Limits
) -> bool:
    """Tell whether a position, held or short, is close enough to what is wanted, and not above what the limits allow."""
    over = abs(snapshot.signed[symbol]) * snapshot.closes[symbol] > snapshot.equity * largest_share(limits)
    return not over and abs(present - wanted) <= wanted * rules.rebalance_band
