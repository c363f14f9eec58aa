"""The bundled broker inside a process that trades: an HTTP server on a loopback port, in a daemon thread.

HTTP although it is the same process: the order path is then the one that goes to Alpaca, client and all.
"""

import secrets
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from my_dagster_project.broker.paper.api import create_app
from my_dagster_project.broker.paper.feed import BarFeed
from my_dagster_project.broker.paper.store import Store
from my_dagster_project.domain.calendar import TradingCalendar
from my_dagster_project.errors import BrokerError

if TYPE_CHECKING:
    import uvicorn

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
    db_path: Path, feed: BarFeed, calendar: TradingCalendar, *, admin_token: str | None = None
) -> PaperServer:
    """Serve the accounts of `db_path` on 127.0.0.1 and a free port; answering when this returns.

    Other processes may do the same with the same file at the same time. Start it after a fork, not before: a
    thread does not survive one. Raises BrokerError when it does not come up.
    """
    token = admin_token or secrets.token_urlsafe(24)
    listener = _listen()
    app = create_app(db_path, feed, calendar, token)
    server = _server(app)
    thread = threading.Thread(target=server.run, args=([listener],), name="paper-broker", daemon=True)
    thread.start()
    _wait(server, thread)
    host, port = listener.getsockname()[:2]
    return PaperServer(f"http://{host}:{port}", token, server, thread, app.state.store)


def _listen() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    return listener


def _server(app: Any) -> Any:
    import uvicorn

    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
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
