"""Reading the body of an order strictly: fields, types and what goes together, in Alpaca's words."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from my_dagster_project.paper_broker.ledger import plain
from my_dagster_project.paper_broker.refusals import forbidden, malformed, unprocessable

Number = str | int | float
MIN_NOTIONAL = Decimal(1)
MAX_DECIMALS = 9


@dataclass(frozen=True)
class Ticket:
    """An order as it was asked for: `qty` shares or `notional` dollars, and a limit in dollars a share or none."""

    symbol: str
    side: Literal["buy", "sell"]
    type: str
    qty: Decimal | None
    notional: Decimal | None
    limit: Decimal | None
    client_order_id: str


class OrderBody(BaseModel):
    """The body of POST /v2/orders; a field Alpaca does not know is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)

    symbol: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9.]{0,9}$")]
    side: Literal["buy", "sell"]
    type: Literal["market", "limit", "stop", "stop_limit", "trailing_stop"]
    time_in_force: Literal["day", "gtc", "opg", "cls", "ioc", "fok"]
    qty: Number | None = None
    notional: Number | None = None
    limit_price: Number | None = None
    stop_price: Number | None = None
    trail_price: Number | None = None
    trail_percent: Number | None = None
    client_order_id: Annotated[str, StringConstraints(min_length=1, max_length=48)] | None = None
    extended_hours: bool | None = None
    order_class: Literal["", "simple"] | None = None
    take_profit: None = None
    stop_loss: None = None
    legs: None = None
    position_intent: Literal["buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"] | None = None

    def ticket(self) -> Ticket:
        """Give the order; raises 422 or 403 for what does not go together or what this broker does not do."""
        self._check_kind()
        ticket = Ticket(
            symbol=self.symbol,
            side=self.side,
            type=self.type,
            qty=_positive("qty", self.qty),
            notional=_positive("notional", self.notional),
            limit=_positive("limit_price", self.limit_price),
            client_order_id=self.client_order_id or str(uuid4()),
        )
        _check_size(ticket)
        _check_limit(ticket)
        return ticket

    def _check_kind(self) -> None:
        """Refuse what Alpaca has and the bundled broker has not, rather than do something else instead."""
        if self.type not in ("market", "limit"):
            raise unprocessable(f"the bundled broker takes market and limit orders, not {self.type}")
        if self.time_in_force != "day":
            raise unprocessable(f"the bundled broker takes time_in_force day, not {self.time_in_force}")
        for name in ("stop_price", "trail_price", "trail_percent"):
            if getattr(self, name) is not None:
                raise malformed(f"{self.type} orders require no {name}")
        if self.extended_hours:
            raise unprocessable(
                "extended hours order must be DAY limit orders, and the bundled broker has none"
            )
        if self.position_intent in ("sell_to_open", "buy_to_close"):
            raise forbidden("account is not allowed to short")


def read_body(raw: Any) -> OrderBody:
    """Read the body; raises 422 naming the field."""
    # Before anything else: an order of several legs lacks what a simple one must have.
    if isinstance(raw, dict) and (legs := _legs(raw)):
        raise unprocessable(f"the bundled broker takes simple orders only, not {', '.join(legs)}")
    try:
        return OrderBody.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise malformed(f"request body format is invalid: {where}: {first['msg']}") from None


def _legs(raw: dict[str, Any]) -> list[str]:
    """Name what makes it an order of several legs: its class, and the fields that describe them."""
    kind = raw.get("order_class")
    return [str(kind)] * (kind not in (None, "", "simple")) + [
        name for name in ("take_profit", "stop_loss", "legs") if raw.get(name) is not None
    ]


def _positive(name: str, value: Number | None) -> Decimal | None:
    if value is None:
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise malformed(f"{name} {value!r} is not a number") from None
    if not number.is_finite() or number <= 0:
        raise unprocessable(f"{name} must be > 0")
    return number


def _check_size(ticket: Ticket) -> None:
    if ticket.qty is None and ticket.notional is None:
        raise malformed("qty or notional is required")
    if ticket.qty is not None and ticket.notional is not None:
        raise malformed("only one of qty or notional is accepted")
    if _decimals(ticket.qty) > MAX_DECIMALS:
        raise unprocessable(f"qty can have at most {MAX_DECIMALS} decimal places")
    if _decimals(ticket.notional) > 2:
        raise unprocessable("notional value must be limited to 2 decimal places")
    if ticket.notional is not None and ticket.notional < MIN_NOTIONAL:
        raise forbidden("cost basis must be >= minimal amount of order 1")


def _check_limit(ticket: Ticket) -> None:
    if ticket.type == "market" and ticket.limit is not None:
        raise malformed("market orders require no stop or limit price")
    if ticket.type == "limit" and ticket.limit is None:
        raise malformed("limit orders require limit price")
    # SEC rule 612: whole cents from one dollar on, hundredths of a cent below.
    if ticket.limit is not None and _decimals(ticket.limit) > (2 if ticket.limit >= 1 else 4):
        raise unprocessable(
            f"invalid limit_price {plain(ticket.limit)}. sub-penny increment does not fulfill minimum pricing criteria"
        )


def _decimals(number: Decimal | None) -> int:
    return 0 if number is None else len(plain(number).partition(".")[2])
