"""The words of trading: what a prediction says, what a team's rules are, and the plan that follows from both."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from my_dagster_project.domain.plain_json import plain
from my_dagster_project.domain.targets import Target
from my_dagster_project.foundation.errors import TradingError

Side = Literal["buy", "sell"]
Dropped = Literal["sell", "keep"]
Number = Decimal | float | int | str

MAX_CLIENT_ORDER_ID = 48  # Alpaca's OpenAPI: client_order_id has maxLength 48.


def money(value: Number) -> Decimal:
    """Give `value` as an exact Decimal of its shortest decimal form (0.1 is 0.1, not 0.1000000000000000055)."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def client_order_id(team: str, session: date, symbol: str, side: Side, rev: int) -> str:
    """Give the id that makes a second submission of the same decision harmless.

    It is unique for ever at the broker, also after a cancel: a deliberate second order needs the next `rev`.
    Raises TradingError when it would be longer than the 48 characters that Alpaca takes.
    """
    name = f"{team}-{session:%Y%m%d}-{symbol}-{side}-{rev}"
    if len(name) > MAX_CLIENT_ORDER_ID:
        raise TradingError(
            f"team {team}, {symbol}: the client order id {name!r} has {len(name)} characters, Alpaca takes"
            f" {MAX_CLIENT_ORDER_ID}; use a shorter team name"
        )
    return name


@dataclass(frozen=True)
class Signal:
    """One prediction made after the close of `session`: a log return, or a probability of up (fraction).

    `position` (-1 to 1) is what a model that answers with positions would hold.
    `problem` says why where it was read from is not to be believed; '' when it is.
    """

    team: str
    session: date
    symbol: str
    value: float
    target: Target = "next_return"
    trained_through: date | None = None
    problem: str = ""
    position: float | None = None


@dataclass(frozen=True)
class Rules:
    """A team's trading rules. Thresholds are log returns or probabilities, by the team's target.

    `position_share` is the fraction of equity per symbol held. `rebalance_band` is the fraction of a target by
    which a holding may drift before it is traded back: without it every session would pay costs for one share.
    `cash_margin` is kept back on what buys cost and on what sells bring, for costs and the gap to the open.
    `dropped` says what becomes of shares of a symbol that the team trades no more. `stop_loss` (a fraction of the average
    entry price) and `max_sessions` (closes held over) are rules of exit; `volatility_target` (a fraction, annualised) is how
    much the whole account is to move. `short_below` (as `sell_below`) sells short. None is none.
    """

    strategy: str
    buy_above: float
    sell_below: float
    position_share: Decimal
    rebalance_band: Decimal = Decimal("0.2")
    cash_margin: Decimal = Decimal("0.02")
    dropped: Dropped = "sell"
    stop_loss: Decimal | None = None
    max_sessions: int | None = None
    volatility_target: Decimal | None = None
    short_below: float | None = None

    def __post_init__(self) -> None:
        for name in ("position_share", "rebalance_band", "cash_margin", "stop_loss", "volatility_target"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, money(value))
        if not 0 < self.position_share <= 1:
            raise TradingError(
                f"trading.position_share is {self.position_share}: give a fraction above 0, up to 1"
            )
        if not self.sell_below <= self.buy_above:
            raise TradingError(
                f"trading.sell_below ({self.sell_below}) is above trading.buy_above ({self.buy_above}):"
                " one signal would say buy and sell; lower sell_below"
            )
        if self.short_below is not None and self.short_below > self.sell_below:
            raise TradingError(
                f"trading.short_below ({self.short_below}) is above trading.sell_below ({self.sell_below}):"
                " what is sold short would be covered at once; lower short_below"
            )


@dataclass(frozen=True)
class PlannedOrder:
    """An order for the open of the next session. `price` is the raw close it was sized at, dollars.

    `basis` is the session of the prediction it follows from, `prediction` what that said (a log return, or a probability of
    up); None where no prediction is needed to sell. `limit` is the most that a share may cost (dollars): no buy fills above
    it. A sell has none, and a buy where nobody limits the deviation.
    """

    client_order_id: str
    symbol: str
    side: Side
    qty: int
    price: Decimal
    reason: str
    basis: date | None = None
    limit: Decimal | None = None
    prediction: float | None = None

    @property
    def value(self) -> Decimal:
        """Give what the order is worth at the close it was sized at, dollars."""
        return self.qty * self.price

    @property
    def worst(self) -> Decimal:
        """Give what the order is worth at the worst price it may fill at, where one is known: what limits are held against."""
        return self.qty * self.price if self.limit is None else self.qty * self.limit

    def __str__(self) -> str:
        return f"{self.side} {self.qty} {self.symbol}: {self.reason}"


@dataclass(frozen=True)
class Skipped:
    """A symbol that is not traded this session, and why; `by` is 'rules', 'check' or 'risk gate'."""

    symbol: str
    reason: str
    by: str = "rules"

    def __str__(self) -> str:
        return f"{self.symbol}: {self.reason}"


@dataclass(frozen=True)
class Standing:
    """An order of ours that the broker has already for this session, from a run before this one; it will fill."""

    client_order_id: str
    symbol: str
    side: Side
    qty: int


@dataclass(frozen=True)
class Snapshot:
    """The account as planning saw it: dollars, whole shares held per symbol, raw closes per symbol.

    `marks` are prices that somebody else gives for a symbol (stored bars, the broker): the one furthest from the close.
    `peak` is the highest equity so far. `standing` are orders that the plan must live with, `ended` the ids of those
    of this session that do nothing any more. `fractions` are what is held beside that is no whole share (a spin-off leaves
    some): no order trades it, every limit counts it. `short` are whole shares sold short, where that is the team's rule and
    the account `lends`.
    """

    equity: Decimal
    cash: Decimal
    spendable_proceeds: bool
    cash_margin: Decimal
    held: Mapping[str, int] = field(default_factory=dict)
    closes: Mapping[str, Decimal] = field(default_factory=dict)
    marks: Mapping[str, Decimal] = field(default_factory=dict)
    peak: Decimal | None = None
    standing: tuple[Standing, ...] = ()
    ended: tuple[str, ...] = ()
    fractions: Mapping[str, Decimal] = field(default_factory=dict)
    short: Mapping[str, int] = field(default_factory=dict)
    lends: bool = False

    @property
    def signed(self) -> dict[str, Decimal]:
        """Give all shares by symbol, those sold short negative."""
        return {**self.shares, **{symbol: Decimal(-qty) for symbol, qty in self.short.items()}}

    @property
    def own_cash(self) -> Decimal:
        """Give the cash that secures nothing, dollars: what a short sale brought and as much again is kept for buying back."""
        prices = (
            (qty, self.marks.get(symbol), self.closes.get(symbol)) for symbol, qty in self.short.items()
        )
        return self.cash - 2 * sum(
            (qty * max(mark or Decimal(0), close or Decimal(0)) for qty, mark, close in prices), Decimal(0)
        )

    def opens_short(self, order: "PlannedOrder") -> bool:
        """Tell whether an order sells what is not held."""
        return order.side == "sell" and not self.held.get(order.symbol)

    def covers(self, order: "PlannedOrder") -> bool:
        """Tell whether an order buys back what was sold short."""
        return order.side == "buy" and bool(self.short.get(order.symbol))

    @cached_property
    def shares(self) -> dict[str, Decimal]:
        """Give everything that is held by symbol, fractions of a share too."""
        return {
            symbol: self.held.get(symbol, 0) + self.fractions.get(symbol, Decimal(0))
            for symbol in sorted({*self.held, *self.fractions})
        }


@dataclass(frozen=True)
class Plan:
    """What a team will do after the close of `session`: sells first, then buys, and what it leaves alone."""

    team: str
    session: date
    rev: int
    snapshot: Snapshot
    orders: tuple[PlannedOrder, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def order_id(self, symbol: str, side: Side) -> str:
        """Give the id of an order of this plan: of the plan's `rev`, or the next one no order that has ended has."""
        rev = self.rev
        while (name := client_order_id(self.team, self.session, symbol, side, rev)) in self.snapshot.ended:
            rev += 1
        return name

    def order(
        self, symbol: str, side: Side, qty: int, why: str, said: Signal, limit: Decimal | None = None
    ) -> PlannedOrder:
        """Give an order that follows from a prediction, sized at the session's close."""
        name, price = self.order_id(symbol, side), self.snapshot.closes[symbol]
        return PlannedOrder(name, symbol, side, qty, price, why, said.session, limit, said.value)

    def as_record(self) -> dict[str, Any]:
        """Give the plan in JSON's own types: money as strings, the session as ISO date."""
        record: dict[str, Any] = plain(self)
        return record

    def to_json(self) -> str:
        """Give the plan as JSON text, stable byte for byte."""
        return json.dumps(self.as_record(), indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Read what `to_json` wrote; raises TradingError when it is something else."""
        try:
            return _plan_of(json.loads(text))
        except (ValueError, KeyError, TypeError, ArithmeticError) as error:
            raise TradingError(f"this is not a plan: {error!r}; plan the session again") from error


def _plan_of(raw: dict[str, Any]) -> Plan:
    return Plan(
        team=raw["team"],
        session=date.fromisoformat(raw["session"]),
        rev=int(raw["rev"]),
        snapshot=_snapshot_of(raw["snapshot"]),
        orders=tuple(_order_of(order) for order in raw["orders"]),
        skipped=tuple(Skipped(**skip) for skip in raw["skipped"]),
    )


def _order_of(raw: dict[str, Any]) -> PlannedOrder:
    basis, limit = raw.get("basis"), raw.get("limit")
    known = {
        "price": Decimal(raw["price"]),
        "basis": basis and date.fromisoformat(basis),
        "limit": limit and Decimal(limit),
    }
    return PlannedOrder(**{**raw, **known})


def _snapshot_of(raw: dict[str, Any]) -> Snapshot:
    return Snapshot(
        equity=Decimal(raw["equity"]),
        cash=Decimal(raw["cash"]),
        spendable_proceeds=bool(raw["spendable_proceeds"]),
        cash_margin=Decimal(raw["cash_margin"]),
        held={symbol: int(qty) for symbol, qty in raw["held"].items()},
        closes={symbol: Decimal(price) for symbol, price in raw["closes"].items()},
        # Plans on record from before these existed are read too.
        marks={symbol: Decimal(price) for symbol, price in raw.get("marks", {}).items()},
        peak=Decimal(raw["peak"]) if raw.get("peak") else None,
        standing=tuple(Standing(**one) for one in raw.get("standing", ())),
        ended=tuple(raw.get("ended", ())),
        fractions={symbol: Decimal(part) for symbol, part in raw.get("fractions", {}).items()},
        short={symbol: int(qty) for symbol, qty in raw.get("short", {}).items()},
        lends=bool(raw.get("lends")),
    )
