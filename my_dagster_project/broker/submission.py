"""Sending a plan: sells first, one outcome on record for each order, nothing twice."""

from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Literal

from my_dagster_project.broker.base import Broker, BrokerUnreachableError, Order, OrderRequest
from my_dagster_project.domain.plan import Limits, Plan, PlannedOrder
from my_dagster_project.domain.risk import gate
from my_dagster_project.errors import BrokerError, OrderOutcomeUnknownError

Status = Literal["submitted", "already there", "refused", "unknown", "not sent"]
LANDED = ("submitted", "already there")


@dataclass(frozen=True)
class Outcome:
    """What became of a planned order. `detail` is for people; `order` is the broker's, None when it has none."""

    planned: PlannedOrder
    status: Status
    detail: str = ""
    order: Order | None = None

    def record(self) -> dict[str, Any]:
        """Give the outcome for JSON: money and times as text, the broker's order or None."""
        return {
            "planned": {**asdict(self.planned), "price": str(self.planned.price)},
            "status": self.status,
            "detail": self.detail,
            "order": self.order and {name: _text(value) for name, value in asdict(self.order).items()},
        }

    def __str__(self) -> str:
        return f"{self.planned.side} {self.planned.qty} {self.planned.symbol}: {self.status}. {self.detail}".strip()


def submit_plan(broker: Broker, plan: Plan) -> list[Outcome]:
    """Send the orders of a plan that passed the gate; running it again submits nothing twice.

    A refusal concerns its own order, and the buys that its cash was to pay for. When the outcome of an order is
    unknown or the broker cannot be reached, the rest is not sent: run it again. Raises BrokerError, with nothing
    sent, when the account does not stand after the close of the plan's session.
    """
    broker.at_close_of(plan.session)
    sells = _send(broker, [order for order in plan.orders if order.side == "sell"])
    landed = tuple(outcome.planned for outcome in sells if outcome.status in LANDED)
    buys = [order for order in plan.orders if order.side == "buy"]
    if any(outcome.status in ("unknown", "not sent") for outcome in sells):
        return sells + [
            Outcome(order, "not sent", "an order before it has no certain outcome") for order in buys
        ]
    if len(landed) < len(sells):
        # A sell was refused: the gate again, without limits, finds the buys its cash was to pay for.
        paid = set(gate(replace(plan, orders=(*landed, *buys)), Limits()).orders)
        unpaid = [
            Outcome(o, "not sent", "the cash for it was to come from a refused sell")
            for o in buys
            if o not in paid
        ]
        return sells + unpaid + _send(broker, [order for order in buys if order in paid])
    return sells + _send(broker, buys)


def orders_of(broker: Broker, team: str, session: date) -> list[Order]:
    """Give what the broker has of the orders that `team` decided on after `session`."""
    prefix = f"{team}-{session:%Y%m%d}-"
    return [order for order in broker.orders(since=session) if order.client_order_id.startswith(prefix)]


def _text(value: Any) -> Any:
    return value if value is None or isinstance(value, bool) else str(value)


def _send(broker: Broker, orders: list[PlannedOrder]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for number, order in enumerate(orders):
        outcomes.append(_send_one(broker, order))
        if outcomes[-1].status in ("unknown", "not sent"):
            rest = orders[number + 1 :]
            return outcomes + [
                Outcome(o, "not sent", "an order before it has no certain outcome") for o in rest
            ]
    return outcomes


def _send_one(broker: Broker, planned: PlannedOrder) -> Outcome:
    try:
        order = broker.submit(OrderRequest.of(planned))
    except OrderOutcomeUnknownError as error:
        return Outcome(planned, "unknown", str(error))
    except BrokerUnreachableError as error:
        return Outcome(planned, "not sent", str(error))
    except BrokerError as error:
        return Outcome(planned, "refused", str(error))
    return Outcome(planned, "already there" if order.already_there else "submitted", "", order)
