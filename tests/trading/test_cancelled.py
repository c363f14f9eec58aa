"""Orders that die before they fill: cancelled by the kill switch or by hand, rejected, being cancelled."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

import pytest

from my_dagster_project.foundation.errors import BrokerError, NotYetError
from my_dagster_project.trading.broker import Order, OrderRequest
from my_dagster_project.trading.halts import halt, lift
from my_dagster_project.trading.open_orders import cancel_open
from my_dagster_project.trading.planning import session_plan
from my_dagster_project.trading.reconcile import check
from my_dagster_project.trading.settling import settlements
from my_dagster_project.trading.submission import WithdrawnError, submit_plan
from tests.trading.ledger import ledger
from tests.trading.scenarios import panic
from tests.trading.street import CALENDAR, open_street, predictions, run_session, trader
from tests.trading.world import make_world

SESSIONS = CALENDAR.sessions(date(2012, 12, 20), date(2012, 12, 27))
FIRST, SECOND, THIRD = SESSIONS[:3]
RED = trader("red", strategy="long_flat", position_share=0.95, buy_above=0.001, sell_below=0.0)


@pytest.fixture
def street(tmp_path):
    """Red is to hold AAA after the first session, and nothing but BBB after the second."""
    world = make_world(Random(3), SESSIONS, halts=0, splits=0)
    world.predicted["red", FIRST, 0] = {"AAA": 0.01, "BBB": -0.01, "CCC": -0.01}
    world.predicted["red", SECOND, 0] = {"AAA": -0.01, "BBB": 0.01, "CCC": -0.01}
    with open_street(tmp_path, world) as made, predictions(world):
        made.open_account("red")
        run_session(made, RED, FIRST)
        yield made


def ids(street, session=SECOND):
    """By id: status of the session's orders, as the broker's own books have them."""
    rows = ledger(street.db, "red").orders
    return {row["client_order_id"][13:]: row["status"] for row in rows if row["session"] == str(session)}


def exposure(street) -> Decimal:
    street.client("red").at_close_of(THIRD)
    book = ledger(street.db, "red")
    return 1 - book.cash / book.equity[str(THIRD)]


def once(number, what):
    """Do something before the order with this number, never before another."""
    asked = []

    def meanwhile():
        asked.append(1)
        if len(asked) == number:
            what()

    return meanwhile


def test_cancelled_by_the_switch_resumed_and_run_again_everything_is_sent_anew(street):
    run_session(street, RED, SECOND)
    panic(street, "red")
    assert ids(street) == {"AAA-sell-1": "canceled", "BBB-buy-1": "canceled"}
    outcomes = run_session(street, RED, SECOND)
    assert [one.status for one in outcomes] == ["submitted", "submitted"]
    assert {name for name, status in ids(street).items() if status != "canceled"} == {
        "AAA-sell-2",
        "BBB-buy-2",
    }
    assert {one.status for one in run_session(street, RED, SECOND)} == {"already there"}
    assert 0.8 < exposure(street) <= 1
    settled = settlements("red", [SECOND], street.store(), lambda: street.client("red"), CALENDAR)
    reasons = {one.client_order_id[13:]: one.reason for one in settled[0].orders}
    assert reasons["AAA-sell-1"] == "nothing filled: cancelled at the broker"
    assert reasons["AAA-sell-2"] == reasons["BBB-buy-2"] == ""
    assert check(street.store(), "red", street.client("red")).differences == ()


@pytest.mark.parametrize("order", [1, 2])
def test_cancelled_while_it_is_sent_and_resumed_no_buy_goes_out_on_the_cash_of_a_dead_sell(street, order):
    if order == 1:  # between planning and sending: what died is of a run before
        run_session(street, RED, SECOND)
    # Before the second order the sell is sent and the buy is not.
    with pytest.raises(
        WithdrawnError, match="canceled at the broker before it could fill; run the session again"
    ):
        run_session(street, RED, SECOND, meanwhile=once(order, lambda: panic(street, "red")))
    assert set(ids(street).values()) == {"canceled"}
    assert [one.status for one in run_session(street, RED, SECOND)] == ["submitted", "submitted"]
    assert 0.8 < exposure(street) <= 1


def test_sells_that_are_cancelled_by_hand_between_sells_and_buys_keep_the_buys_back(street):
    """Without any halt: nobody asks before the first buy but the check itself."""
    broker = street.client("red")
    [plan] = [session_plan(RED, SECOND, street.store(), lambda: broker)]
    sells = [order for order in plan.orders if order.side == "sell"]
    submit_plan(broker, replace(plan, orders=tuple(sells)))
    honest, asked = broker.orders, []

    def cancelled_meanwhile(since=None):
        if not asked.append(1):
            for one in honest(since):
                if one.is_open:
                    broker.cancel(one)
        return honest(since)

    broker.orders = cancelled_meanwhile
    outcomes = submit_plan(broker, plan)
    assert [one.status for one in outcomes] == ["not sent", "not sent"]
    assert ids(street) == {"AAA-sell-1": "canceled"}


def test_a_buy_that_cannot_be_cancelled_keeps_the_sell_that_pays_for_it(street):
    run_session(street, RED, SECOND)
    account = street.client("red")
    honest = account.cancel

    def refuse_buys(order: Order) -> None:
        if order.side == "buy":
            raise BrokerError("not now")
        honest(order)

    account.cancel = refuse_buys
    done = cancel_open(["red"], lambda team: account)
    assert done.left == ["red"]
    assert "it pays for a buy" in " ".join(done.lines)
    assert set(ids(street).values()) == {"accepted"}
    account.cancel = honest
    assert cancel_open(["red"], lambda team: account).left == []
    assert set(ids(street).values()) == {"canceled"}


def test_somebodys_own_order_is_told_and_stays_open(street):
    run_session(street, RED, SECOND)
    account = street.client("red")
    account.submit(OrderRequest("by-hand", "CCC", "buy", 1))
    done = cancel_open(["red"], lambda team: account)
    assert (
        "red: buy 1 CCC (by-hand): NOT cancelled: it is not one of ours; cancel it at the broker"
        in done.lines
    )
    assert done.left == ["red"]
    assert [one.client_order_id for one in account.orders() if one.is_open] == ["by-hand"]


def test_a_halt_that_cancels_leaves_nothing_to_buy_until_it_is_lifted(street):
    def stop():
        halt(street.store(), "red", "ann", "")
        cancel_open(["red"], street.client)

    outcomes = run_session(street, RED, SECOND, meanwhile=once(2, stop))
    assert [one.status for one in outcomes] == ["submitted", "halted"]
    assert run_session(street, RED, SECOND) == []
    lift(street.store(), "red", "ann", "")
    assert [one.status for one in run_session(street, RED, SECOND)] == ["submitted", "submitted"]
    assert 0.8 < exposure(street) <= 1


class Says:
    """A broker whose next answers are made up: what the bundled one never says."""

    def __init__(self, broker, **changes):
        self._broker, self._changes = broker, changes

    def __getattr__(self, name):
        return getattr(self._broker, name)

    def submit(self, request: OrderRequest) -> Order:
        order = self._broker.submit(request)
        return replace(order, **self._changes) if request.side == "sell" else order

    def orders(self, since=None) -> list[Order]:
        found = self._broker.orders(since)
        return [replace(one, **self._changes) if one.side == "sell" else one for one in found]


def test_a_sell_that_the_broker_rejects_after_taking_it_is_refused_and_its_buy_is_not_sent(street):
    broker = street.client("red")
    plan = session_plan(RED, SECOND, street.store(), lambda: broker)
    outcomes = submit_plan(Says(broker, status="rejected"), plan)
    assert [one.status for one in outcomes] == ["refused", "refused"]
    assert "the cash for it was to come from a refused sell" in outcomes[1].detail
    assert ids(street) == {"AAA-sell-1": "accepted"}


@pytest.mark.parametrize(
    ("status", "filled", "stands"),
    [
        ("accepted", 0, True),
        ("partially_filled", 3, True),
        ("filled", 10, True),
        ("pending_cancel", 0, False),
        ("canceled", 3, False),
        ("expired", 3, False),
        ("rejected", 0, False),
    ],
)
def test_an_order_stands_while_it_may_fill_whole_or_when_it_has(street, status, filled, stands):
    [order] = street.client("red").orders()
    assert replace(order, status=status, filled_qty=Decimal(filled)).stands is stands


def test_a_session_whose_orders_are_being_cancelled_is_not_planned_yet(street):
    run_session(street, RED, SECOND)
    with pytest.raises(NotYetError, match="red-20121221-AAA-sell-1: being cancelled"):
        session_plan(RED, SECOND, street.store(), lambda: Says(street.client("red"), status="pending_cancel"))
