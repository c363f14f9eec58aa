"""Selling short and buying back: only where the team's rules say so and the account lends.

Short positions count in every limit like held ones, and no cash that they brought is spent. One order for a symbol and session:
what is held is sold first, what is short bought back first; the other side follows after the next close.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from my_dagster_project.domain.buying import Room, full
from my_dagster_project.domain.limits import Limits, exposure, fallen, largest_share, price_gap
from my_dagster_project.domain.plan import Plan, PlannedOrder, Rules, Signal, Skipped, Snapshot
from my_dagster_project.domain.sizing import within_band
from my_dagster_project.domain.strategies import Weight


def covers(
    plan: Plan, weights: Mapping[str, Weight], signals: Mapping[str, Signal], rules: Rules, limits: Limits
) -> tuple[list[PlannedOrder], list[Skipped]]:
    """Give the orders that buy back what is short beyond what is wanted, and what stays as it is."""
    bought, left = [], []
    for symbol, short in plan.snapshot.short.items():
        weight = weights.get(symbol)
        if weight is None:
            continue
        wanted = short if weight.share is None else _wanted(weight.share, symbol, plan.snapshot, limits)
        near = within_band(symbol, short, wanted, plan.snapshot, rules, limits)
        if wanted == 0 or (wanted < short and not near):
            bought.append(plan.order(symbol, "buy", short - wanted, weight.why, signals[symbol]))
        elif wanted <= short or near:
            left.append(Skipped(symbol, f"{weight.why}: {short} short stays"))
    return bought, left


def short_sales(
    plan: Plan,
    weights: Mapping[str, Weight],
    signals: Mapping[str, Signal],
    rules: Rules,
    limits: Limits,
    room: Room,
) -> tuple[list[PlannedOrder], list[Skipped]]:
    """Give the orders that sell short what there is room for, the strongest prediction first, and what does not fit."""
    sold, unmet = [], []
    snapshot = plan.snapshot
    for symbol in sorted(weights, key=lambda symbol: (signals[symbol].value, symbol)):
        weight, short = weights[symbol], snapshot.short.get(symbol, 0)
        if weight.share is None or weight.share >= 0 or symbol in snapshot.shares:
            continue
        wanted = _wanted(weight.share, symbol, snapshot, limits)
        if short and (wanted <= short or within_band(symbol, short, wanted, snapshot, rules, limits)):
            continue
        one = plan.order(symbol, "sell", 1, weight.why, signals[symbol])
        why_not = _refusal(one, plan, limits, room)
        qty = min(wanted - short, *_caps(one, snapshot, limits, room)) if not why_not else 0
        if qty < 1:
            unmet.append(
                Skipped(symbol, f"{weight.why}; not sold short: {why_not or 'the limits leave no room'}")
            )
            continue
        order = replace(one, qty=qty)
        room.take_short(order, snapshot, limits)
        sold.append(order)
    return sold, unmet


def _refusal(one: PlannedOrder, plan: Plan, limits: Limits, room: Room) -> str:
    if not plan.snapshot.lends:
        return "the account does not lend shares"
    gap = price_gap(one.symbol, one.price, plan.snapshot, limits)
    new = one.symbol not in plan.snapshot.short
    return fallen(plan.snapshot, limits) or gap or full(room, limits, new=new)


def _caps(one: PlannedOrder, snapshot: Snapshot, limits: Limits, room: Room) -> list[int]:
    """Give what bounds a short sale, of which `one` is one share, in whole shares."""
    each = exposure(one, snapshot, limits)
    caps = [int(room.cash / each)]
    if limits.order_value is not None:
        caps.append(int(limits.order_value / each))
    if room.value is not None:
        caps.append(int(room.value / each))
    if limits.position_share is not None:
        most = limits.position_share * max(snapshot.equity, Decimal(0))
        caps.append(int(most / each) - snapshot.short.get(one.symbol, 0))
    return caps


def _wanted(share: Decimal, symbol: str, snapshot: Snapshot, limits: Limits) -> int:
    """Give the shares that are to be short; none where the share of equity is not negative."""
    part = min(max(-share, Decimal(0)), largest_share(limits))
    return int(max(snapshot.equity, Decimal(0)) * part / snapshot.closes[symbol])
