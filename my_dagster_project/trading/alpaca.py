"""Alpaca through its alpaca-trade-api client: each order at most once, whatever the network does."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from typing import TYPE_CHECKING, Any

from my_dagster_project.foundation.errors import BrokerError, OrderOutcomeUnknownError
from my_dagster_project.trading import alpaca_answers as parsing
from my_dagster_project.trading.broker import (
    Account,
    Activity,
    BrokerRefusedError,
    EquityPoint,
    Order,
    OrderRequest,
    Position,
)
from my_dagster_project.trading.transport import (
    TOO_MANY,
    Failure,
    Transport,
    check_endpoint,
    is_local,
    make_client,
)

if TYPE_CHECKING:
    from alpaca_trade_api import REST
    from requests import Session

NOT_FOUND = 404
PAGE = 500
ACTIVITY_PAGE = 100
LOOK_PAUSES_S = (0.0, 0.5, 2.0)  # An order accepted behind a 504 shows up within moments.
RATE_PAUSES_S = (1.0, 5.0)


class AlpacaBroker:
    """One team's paper account at Alpaca, or at anything on this machine that speaks its REST v2.

    `timeout` is seconds per request. Raises BrokerError for an endpoint that is neither a paper one nor, exactly,
    `bundled_url`; `allow_live` adds Alpaca's live one. `road`: see `transport.make_client`.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        secret: str,
        timeout: float = 10.0,
        *,
        team: str,
        allow_live: bool = False,
        bundled_url: str | None = None,
        road: "Callable[[], Session] | None" = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.team = team
        self.base_url = check_endpoint(base_url, allow_live=allow_live, bundled_url=bundled_url)
        if not key or not secret:
            raise BrokerError(f"team {team}: its broker key or secret is missing; put both into .env.secrets")
        outside = not is_local(self.base_url, bundled_url)
        client = make_client(self.base_url, key, secret, timeout, proxies=outside, road=road)
        self._transport = Transport(team, client, sleep)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(team={self.team!r}, base_url={self.base_url!r})"

    def at_close_of(self, session: date) -> None:
        """Check that `session` is the last one that closed; raises BrokerError saying which session is due."""
        is_open, next_open = parsing.clock(self._read("clock", lambda client: client.get("/clock")))
        if is_open:
            raise BrokerError(
                f"team {self.team}, session {session}: the exchange is open; orders are sent after the close"
            )
        window = {"start": str(next_open - timedelta(days=14)), "end": str(next_open)}
        days = parsing.calendar(self._read("calendar", lambda client: client.get("/calendar", window)))
        if len(days) < 2 or days[-2] != str(session):
            due = days[-2] if len(days) > 1 else "unknown"
            raise BrokerError(
                f"team {self.team}, session {session}: orders sent now fill at the open of {next_open}, so the"
                f" session due is {due}; nothing is sent for another one"
            )

    def still_at_close_of(self, session: date) -> None:
        """The exchange may have opened meanwhile."""
        self.at_close_of(session)

    def settled(self, session: date) -> bool:
        """Nothing: the exchange fills orders without us."""
        return False

    def account(self) -> Account:
        """Give cash, equity and buying power now."""
        return parsing.account(self._read("account", lambda client: client.get_account()))

    def positions(self) -> list[Position]:
        """Give what is held, by symbol."""
        raw = self._read("positions", lambda client: client.list_positions())
        return sorted((parsing.position(one) for one in raw), key=lambda position: position.symbol)

    def submit(self, request: OrderRequest) -> Order:
        """Submit at most once; see `Broker.submit`."""
        answer = self._post(request)
        if not isinstance(answer, Failure):
            return parsing.order(answer)
        what = f"{request.side} {request.qty} {request.symbol} ({request.client_order_id})"
        if answer.kind == "not_sent" and answer.status != TOO_MANY:
            raise self._transport.error(what, answer)
        if answer.kind == "unknown":
            return self._resolve(what, request, answer)
        # Whatever the answer says, the order may be there from an earlier run: "must be unique" means so,
        # "insufficient qty" does too when the first one holds the shares, and a 429 says nothing of it.
        known = self._look(what, request)
        if known is None:
            raise self._transport.error(what, answer)
        return replace(known, already_there=True)

    def cancel(self, order: Order) -> None:
        """Cancel an open order; see `Broker.cancel`. Repeated like a read: what is cancelled twice is cancelled."""
        try:
            self._read(f"cancel {order.client_order_id}", lambda client: client.cancel_order(order.id))
        except BrokerRefusedError:
            now = self.order_by_client_id(order.client_order_id)
            if now is None or now.status not in ("canceled", "pending_cancel"):
                raise

    def order_by_client_id(self, client_order_id: str) -> Order | None:
        """Give the order with our id, None when there is none."""
        try:
            raw = self._read(
                f"order {client_order_id}",
                lambda client: client.get_order_by_client_order_id(client_order_id),
            )
        except BrokerRefusedError as refusal:
            if refusal.http_status == NOT_FOUND:
                return None
            raise
        return parsing.order(raw)

    def orders(self, since: date | None = None) -> list[Order]:
        """Give all orders submitted on or after `since` (New York date), oldest first."""
        found: dict[str, Order] = {}
        after = _midnight(since or date(1990, 1, 1))
        while True:
            page = [parsing.order(raw) for raw in self._orders_after(after)]
            new = [order for order in page if order.id not in found]
            found.update((order.id, order) for order in new)
            if len(page) < PAGE or not new:
                return list(found.values())
            # A moment earlier than the last one seen: several orders may share an instant.
            after = new[-1].submitted_at - timedelta(milliseconds=1)

    def _orders_after(self, after: datetime) -> list[Any]:
        return list(
            self._read(
                "orders",
                lambda client: client.list_orders(
                    status="all", limit=PAGE, after=_iso(after), direction="asc", nested=False
                ),
            )
        )

    def activities(self, since: date) -> list[Activity]:
        """Give the statement from `since` (New York date) on, oldest first."""
        after = _iso(_midnight(since) - timedelta(microseconds=1))  # Alpaca excludes the instant itself.
        raw = self._activities("activities", "/account/activities", after=after)
        return [parsing.activity(one) for one in raw]

    def _activities(self, what: str, path: str, **query: str) -> list[Any]:
        found: list[Any] = []
        while True:
            token = {"page_token": found[-1]["id"]} if found else {}
            page = self._activities_page(
                what, path, query | token | {"direction": "asc", "page_size": ACTIVITY_PAGE}
            )
            found.extend(page)
            if len(page) < ACTIVITY_PAGE:
                return found

    def _activities_page(self, what: str, path: str, query: dict[str, Any]) -> list[Any]:
        return list(self._read(what, lambda client: client.get(path, query)))

    def equity_history(self) -> Sequence[EquityPoint]:
        """Give the equity of each closed session, oldest first (ten years at most: Alpaca wants a period)."""
        query = {"timeframe": "1D", "period": "10A"}
        return parsing.history(
            self._read("equity history", lambda client: client.get("/account/portfolio/history", query))
        )

    def _post(self, request: OrderRequest) -> Any | Failure:
        """Post the order; only after a 429, which is said before anything is done, post it again."""

        def call(client: "REST") -> Any:
            return client.submit_order(
                symbol=request.symbol,
                qty=str(request.qty),
                side=request.side,
                type="market" if request.limit is None else "limit",
                time_in_force="day",
                limit_price=None if request.limit is None else str(request.limit),
                client_order_id=request.client_order_id,
            )

        return self._transport.again_while(call, lambda failure: failure.status == TOO_MANY, RATE_PAUSES_S)

    def _resolve(self, what: str, request: OrderRequest, failure: Failure) -> Order:
        """Find out by our id what became of an order whose answer was lost; never post it again."""
        for pause in LOOK_PAUSES_S:
            self._transport.sleep(pause)
            known = self._look(what, request)
            if known is not None:
                return known
        raise self._unknown(what, f"{failure.text}, and the broker does not know the order yet")

    def _look(self, what: str, request: OrderRequest) -> Order | None:
        try:
            return self.order_by_client_id(request.client_order_id)
        except BrokerError as error:
            raise self._unknown(what, f"asking for it failed too: {error}") from error

    def _unknown(self, what: str, why: str) -> OrderOutcomeUnknownError:
        return OrderOutcomeUnknownError(
            f"team {self.team}, {what}: nobody can tell whether it was accepted ({why}); run the session again"
            " later: the same id cannot be accepted twice"
        )

    def _read(self, what: str, call: Callable[["REST"], Any]) -> Any:
        return self._transport.read(what, call)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, clock_time(), tzinfo=parsing.NEW_YORK)


def _iso(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
