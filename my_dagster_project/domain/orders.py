"""Planning: predictions, holdings and rules of a session in, orders with reasons out. Pure; nothing is asked or sent.

What is decided is `deciding`'s, for this one account as for all those of a backtest; here it gets exact decimals and words.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from my_dagster_project.domain.facts import AccountView, Facts, PositionView
from my_dagster_project.domain.limits import Limits
from my_dagster_project.domain.one_account import OneAccount
from my_dagster_project.domain.plan import Number, Plan, Rules, Signal, Skipped, Snapshot, money
from my_dagster_project.domain.signals import tradable, without

DROPPED = "not among the team's symbols any more"


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
    facts: Facts | None = None,
) -> Plan:
    """Give the orders of `team` after the close of `session`, for the open of the next one.

    `closes` holds the raw close (dollars) of each of the team's symbols, None where there is no bar. A symbol
    whose prediction is missing, of another session or team, or not a number is skipped with its reason; the
    others go on. What is held of a symbol that is not among them is sold, unless the rules keep it, and so is what a rule
    of exit says. The same input gives the same plan, and the same ids. Raises TradingError for an unknown strategy or an id
    that is too long.
    """
    facts, positions = facts or Facts(), list(positions)
    snapshot = _snapshot(positions, account, closes, rules, facts)
    short = {position.symbol for position in positions if position.qty < 0} - snapshot.short.keys()
    good, skipped = tradable(team, session, signals, snapshot, closes, facts.moves)
    good, skipped = without(good, short), [skip for skip in skipped if skip.symbol not in short]
    skipped += [Skipped(symbol, _SHORT, "check") for symbol in short]
    dropped = [symbol for symbol in (*snapshot.held, *snapshot.short) if symbol not in closes]
    leaving = {symbol: DROPPED for symbol in dropped if rules.dropped == "sell"}
    account_now = OneAccount(snapshot, rules, limits, facts, positions)
    leaving = account_now.exits() | leaving
    good = without(good, leaving)
    skipped = [skip for skip in skipped if skip.symbol not in {*dropped, *leaving}]
    skipped += [Skipped(p.symbol, _fraction(team, p), "check") for p in positions if p.qty > 0 and p.qty % 1]
    plan = Plan(team, session, rev, snapshot)
    if account.blocked:
        why = f"the account may not trade: {account.blocked}"
        blocked = [Skipped(symbol, why, "check") for symbol in {*good, *dropped, *leaving}]
        return replace(plan, skipped=_sorted(skipped + blocked))
    skipped += [Skipped(symbol, _KEPT) for symbol in dropped if symbol not in leaving]
    plan = replace(plan, skipped=tuple(skipped))
    planned = account_now.decided(plan, good, leaving)
    if _in_line(planned, facts):
        return planned
    fixed = replace(plan, snapshot=replace(snapshot, standing=facts.standing))
    return replace(account_now, snapshot=fixed.snapshot).decided(fixed, good, leaving)


_KEPT = f"held, {DROPPED}; kept, as trading.dropped says"
_SHORT = "the account is short of it, which no plan of ours does without trading.short_below; close that position by hand"


def _fraction(team: str, held: PositionView) -> str:
    part = f"{(held.qty % 1).normalize():f}"
    return (
        f"{held.qty.normalize():f} shares held are no whole number; {part} of one stays, and counts in every limit: sell it"
        f' by hand at the broker, then `trading reconcile {team} --accept "{part} {held.symbol} sold by hand"`'
    )


def _snapshot(
    positions: list[PositionView],
    account: AccountView,
    closes: Mapping[str, Number | None],
    rules: Rules,
    facts: Facts,
) -> Snapshot:
    known = _prices(closes)
    ours = [p for p in positions if p.qty > 0 or (p.qty < 0 and rules.short_below is not None)]
    broker = _prices({p.symbol: p.current_price for p in ours})
    positions = sorted((p for p in ours if p.qty > 0), key=lambda p: p.symbol)
    return Snapshot(
        equity=account.equity,
        cash=account.cash,
        # A cash account (multiplier 1) may not spend what a sell brings before it has been executed.
        spendable_proceeds=account.multiplier > 1,
        cash_margin=rules.cash_margin,
        held={p.symbol: int(p.qty) for p in positions if p.qty >= 1},
        closes=known,
        marks=_marks(known, _prices(facts.bar_closes), broker),
        peak=facts.peak,
        ended=facts.ended,
        fractions={p.symbol: p.qty % 1 for p in positions if p.qty % 1},
        short={p.symbol: int(-p.qty) for p in sorted(ours, key=lambda p: p.symbol) if p.qty <= -1},
        lends=account.lends and rules.short_below is not None,
    )


def _prices(given: Mapping[str, Number | None]) -> dict[str, Decimal]:
    prices = {symbol: money(price) for symbol, price in sorted(given.items()) if price is not None}
    return {symbol: price for symbol, price in prices.items() if price.is_finite() and price > 0}


def _marks(closes: Mapping[str, Decimal], *others: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Give the price of each symbol, of those that others know, that lies furthest from the close."""
    marks: dict[str, Decimal] = {}
    for symbol in sorted({symbol for other in others for symbol in other}):
        prices = [other[symbol] for other in others if symbol in other]
        close = closes.get(symbol, prices[0])
        marks[symbol] = max(prices, key=lambda price: abs(close / price - 1))
    return marks


def _in_line(plan: Plan, facts: Facts) -> bool:
    """Tell whether everything that stands at the broker is what the plan decides anyway."""
    decided = {order.client_order_id: order.qty for order in plan.orders}
    return all(decided.get(one.client_order_id) == one.qty for one in facts.standing)


def _sorted(skipped: Iterable[Skipped]) -> tuple[Skipped, ...]:
    return tuple(sorted(skipped, key=lambda skip: (skip.symbol, skip.reason)))
