"""What the limits come to for an account as it stands: asked by planning, and by the gate once more for itself."""

from dataclasses import fields
from decimal import Decimal

from my_dagster_project.domain.plan import Limits, Snapshot

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
