"""The limits: which there are, what they come to for an account as it stands, and what each refuses.

Planning sizes to them (`account_columns`, `buying`, as arrays); the gate asks once more for itself, exactly, and refuses.
"""

from collections.abc import Callable, Iterable
from dataclasses import Field, dataclass, field, fields, replace
from decimal import ROUND_DOWN, Decimal
from typing import Any

from my_dagster_project.domain.plan import Plan, PlannedOrder, Snapshot, money


def _limit(default: float, most: float, says: str, *, least: int | None = None) -> dict[str, Any]:
    """Of a limit: what the organiser sets unless told, the bounds of what may be set, what it says to people."""
    lowest = {"gt": 0} if least is None else {"ge": least}
    return {"default": default, "bounds": {**lowest, "le": most}, "says": says}


@dataclass(frozen=True)
class Limits:
    """What nobody may exceed, the one table of limits; None is no limit. `teams/team_limits.py` makes of it what files may set.

    They bound the risk that is taken on, so they refuse buys: a sell that closes a position counts towards what is
    traded in a session, but is never refused for it.
    """

    max_symbols: int | None = field(default=None, metadata=_limit(10, 500, "Most symbols held.", least=1))
    position_share: Decimal | None = field(
        default=None, metadata=_limit(0.3, 1, "Largest fraction of equity in one symbol.")
    )
    order_value: Decimal | None = field(default=None, metadata=_limit(50_000, 1e9, "Largest order, dollars."))
    session_value: Decimal | None = field(
        default=None, metadata=_limit(250_000, 1e9, "All orders of a session together, dollars.")
    )
    session_orders: int | None = field(
        default=None, metadata=_limit(50, 1000, "Most orders of a session.", least=1)
    )
    # 2 is selling all and buying it anew.
    turnover: Decimal | None = field(
        default=None, metadata=_limit(2.0, 10, "All orders of a session as a fraction of equity.")
    )
    price_deviation: Decimal | None = field(
        default=None, metadata=_limit(0.1, 1, "Nothing is bought at a price this far from another source's.")
    )
    drawdown: Decimal | None = field(
        default=None, metadata=_limit(0.25, 1, "Nothing is bought this far below the highest equity.")
    )

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if value is not None and not is_count(one):
                object.__setattr__(self, one.name, money(value))


def is_count(limit: "Field[Any]") -> bool:
    """Whether a limit counts something: a whole number."""
    return limit.type == int | None


def strictest(*limits: Limits) -> Limits:
    """Give the minimum of several limits (the organiser's and the team's), field by field; None is no limit."""
    names = [one.name for one in fields(Limits)]
    given = {name: [value for one in limits if (value := getattr(one, name)) is not None] for name in names}
    return Limits(**{name: min(values, default=None) for name, values in given.items()})


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


def proceeds(sells: Iterable[PlannedOrder], snapshot: Snapshot) -> Decimal:
    """Give what sells bring for buys of the same open, dollars, less the margin; nothing in a cash account.

    A symbol without a close of the session is halted, or not followed any more: its sell may not
    be executed. What a short sale brings is not the account's to spend.
    """
    if not snapshot.spendable_proceeds:
        return Decimal(0)
    sure = (sell.value for sell in sells if sell.symbol in snapshot.closes and not snapshot.opens_short(sell))
    return sum(sure, Decimal(0)) * (1 - snapshot.cash_margin)


@dataclass
class AccountAfter:
    """The account as it will stand when the orders let through so far are filled at the worst prices they may fill at."""

    held: dict[str, Decimal]
    cash: Decimal
    traded: Decimal = Decimal(0)
    ids: set[str] = field(default_factory=set)
    symbols: set[str] = field(default_factory=set)


type Check = Callable[[PlannedOrder, AccountAfter, Plan, Limits], str]


def taken(order: PlannedOrder, plan: Plan, limits: Limits) -> Decimal:
    """Give the cash that an order takes which buys, or sells short, dollars."""
    return cost(order, plan.snapshot) if order.side == "buy" else exposure(order, plan.snapshot, limits)


def far_price(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    """Say why an order's price is not to be trusted; '' when nobody gives another one that is too far away."""
    # Selling all that is held needs no price; any other size is computed from one.
    if order.side == "sell" and order.qty == int(book.held.get(order.symbol, 0)):
        return ""
    return price_gap(order.symbol, order.price, plan.snapshot, limits)


def _limit_price(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    highest = highest_price(order.price, limits)
    if order.side == "sell" or highest is None or (order.limit is not None and order.limit <= highest):
        return ""
    return f"it may cost {order.limit} a share; at most {highest} is allowed"


def _drawdown(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    return fallen(plan.snapshot, limits)


def _value(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    worth = exposure(order, plan.snapshot, limits)
    if limits.order_value is not None and worth > limits.order_value:
        return f"it is worth {worth:,.2f}, the limit per order is {limits.order_value:,.2f}"
    return ""


def _session(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    room, what = session_room(plan.snapshot, limits)
    after = book.traded + exposure(order, plan.snapshot, limits)
    if room is not None and after > room:
        return f"the session's orders would be worth {after:,.2f}, the {what} is {room:,.2f}"
    return ""


def _count(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    if limits.session_orders is not None and len(book.ids) >= limits.session_orders:
        return f"the session has {len(book.ids)} orders already, the limit is {limits.session_orders}"
    return ""


def _share(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    if limits.position_share is None:
        return ""
    each = exposure(replace(order, qty=1), plan.snapshot, limits)
    value = (abs(book.held.get(order.symbol, Decimal(0))) + order.qty) * each
    if value > limits.position_share * plan.snapshot.equity:
        return (
            f"{order.symbol} would be worth {value:,.2f}, more than {limits.position_share:.1%} of the equity"
            f" {plan.snapshot.equity:,.2f}"
        )
    return ""


def _symbols(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    if limits.max_symbols is None or book.held.get(order.symbol, 0) != 0:
        return ""
    after = 1 + sum(qty != 0 for qty in book.held.values())
    if after > limits.max_symbols:
        return f"{after} symbols would be held, the limit is {limits.max_symbols}"
    return ""


def _cash(order: PlannedOrder, book: AccountAfter, plan: Plan, limits: Limits) -> str:
    most = taken(order, plan, limits)
    if most > book.cash:
        return f"it may cost {most:,.2f} with the margin for costs and gap, {book.cash:,.2f} is free"
    return ""


LIMITS: tuple[Check, ...] = (
    *(_drawdown, far_price, _limit_price, _value, _share, _symbols, _cash, _count, _session),
)
"""What an order is held against that buys, or sells short; the first that refuses it says why."""
