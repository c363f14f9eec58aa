"""Rules of exit: a loss that is large enough, or a position held long enough, is sold whole at the next open, whatever is predicted.

Both look at the close of the session only, like everything that is decided after it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from my_dagster_project.domain.facts import PositionView
from my_dagster_project.domain.lots import StatementLine
from my_dagster_project.domain.plan import Rules, Snapshot


def exits(
    positions: Iterable[PositionView], snapshot: Snapshot, rules: Rules, closes_held: Mapping[str, int]
) -> dict[str, str]:
    """Give the symbols that a rule of exit sells, with its reason.

    `closes_held` counts the closes that a position was held over. A loss (of one sold short: a rise) counts when every price
    that is known says so: the close and the one furthest from it. Dividends are no part of it.
    """
    found = {}
    for position in positions:
        if position.symbol not in snapshot.held and position.symbol not in snapshot.short:
            continue
        reason = _stopped(position, snapshot, rules) or _overdue(closes_held.get(position.symbol, 0), rules)
        if reason:
            found[position.symbol] = reason
    return found


def closes_held(
    held: Mapping[str, Decimal], statement: Sequence[StatementLine], sessions: Sequence[date]
) -> dict[str, int]:
    """Give over how many of the last closes (`sessions`, ascending) each position was held without a break.

    `held` are the shares after the last of them, `statement` the account's lines since the open of the first, oldest first.
    """
    left, opened = dict(held), dict.fromkeys(held, sessions[0]) if sessions else {}
    for line in reversed(statement):
        if not line.qty or not left.get(line.symbol):
            continue
        before = left[line.symbol] - line.qty
        if before * held[line.symbol] <= 0:
            opened[line.symbol], before = line.day, Decimal(0)
        left[line.symbol] = before
    return {symbol: sum(day >= first for day in sessions) for symbol, first in opened.items()}


def _stopped(position: PositionView, snapshot: Snapshot, rules: Rules) -> str:
    entry = position.avg_entry_price
    known = [prices.get(position.symbol) for prices in (snapshot.closes, snapshot.marks)]
    prices = [price for price in known if price is not None]
    if rules.stop_loss is None or not prices or entry <= 0:
        return ""
    price, way = (max(prices), "below") if position.qty > 0 else (min(prices), "above")
    loss = abs(price / entry - 1) if (price < entry) == (position.qty > 0) else Decimal(0)
    if loss < rules.stop_loss:
        return ""
    return f"stop loss: {price:,.2f} is {loss:.1%} {way} its entry at {entry:,.2f}, the rule is {rules.stop_loss:.1%}"


def _overdue(closes: int, rules: Rules) -> str:
    if rules.max_sessions is None or closes < rules.max_sessions:
        return ""
    return f"time exit: held over {closes} closes, the rule is {rules.max_sessions}"
