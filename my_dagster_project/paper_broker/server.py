"""The bundled broker as an HTTP server: alone, or on a loopback port in a daemon thread of whoever asks it over HTTP."""

import secrets
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.foundation.same_origin import SameOrigin, names_of
from my_dagster_project.foundation.settings import load_settings_anywhere
from my_dagster_project.paper_broker.api import create_app
from my_dagster_project.paper_broker.feed import Market
from my_dagster_project.paper_broker.store import Store

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

START_TIMEOUT_S = 10.0


@dataclass
class PaperServer:
    """A running server; `admin_token` opens the organiser's routes (`PaperAdmin` takes it). Stop it, or use `with`."""

    url: str
    admin_token: str = field(repr=False)
    _server: "uvicorn.Server" = field(repr=False)
    _thread: threading.Thread = field(repr=False)
    _store: Store = field(repr=False)

    def stop(self) -> None:
        """Stop answering, give the port back and close the database, which has everything already."""
        self._server.should_exit = True
        self._thread.join(START_TIMEOUT_S)
        self._store.close()

    def __enter__(self) -> "PaperServer":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def serve_in_thread(
    db_path: Path,
    market: Market,
    calendar: TradingCalendar,
    *,
    admin_token: str | None = None,
) -> PaperServer:
    """Serve the accounts of `db_path` on 127.0.0.1 and a free port; answering when this returns.

    Other processes may do the same with the same file at the same time. Start it after a fork, not before: a
    thread does not survive one. Raises BrokerError when it does not come up.
    """
    token = admin_token or secrets.token_urlsafe(24)
    listener = listen("127.0.0.1", 0)
    app = create_app(db_path, market, calendar, token)
    server = _server(app)
    thread = threading.Thread(target=server.run, args=([listener],), name="paper-broker", daemon=True)
    thread.start()
    _wait(server, thread)
    host, port = listener.getsockname()[:2]
    return PaperServer(f"http://{host}:{port}", token, server, thread, app.state.store)


def listen(host: str, port: int) -> socket.socket:
    """Take an address (port 0: any that is free), before anything is said or done there; raises BrokerError."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise BrokerError(f"{host}:{port} cannot be listened on: {error}; choose another --port") from error


def serve(app: "Starlette", listener: socket.socket) -> None:
    """Serve the app until SIGTERM or Ctrl-C, then close its database; a stop that was asked for is no failure.

    Whoever has any key opens an account of a lapse: a page of another site whose name was made to point here would too.
    """
    guarded = SameOrigin(app, names_of(listener.getsockname()[0], load_settings_anywhere().public_name))
    # uvicorn finishes what is running and then lets the signal do what it did before, which would be to kill us.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        _server(guarded).run([listener])
    finally:
        app.state.store.close()


def _server(app: Any) -> Any:
    import uvicorn

    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        # Longer than a team thinks between two requests: a reused connection that just died costs a retry.
        timeout_keep_alive=300,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _wait(server: Any, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise BrokerError("the bundled broker did not start; its log says why")
        time.sleep(0.002)
