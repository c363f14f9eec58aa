"""The bundled broker as an ASGI app: a table of routes, one transaction per request, Alpaca's error bodies.

Handlers run on the event loop, not in threads: a request is a few indexed SQLite statements, a fraction of a
millisecond, and one connection per process needs no locks.
"""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection, OperationalError
from typing import TYPE_CHECKING, Any

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.foundation.errors import CalendarError, StorageError
from my_dagster_project.paper_broker import (
    admin,
    latest_prices,
    market,
    order_entry,
    queries,
    stock_bars,
    tradable_assets,
)
from my_dagster_project.paper_broker.accounts import Opening, authenticate, check_admin
from my_dagster_project.paper_broker.faults import MET, FaultLayer, Faults
from my_dagster_project.paper_broker.feed import Market
from my_dagster_project.paper_broker.lapse import Lapse
from my_dagster_project.paper_broker.open_account import Ask, OpenAccount
from my_dagster_project.paper_broker.refusals import ApiError, malformed, not_found, unprocessable
from my_dagster_project.paper_broker.store import Store

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

Answer = tuple[int, Any]
Work = Callable[["Request", Ask], Answer]
ADMIN_HEADER = "X-Paper-Admin"
READ, WRITE = False, True

# Alpaca's routes: method, path, handler, does it write.
TEAM_ROUTES: tuple[tuple[str, str, Callable[[OpenAccount, Ask], Answer], bool], ...] = (
    ("GET", "/v2/account", queries.account, READ),
    ("GET", "/v2/account/activities", queries.activities, READ),
    ("GET", "/v2/account/activities/{kind}", queries.activities, READ),
    ("GET", "/v2/account/portfolio/history", queries.history, READ),
    ("GET", "/v2/clock", market.clock, READ),
    ("GET", "/v2/calendar", market.calendar, READ),
    ("GET", "/v2/assets", tradable_assets.assets, READ),
    ("GET", "/v2/assets/{symbol}", tradable_assets.asset, READ),
    ("GET", "/v2/stocks/bars/latest", latest_prices.bars, READ),
    ("GET", "/v2/stocks/trades/latest", latest_prices.trades, READ),
    ("GET", "/v2/stocks/{symbol}/bars/latest", latest_prices.bar_of_one, READ),
    ("GET", "/v2/stocks/{symbol}/trades/latest", latest_prices.trade_of_one, READ),
    ("GET", "/v2/stocks/bars", stock_bars.bars, READ),
    ("GET", "/v2/stocks/{symbol}/bars", stock_bars.bars_of_one, READ),
    ("GET", "/v2/positions", queries.positions, READ),
    ("GET", "/v2/positions/{symbol}", queries.position, READ),
    ("GET", "/v2/orders:by_client_order_id", queries.order_by_client_id, READ),
    ("GET", "/v2/orders", queries.orders, READ),
    ("GET", "/v2/orders/{order_id}", queries.order, READ),
    ("POST", "/v2/orders", order_entry.submit, WRITE),
    ("DELETE", "/v2/orders", order_entry.cancel_all, WRITE),
    ("DELETE", "/v2/orders/{order_id}", order_entry.cancel, WRITE),
    ("DELETE", "/v2/positions", order_entry.close_all_positions, WRITE),
    ("DELETE", "/v2/positions/{symbol}", order_entry.close_position, WRITE),
)
# Only where there is no lapse, whose clock is everybody's.
OWN_CLOCK = ("POST", "/paper/v1/clock", admin.move_clock, WRITE)
ORGANISER_ROUTES = (
    ("/paper/v1/accounts", admin.ensure),
    ("/paper/v1/accounts/{team}/reset", admin.reset),
    ("/paper/v1/accounts/{team}/block", admin.block),
)


def create_app(
    database: Path,
    prices: Market,
    calendar: TradingCalendar,
    admin_token: str,
    newcomers: Opening | None = None,
) -> "Starlette":
    """Give the broker as an ASGI app for uvicorn or any other server.

    `admin_token` opens the organiser's routes under /paper/v1/accounts and /paper/v1/faults (header
    X-Paper-Admin). Several processes may serve the same `database` at once. With `newcomers` all accounts have one clock, and the
    first request with a key opens one (see `lapse.Lapse`, which is `state.lapse` then).
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Route

    store, faults = Store(database), Faults()
    lapse = None if newcomers is None else Lapse(store, prices, calendar, newcomers)
    teams = TeamRoutes(store, prices, calendar, lapse)
    own_clock = () if lapse else (OWN_CLOCK,)

    def route(method: str, path: str, work: Work) -> Route:
        return Route(path, _endpoint(work), methods=[method])

    app = Starlette(
        routes=[
            *(
                route(way, path, teams.serves(handler, writes=w))
                for way, path, handler, w in (*TEAM_ROUTES, *own_clock)
            ),
            *(
                route(
                    "POST",
                    path,
                    _for_organiser(lapse.catching_up if lapse else store.transaction, admin_token, handler),
                )
                for path, handler in ORGANISER_ROUTES
            ),
            *(route(way, "/paper/v1/lapse", work) for way, work in _of_lapse(lapse, admin_token).items()),
            route("POST", "/paper/v1/faults", _for_faults(faults, admin_token)),
            route("GET", "/healthz", _health(store)),
        ],
        exception_handlers={404: _no_route, 405: _no_route},
        middleware=[Middleware(FaultLayer, faults=faults)],
    )
    app.state.store, app.state.lapse = store, lapse
    return app


@dataclass(frozen=True)
class TeamRoutes:
    """Where the teams are served."""

    store: Store
    prices: Market
    calendar: TradingCalendar
    lapse: Lapse | None

    def serves(self, handler: Callable[[OpenAccount, Ask], Answer], *, writes: bool) -> Work:
        """Give the work of one route: who asks, one transaction, the handler."""

        def work(request: "Request", ask: Ask) -> Answer:
            if self.lapse:
                self.lapse.welcome(*_keys(request))
            with self.store.transaction(write=writes) as db:
                return handler(self._account(db, request), ask)

        return work

    def _account(self, db: Connection, request: "Request") -> OpenAccount:
        team = authenticate(db, *_keys(request))
        return OpenAccount(db, team, self.prices.current(), self.calendar)


def _keys(request: "Request") -> tuple[str | None, str | None]:
    return request.headers.get("APCA-API-KEY-ID"), request.headers.get("APCA-API-SECRET-KEY")


def _for_organiser(
    transaction: Callable[[], AbstractContextManager[Connection]],
    token: str,
    handler: Callable[[Any, Ask], Answer],
) -> Work:
    def work(request: "Request", ask: Ask) -> Answer:
        check_admin(token, request.headers.get(ADMIN_HEADER))
        with transaction() as db:
            return handler(db, ask)

    return work


def _of_lapse(lapse: Lapse | None, token: str) -> dict[str, Work]:
    if lapse is None:
        return {}

    def move(request: "Request", ask: Ask) -> Answer:
        check_admin(token, request.headers.get(ADMIN_HEADER))
        return lapse.asked(ask)

    return {"GET": lambda request, ask: lapse.standing(), "POST": move}


def _for_faults(faults: Faults, token: str) -> Work:
    def work(request: "Request", ask: Ask) -> Answer:
        check_admin(token, request.headers.get(ADMIN_HEADER))
        return admin.script(faults, ask)

    return work


def _health(store: Store) -> Work:
    def work(request: "Request", ask: Ask) -> Answer:
        with store.transaction(write=False) as db:
            accounts = db.execute("SELECT count(*) FROM accounts").fetchone()[0]
        return 200, {"status": "ok", "accounts": accounts}

    return work


def _endpoint(work: Work) -> Callable[..., Any]:
    """Wrap work into a route: reads the body, answers JSON, turns refusals into Alpaca's error bodies."""

    async def endpoint(request: "Request") -> "Response":
        try:
            body = _json(await request.body())
            ask = Ask(request.path_params, dict(request.query_params), body, request.scope.get(MET))
            status, body = work(request, ask)
        except ApiError as refusal:
            status, body = refusal.status, refusal.body
        except CalendarError as error:
            status, body = 422, unprocessable(str(error)).body
        except StorageError as error:
            status, body = 503, {"code": 50310000, "message": f"the market's bars cannot be read: {error}"}
        except OperationalError as error:
            # A full disk or a lock held for too long: nothing was done, the client may ask again.
            status, body = 500, {"code": 50010000, "message": f"the broker's database failed: {error}"}
        return _respond(status, body)

    return endpoint


def _json(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        raise malformed("request body format is invalid: not JSON") from None


def _respond(status: int, body: Any) -> "Response":
    from starlette.responses import Response

    content = b"" if body is None else json.dumps(body).encode()
    return Response(content, status, media_type="application/json")


async def _no_route(request: "Request", error: Exception) -> "Response":
    return _respond(404, not_found(f"the bundled broker has no {request.method} {request.url.path}").body)
