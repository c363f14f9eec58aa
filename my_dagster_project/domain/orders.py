"""Planning: predictions, holdings and rules of a session in, orders with reasons out. Pure; nothing is asked or sent.

Prices are the raw closes of the session: dollars sized on adjusted prices would be wrong, because those embed
splits and dividends that nobody knew at the time.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from my_dagster_project.domain.plan import (
    AccountView,
    Limits,
    Number,
    Plan,
    PlannedOrder,
    PositionView,
    Rules,
    Side,
    Signal,
    Skipped,
    Snapshot,
    client_order_id,
    money,
)
from my_dagster_project.domain.sizing import Weight, strategy


@dataclass(frozen=True)
class _Wish:
    """How many shares of a symbol a team wants to hold; `strength` ranks the buys that compete for cash."""

    symbol: str
    qty: int
    why: str
    strength: float


def plan_orders(
    team: str,
    session: date,
    signals: Iterable[Signal],
    positions: Iterable[PositionView],
    account: AccountView,
    closes: Mapping[str, Number | None],
    rules: Rules,
    limits: Limits,
    rev: int = 1,
) -> Plan:
    """Give the orders of `team` after the close of `session`, for the open of the next one.

    `closes` holds the raw close (dollars) of each of the team's symbols, None where there is no bar. A symbol
    whose prediction is missing, of another session or team, or not a number is skipped with its reason; the
    others go on. The same input gives the same plan, and the same ids. Raises TradingError for an unknown
    strategy or an id that is too long.
    """
    signals, positions = list(signals), list(positions)
    snapshot = _snapshot(positions, account, closes, rules)
    good, skipped = _checked(team, session, signals, positions, snapshot, set(closes))
    plan = Plan(team, session, rev, snapshot)
    if account.blocked:
        blocked = [
            Skipped(symbol, f"the account may not trade: {account.blocked}", "check") for symbol in good
        ]
        return replace(plan, skipped=_sorted(skipped + blocked))
    weights = strategy(rules.strategy)(good, snapshot.held, rules)
    wishes, left = _wishes(weights, good, snapshot, rules, limits)
    orders, unmet = _orders(wishes, plan, limits)
    return replace(plan, orders=tuple(orders), skipped=_sorted(skipped + left + unmet))


def _snapshot(
    positions: list[PositionView], account: AccountView, closes: Mapping[str, Number | None], rules: Rules
) -> Snapshot:
    prices = {symbol: money(price) for symbol, price in sorted(closes.items()) if price is not None}
    return Snapshot(
        equity=account.equity,
        cash=account.cash,
        # A cash account (multiplier 1) may not spend what a sell brings before it has been executed.
        spendable_proceeds=account.multiplier > 1,
        cash_margin=rules.cash_margin,
        held={p.symbol: int(p.qty) for p in sorted(positions, key=lambda p: p.symbol) if p.qty >= 1},
        closes={symbol: price for symbol, price in prices.items() if price.is_finite() and price > 0},
    )


def _checked(
    team: str,
    session: date,
    signals: list[Signal],
    positions: list[PositionView],
    snapshot: Snapshot,
    symbols: set[str],
) -> tuple[dict[str, Signal], list[Skipped]]:
    """Split the symbols into those with a signal that may be traded and those without, with the reason."""
    given = {signal.symbol: signal for signal in signals}
    count = Counter(signal.symbol for signal in signals)
    short = {position.symbol for position in positions if position.qty < 0}
    good: dict[str, Signal] = {}
    skipped = []
    for symbol in sorted(symbols | set(given) | set(snapshot.held) | short):
        signal = given.get(symbol)
        if symbol in short:
            reason = "the account is short of it, which no plan of ours does; close that position by hand"
        elif signal is None:
            reason = _no_signal(symbol in symbols, session)
        elif count[symbol] > 1:
            reason = f"{count[symbol]} predictions for one session; nobody can tell which one counts"
        else:
            reason = _refusal(team, session, signal, snapshot)
        if reason or signal is None:
            skipped.append(Skipped(symbol, reason, "check"))
        else:
            good[symbol] = signal
    return good, skipped


def _no_signal(configured: bool, session: date) -> str:
    if configured:
        return f"no prediction of session {session}; what is held stays"
    return "held, but not among the team's symbols any more; it stays until somebody sells it"


def _refusal(team: str, session: date, signal: Signal, snapshot: Snapshot) -> str:
    """Say why a signal may not be traded; '' when it may."""
    if signal.team != team:
        return f"the prediction belongs to team {signal.team}, not {team}"
    if signal.session != session:
        return f"the prediction is of session {signal.session}, not {session}"
    if signal.trained_through is not None and signal.trained_through > session:
        return f"its model was trained through {signal.trained_through}, after session {session}"
    if not math.isfinite(signal.value):
        return "the prediction is not a number"
    if signal.symbol not in snapshot.closes:
        return f"no raw close of session {session} to size an order with"
    return ""


def _wishes(
    weights: Mapping[str, Weight],
    signals: Mapping[str, Signal],
    snapshot: Snapshot,
    rules: Rules,
    limits: Limits,
) -> tuple[list[_Wish], list[Skipped]]:
    """Turn shares of equity into whole shares; symbols that need no trade are skipped with the reason."""
    wishes, left = [], []
    for symbol, weight in sorted(weights.items()):
        held = snapshot.held.get(symbol, 0)
        if weight.share is None:
            left.append(Skipped(symbol, weight.why))
            continue
        share = min(weight.share, _largest_share(limits))
        qty = int(max(snapshot.equity, Decimal(0)) * share / snapshot.closes[symbol])
        if qty == held:
            left.append(Skipped(symbol, f"{weight.why}: {_stands(held, qty)}"))
        elif qty and held and _within_band(held, qty, symbol, snapshot, rules, limits):
            left.append(Skipped(symbol, f"{weight.why}: {held} held is close enough to {qty}"))
        else:
            aim = (
                f"; {share:.1%} of equity {snapshot.equity:,.2f} at {snapshot.closes[symbol]:,.2f}"
                if qty
                else ""
            )
            wishes.append(_Wish(symbol, qty, f"{weight.why}{aim}", signals[symbol].value))
    return wishes, left


def _largest_share(limits: Limits) -> Decimal:
    return Decimal(1) if limits.position_share is None else limits.position_share


def _stands(held: int, qty: int) -> str:
    return f"{held} held is what is wanted" if qty else "nothing held, nothing wanted"


def _within_band(held: int, qty: int, symbol: str, snapshot: Snapshot, rules: Rules, limits: Limits) -> bool:
    """Tell whether a holding is close enough to its target, and not above what the limits allow."""
    over = held * snapshot.closes[symbol] > snapshot.equity * (_largest_share(limits))
    return not over and abs(held - qty) <= qty * rules.rebalance_band


def _orders(wishes: list[_Wish], plan: Plan, limits: Limits) -> tuple[list[PlannedOrder], list[Skipped]]:
    """Sell first; then buy, strongest prediction first, with the cash that is free after the sells."""
    held = plan.snapshot.held
    sells = [_order(plan, w, "sell", held[w.symbol] - w.qty) for w in wishes if w.qty < held.get(w.symbol, 0)]
    gone = {w.symbol for w in wishes if w.qty == 0}
    most = len(wishes) + len(held) if limits.max_symbols is None else limits.max_symbols
    slots = most - len(set(held) - gone)
    cash = free_cash(plan.snapshot, sells)
    buys: list[PlannedOrder] = []
    unmet: list[Skipped] = []
    for wish in sorted(wishes, key=lambda w: (-w.strength, w.symbol)):
        if wish.qty <= held.get(wish.symbol, 0):
            continue
        new = wish.symbol not in held
        order, reason = _buy(plan, wish, limits, cash) if slots > 0 or not new else (None, _full(limits))
        if order is None:
            unmet.append(Skipped(wish.symbol, f"{wish.why}; not bought: {reason}"))
            continue
        cash -= order.value * (1 + plan.snapshot.cash_margin)
        slots -= new
        buys.append(order)
    return sells + buys, unmet


def free_cash(snapshot: Snapshot, sells: Iterable[PlannedOrder]) -> Decimal:
    """Give the dollars that buys may cost, margin included, once `sells` have brought theirs."""
    proceeds = sum((sell.value for sell in sells), Decimal(0)) * (1 - snapshot.cash_margin)
    return snapshot.cash + (proceeds if snapshot.spendable_proceeds else 0)


def _buy(plan: Plan, wish: _Wish, limits: Limits, cash: Decimal) -> tuple[PlannedOrder | None, str]:
    """Give the buy that cash and limits allow, else None and the reason."""
    price = plan.snapshot.closes[wish.symbol]
    wanted = wish.qty - plan.snapshot.held.get(wish.symbol, 0)
    affordable = max(0, int(cash / (price * (1 + plan.snapshot.cash_margin))))
    capped = wanted if limits.order_value is None else int(limits.order_value / price)
    qty = min(wanted, affordable, capped)
    if qty == 0:
        short = f"one share costs {price:,.2f}"
        return (
            None,
            f"{short}, order limit {limits.order_value:,.2f}"
            if capped == 0
            else f"{short}, cash free {cash:,.2f}",
        )
    note = (
        ""
        if qty == wanted
        else f"; {qty} instead of {wanted}: " + ("cash" if affordable == qty else "order limit")
    )
    return _order(plan, replace(wish, why=wish.why + note), "buy", qty), ""


def _full(limits: Limits) -> str:
    return f"the limit of {limits.max_symbols} symbols held is reached"


def _order(plan: Plan, wish: _Wish, side: Side, qty: int) -> PlannedOrder:
    name = client_order_id(plan.team, plan.session, wish.symbol, side, plan.rev)
    return PlannedOrder(name, wish.symbol, side, qty, plan.snapshot.closes[wish.symbol], wish.why)


def _sorted(skipped: list[Skipped]) -> tuple[Skipped, ...]:
    return tuple(sorted(skipped, key=lambda skip: (skip.symbol, skip.reason)))
