"""The bundled paper broker inside this process: the embedded default, where `make run` and `make ui` trade.

Every process that trades serves the same SQLite file on a loopback port of its own, so no server has to be started
first, and the real Alpaca client speaks to it over real HTTP.
"""

import os
import secrets
from pathlib import Path

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.paper_broker.client import AccountTerms, BundledBroker, PaperAdmin
from my_dagster_project.paper_broker.feed import Market
from my_dagster_project.paper_broker.server import PaperServer, serve_in_thread
from my_dagster_project.trading.broker import Broker


class EmbeddedBroker:
    """All teams' paper accounts under one folder; the server starts at the first use."""

    def __init__(
        self,
        home: Path,
        market: Market,
        calendar: TradingCalendar,
        terms: AccountTerms,
    ) -> None:
        self._home, self._market, self._calendar = home, market, calendar
        self._terms = terms
        self._server: PaperServer | None = None
        self._accounts: dict[str, Broker] = {}

    def open(self, team: str) -> Broker:
        """The team's account, made with the starting cash if it is new."""
        if team not in self._accounts:
            key, secret = f"PK-{team}", _local_secret(self._home)
            self._terms.open(self.admin(), team, key, secret)
            self._accounts[team] = BundledBroker(self._url(), key, secret, team=team)
        return self._accounts[team]

    def reset(self, team: str) -> None:
        """Give the team a fresh account with the starting cash; its orders and fills are gone."""
        self.open(team)
        self._terms.reset(self.admin(), team)

    def admin(self) -> PaperAdmin:
        """The organiser's account of this process's server."""
        return PaperAdmin(self._url(), self._running().admin_token)

    def _url(self) -> str:
        return self._running().url

    def _running(self) -> PaperServer:
        if self._server is None:
            self._home.mkdir(parents=True, exist_ok=True)
            self._server = serve_in_thread(self._home / "accounts.sqlite", self._market, self._calendar)
        return self._server


def _local_secret(home: Path) -> str:
    """A random secret of this installation: the next process has to know the accounts' keys too."""
    path = home / "secret"
    home.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
    except FileExistsError:
        pass
    return path.read_text(encoding="utf-8")
