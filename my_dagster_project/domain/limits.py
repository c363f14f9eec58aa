"""What the limits come to for an account as it stands: asked by planning, and by the gate once more for itself."""

from collections.abc import Iterable
from dataclasses import fields
from decimal import ROUND_DOWN, Decimal

from my_dagster_project.domain.plan import Limits, PlannedOrder, Snapshot

ALL = Decimal(1)


def strictest(*limits: Limits) -> Limits:
    """Give the minimum of several limits (the organiser's and the team's), field by field; None is no limit."""
    names = [one.name for one in fields(Limits)]
    given = {name: [value for one in limits if (value := getattr(one, name)) is not None] for name in names}
    return Limits(**{name: min(values, default=None) for name, values in given.items()})


def largest_share(limits: Limits) -> Decimal:
    """Give the largest fraction of equity in one symbol."""
    return ALL if limits.position_share is None else limits.position_share


def session_room(snapshot: Snapshot, limits: Limits) -> tuple[Decimal | None, str]:
    """Give the dollars that all orders of a session may be worth, and the name of the limit that says so."""
    rooms = []
    if limits.session_value is not None:
        rooms.append((limits.session_value, "session limit"))
    if limits.turnover is not None:
        rooms.append((limits.turnover * max(snapshot.equity, Decimal(0)), "turnover limit"))
    return min(rooms, default=(None, ""))


def fallen(snapshot: Snapshot, limits: Limits) -> str:
    """Say why only sells are allowed after a loss; '' while the drawdown is within its limit."""
    if limits.drawdown is None or not snapshot.peak or snapshot.peak <= 0:
        return ""
    down = 1 - snapshot.equity / snapshot.peak
    if down <= limits.drawdown:
        return ""
    return (
        f"equity {snapshot.equity:,.2f} is {down:.1%} below its peak {snapshot.peak:,.2f}, the limit is"
        f" {limits.drawdown:.1%}: only sells"
    )


def price_gap(symbol: str, price: Decimal, snapshot: Snapshot, limits: Limits) -> str:
    """Say why a price is not to be trusted; '' when nobody gives another one that is too far away."""
    mark = snapshot.marks.get(symbol)
    if limits.price_deviation is None or mark is None or abs(price / mark - 1) <= limits.price_deviation:
        return ""
    return (
        f"sized at {price:,.2f}, but elsewhere its price is {mark:,.2f}: {abs(price / mark - 1):.1%} apart, the limit"
        f" is {limits.price_deviation:.1%} (a split, or a bar that was corrected?)"
    )


def highest_price(close: Decimal, limits: Limits) -> Decimal | None:
    """Give the most a share may cost at the open, dollars; None where nobody limits how far it may be from the close.

    Rounded down to what brokers take: whole cents from one dollar on, hundredths of a cent below (SEC rule 612).
    """
    if limits.price_deviation is None:
        return None
    highest = close * (1 + limits.price_deviation)
    return highest.quantize(Decimal("0.01") if highest >= 1 else Decimal("0.0001"), ROUND_DOWN)


def cost(order: PlannedOrder, snapshot: Snapshot) -> Decimal:
    """Give what a buy may cost, dollars: at its limit, else at the close with the margin for costs and the gap to the open."""
    return order.value * (1 + snapshot.cash_margin) if order.limit is None else order.worst


def exposure(order: PlannedOrder, snapshot: Snapshot, limits: Limits) -> Decimal:
    """Give what an order is worth in the eyes of every limit, dollars; for one that sells short at the highest price of a buy.

    A short position grows when its open is higher, and no limit price keeps it from that.
    """
    highest = highest_price(order.price, limits) if snapshot.opens_short(order) else None
    return order.worst if highest is None else order.qty * highest


def free_cash(snapshot: Snapshot, sells: Iterable[PlannedOrder]) -> Decimal:
    """Give the dollars that buys may cost once `sells` have brought theirs."""
    return snapshot.own_cash + proceeds(sells, snapshot)


def proceeds(sells: Iterable[PlannedOrder], snapshot: Snapshot) -> Decimal:
    """Give what sells bring for buys of the same open, dollars, less the margin; nothing in a cash account.

    A symbol without a close of the session is halted, or not followed any more: its sell may not
    be executed. What a short sale brings is not the account's to spend.
    """
    if not snapshot.spendable_proceeds:
        return Decimal(0)
    sure = (sell.value for sell in sells if sell.symbol in snapshot.closes and not snapshot.opens_short(sell))
    return sum(sure, Decimal(0)) * (1 - snapshot.cash_margin)
