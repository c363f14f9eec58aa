"""What the platform asks of a broker, whoever it is. Money is Decimal dollars, instants are UTC-aware."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from my_dagster_project.domain.plan import PlannedOrder, Side
from my_dagster_project.foundation.errors import BrokerError, PassingError

# After these an order never changes again ("replaced" follows the new order, which we never ask for).
TERMINAL = frozenset({"filled", "canceled", "expired", "rejected", "replaced"})


class BrokerRefusedError(BrokerError):
    """The broker answered with a refusal, so nothing was done; `http_status` and Alpaca's `code` say which.

    `words` are the broker's own, `extra` what its body held besides (texts: buying_power, available, ...).
    """

    def __init__(
        self,
        message: str,
        http_status: int,
        code: int | None = None,
        words: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.code = code
        self.words = words
        self.extra = extra or {}

    @property
    def lacks_buying_power(self) -> bool:
        """Tell whether the account has too little buying power for the order (403)."""
        return self.http_status == 403 and "insufficient buying power" in self.words


class BrokerUnreachableError(BrokerError, PassingError):
    """The broker could not be reached or failed by itself; nothing of ours was lost, try again later."""


class SessionPassedError(BrokerError):
    """The account already stands after a later session: what was to be done for this one is done or too late."""

    def __init__(self, message: str, stands_after: date) -> None:
        super().__init__(message)
        self.stands_after = stands_after


@dataclass(frozen=True)
class Account:
    """A team's account. `multiplier` 1 is a cash account; `blocked` says why it may not trade, else ''; it `lends` shares to
    sell short."""

    id: str
    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    multiplier: int = 1
    blocked: str = ""
    lends: bool = False


@dataclass(frozen=True)
class Position:
    """Shares held of a symbol; `avg_entry_price` and `current_price` are dollars a share, raw."""

    symbol: str
    qty: Decimal
    qty_available: Decimal
    avg_entry_price: Decimal
    current_price: Decimal
    market_value: Decimal


@dataclass(frozen=True)
class OrderRequest:
    """An order, DAY, for the next open: market, or with a limit in dollars a share."""

    client_order_id: str
    symbol: str
    side: Side
    qty: int
    limit: Decimal | None = None

    @classmethod
    def of(cls, order: PlannedOrder) -> "OrderRequest":
        """Give the request that a planned order stands for."""
        return cls(order.client_order_id, order.symbol, order.side, order.qty, order.limit)


@dataclass(frozen=True)
class Order:
    """An order as the broker has it. `already_there` is set when submitting found it there from before."""

    id: str
    client_order_id: str
    symbol: str
    side: Side
    qty: Decimal
    status: str
    submitted_at: datetime
    filled_qty: Decimal = Decimal(0)
    filled_avg_price: Decimal | None = None
    filled_at: datetime | None = None
    already_there: bool = False

    @property
    def is_open(self) -> bool:
        """Tell whether the order may still change."""
        return self.status not in TERMINAL

    @property
    def stands(self) -> bool:
        """Tell whether it still may fill whole, or has, so that its cash and shares may be counted on.

        One that was cancelled, has expired or was rejected does not stand, nor one that is being cancelled.
        """
        return self.status == "filled" or (self.is_open and self.status != "pending_cancel")


@dataclass(frozen=True)
class Activity:
    """A line of the account's statement: by how much it changed the shares of `symbol`, and the cash (dollars).

    `kind` is Alpaca's word (FILL, FEE, SPLIT, DIV, CSD, ...), `day` an exchange date. A FILL has its order, price and
    instant; other lines have a day only. `cost_bps` of a FILL's price (hundredths of a per cent) are spread and impact, where
    the broker says so.
    """

    id: str
    kind: str
    day: date
    symbol: str
    qty: Decimal
    amount: Decimal
    order_id: str = ""
    price: Decimal | None = None
    at: datetime | None = None
    cost_bps: Decimal | None = None


@dataclass(frozen=True)
class EquityPoint:
    """The account's equity at the close of a session, dollars."""

    session: date
    equity: Decimal


class Broker(Protocol):
    """One team's account at a broker. Every method raises BrokerError in words for people."""

    def at_close_of(self, session: date) -> None:
        """See to it that the account stands after the close of `session`: orders now fill at the next open.

        The bundled broker moves the account's own clock forward and fills what was queued; at Alpaca the real
        clock must agree. Raises BrokerError saying which session is due.
        """

    def still_at_close_of(self, session: date) -> None:
        """As `at_close_of`, once more a moment later, under the same lease."""

    def settled(self, session: date) -> bool:
        """See to it that what was queued has filled, or not, up to the close of `session`; tell whether anything moved.

        At Alpaca time does it, so nothing is asked; the bundled broker's clock is moved, if it does not stand there yet.
        """

    def account(self) -> Account:
        """Give cash, equity and buying power now."""

    def positions(self) -> list[Position]:
        """Give what is held, by symbol."""

    def submit(self, request: OrderRequest) -> Order:
        """Submit an order at most once; an id that exists gives that order with `already_there`.

        Raises BrokerRefusedError when it was refused, OrderOutcomeUnknownError when nobody can tell.
        """

    def cancel(self, order: Order) -> None:
        """Cancel an open order; done before is fine, so it may be asked twice.

        Raises BrokerRefusedError for an order that cannot be cancelled any more (it has filled, say).
        """

    def order_by_client_id(self, client_order_id: str) -> Order | None:
        """Give the order with our id, None when the broker has none."""

    def orders(self, since: date | None = None) -> list[Order]:
        """Give all orders submitted on or after `since` (exchange date), oldest first."""

    def activities(self, since: date) -> list[Activity]:
        """Give the account's statement from `since` (exchange date) on, oldest first: executions and all else."""

    def equity_history(self) -> Sequence[EquityPoint]:
        """Give the equity of every closed session the broker remembers, oldest first."""
