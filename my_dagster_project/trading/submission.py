"""Sending a plan: sells first, one outcome on record for each order, nothing twice."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from my_dagster_project.domain.limits import Limits
from my_dagster_project.domain.plain_json import plain
from my_dagster_project.domain.plan import Plan, PlannedOrder
from my_dagster_project.domain.risk import gate
from my_dagster_project.foundation.errors import BrokerError, OrderOutcomeUnknownError, PassingError
from my_dagster_project.trading.broker import (
    Broker,
    BrokerRefusedError,
    BrokerUnreachableError,
    Order,
    OrderRequest,
)

Status = Literal["submitted", "already there", "refused", "unknown", "not sent", "halted"]
LANDED = ("submitted", "already there")


@dataclass(frozen=True)
class Outcome:
    """What became of a planned order. `detail` is for people; `order` is the broker's, None when it has none.

    `withdrawn`: not sent, or not standing, because somebody cancelled it or the sells that pay for it.
    """

    planned: PlannedOrder
    status: Status
    detail: str = ""
    order: Order | None = None
    refusal: BrokerRefusedError | None = field(default=None, compare=False, repr=False)
    withdrawn: bool = field(default=False, compare=False, repr=False)

    def record(self) -> dict[str, Any]:
        """Give the outcome for JSON: money and times as text, the broker's order or None."""
        return {
            "planned": plain(self.planned),
            "status": self.status,
            "detail": self.detail,
            "order": self.order
            and {one.name: _text(getattr(self.order, one.name)) for one in fields(self.order)},
        }

    def __str__(self) -> str:
        return f"{self.planned.side} {self.planned.qty} {self.planned.symbol}: {self.status}. {self.detail}".strip()


class UncertainError(BrokerError, PassingError):
    """Nobody knows yet what became of some orders; running the session again settles it, and sends nothing twice."""


class WithdrawnError(BrokerError):
    """Somebody cancelled an order meanwhile; whether it is to be sent after all is for people to say."""


def submit_plan(
    broker: Broker,
    plan: Plan,
    still_allowed: Callable[[], str] = lambda: "",
    limits: Limits | None = None,
) -> list[Outcome]:
    """Send the orders of a plan that passed the gate; running it again submits nothing twice.

    A refusal concerns its own order, and the buys that its cash was to pay for. When the outcome of an order is
    unknown or the broker cannot be reached, the rest is not sent: run it again. `still_allowed` is asked before each
    order and says why trading is halted, '' when it is not: what is left is then not sent. No buy is sent unless the
    sells before it stand. Raises BrokerError: with nothing sent when the account does not stand after the close of the
    plan's session, else because nobody could tell whether the sells stand.
    """
    broker.still_at_close_of(plan.session)
    sells = _send(broker, [order for order in plan.orders if order.side == "sell"], still_allowed)
    buys = [order for order in plan.orders if order.side == "buy"]
    if buys:
        sells = _as_they_stand(broker, plan, sells)
    landed = tuple(outcome.planned for outcome in sells if outcome.status in LANDED)
    if open_ends(sells):
        return sells + [
            Outcome(order, "not sent", "an order before it has no certain outcome") for order in buys
        ]
    if len(landed) < len(sells):
        # A sell was refused: the gate again finds the buys that its cash was to pay for, or its place to be free for.
        paid = set(gate(replace(plan, orders=(*landed, *buys)), limits or Limits()).orders)
        unpaid = [
            # Final, unlike what is "not sent": sent again, it would only take cash that was meant for something else.
            Outcome(o, "refused", "not sent: the cash for it was to come from a refused sell")
            for o in buys
            if o not in paid
        ]
        buys = [order for order in buys if order in paid]
        return sells + unpaid + _send(broker, buys, still_allowed, lambda: _gone(broker, plan, sells))
    return sells + _send(broker, buys, still_allowed, lambda: _gone(broker, plan, sells))


def open_ends(outcomes: list[Outcome]) -> list[Outcome]:
    """Give the outcomes that running the plan again would settle: nobody knows, or the broker was not reached."""
    return [outcome for outcome in outcomes if outcome.status in ("unknown", "not sent")]


def require_certain(plan: Plan, outcomes: list[Outcome]) -> None:
    """Raise unless every order's fate is known: WithdrawnError when somebody cancelled one, else UncertainError."""
    if left := open_ends(outcomes):
        lines = "\n".join(map(str, left))
        text = f"team {plan.team}, session {plan.session}: run it again, nothing is sent twice\n{lines}"
        raise WithdrawnError(text) if any(one.withdrawn for one in left) else UncertainError(text)


def orders_of(orders: Iterable[Order], team: str, session: date) -> list[Order]:
    """Give those of the orders that `team` decided on after `session`."""
    prefix = f"{team}-{session:%Y%m%d}-"
    return [order for order in orders if order.client_order_id.startswith(prefix)]


def _text(value: Any) -> Any:
    return value if value is None or isinstance(value, bool) else str(value)


def _send(
    broker: Broker,
    orders: list[PlannedOrder],
    still_allowed: Callable[[], str],
    unpaid: Callable[[], str] = lambda: "",
) -> list[Outcome]:
    """Send one after the other. `unpaid` says why the cash for the next one is not to come after all, '' when it is."""
    outcomes: list[Outcome] = []
    for number, order in enumerate(orders):
        if halted := still_allowed():
            return outcomes + [Outcome(left, "halted", halted) for left in orders[number:]]
        if gone := unpaid():
            return outcomes + [Outcome(left, "not sent", gone, withdrawn=True) for left in orders[number:]]
        outcomes.append(_send_one(broker, order))
        if open_ends(outcomes):
            rest = orders[number + 1 :]
            return outcomes + [
                Outcome(o, "not sent", "an order before it has no certain outcome") for o in rest
            ]
    return outcomes


def _send_one(broker: Broker, planned: PlannedOrder) -> Outcome:
    request = OrderRequest.of(planned)
    outcome = _attempt(broker, planned, request)
    refusal = outcome.refusal
    if planned.side == "sell" or refusal is None or not refusal.lacks_buying_power:
        return outcome
    # The plan was sized at the close, the broker values at its own price and knows its reserves: once more, smaller.
    # The id stays the same: it is still free, and a second run finds the order by it.
    smaller = _affordable(broker, request, refusal)
    if smaller is None:
        return outcome
    note = f"{smaller.qty} instead of {planned.qty}: the broker's buying power was not enough"
    second = _attempt(broker, planned, smaller)
    return replace(second, detail=f"{note}; {second.detail}" if second.detail else note)


def _affordable(broker: Broker, request: OrderRequest, refusal: BrokerRefusedError) -> OrderRequest | None:
    """Give the largest smaller order that the account's buying power, read anew, pays for; None when there is none."""
    try:
        power = broker.account().buying_power
        cost = Decimal(str(refusal.extra["cost_basis"]))
        qty = min(int(power * request.qty / cost), request.qty - 1)
    except (BrokerError, KeyError, ArithmeticError):
        return None  # Without either figure any size would be a guess.
    return replace(request, qty=qty) if qty >= 1 else None


def _attempt(broker: Broker, planned: PlannedOrder, request: OrderRequest) -> Outcome:
    try:
        order = broker.submit(request)
    except OrderOutcomeUnknownError as error:
        return Outcome(planned, "unknown", str(error))
    except BrokerUnreachableError as error:
        return Outcome(planned, "not sent", str(error))
    except BrokerRefusedError as error:
        return Outcome(planned, "refused", str(error), refusal=error)
    except BrokerError as error:
        return Outcome(planned, "refused", str(error))
    return _answered(planned, order)


def _answered(planned: PlannedOrder, order: Order) -> Outcome:
    """What the order that the broker has under our id means: its id alone says nothing, it may have been cancelled."""
    if order.status == "rejected":
        return Outcome(planned, "refused", "the broker rejected it", order)
    if not order.stands:
        why = f"{order.status} at the broker before it could fill; run the session again, which plans it anew"
        return Outcome(planned, "not sent", why, order, withdrawn=True)
    return Outcome(planned, "already there" if order.already_there else "submitted", "", order)


def _as_they_stand(broker: Broker, plan: Plan, sells: list[Outcome]) -> list[Outcome]:
    """Tell anew of the sells that were taken and do not stand any more: a broker may reject an order it has taken."""
    fallen = _fallen(broker, plan, sells)
    told = [(one, fallen.get(one.planned.client_order_id)) for one in sells]
    return [one if order is None else _answered(one.planned, order) for one, order in told]


def _gone(broker: Broker, plan: Plan, sells: list[Outcome]) -> str:
    """Say which sells do not stand any more: somebody may have cancelled them a moment ago, `--cancel-open` does."""
    fallen = _fallen(broker, plan, sells)
    told = ", ".join(f"{name} {order.status} at the broker" for name, order in fallen.items())
    return f"{told} before it could fill; run the session again, which plans it anew" if told else ""


def _fallen(broker: Broker, plan: Plan, sells: list[Outcome]) -> dict[str, Order]:
    """Give those of the sells that were taken and do not stand now, by id, as the broker has them."""
    taken = {one.planned.client_order_id for one in sells if one.status in LANDED}
    now = orders_of(broker.orders(since=plan.session), plan.team, plan.session) if taken else []
    return {one.client_order_id: one for one in now if one.client_order_id in taken and not one.stands}
