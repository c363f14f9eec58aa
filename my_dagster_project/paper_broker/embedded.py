"""The bundled paper broker inside this process: the embedded default, where `make run` and `make ui` trade.

Every process that trades serves itself the same SQLite file, so no server has to be started first: the real Alpaca client
speaks to the real app, only without a network between them, which was most of what a session of a replay cost.
"""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.paper_broker.api import create_app
from my_dagster_project.paper_broker.client import ADMIN_TIMEOUT_S, AccountTerms, BundledBroker, PaperAdmin
from my_dagster_project.paper_broker.feed import Market
from my_dagster_project.paper_broker.in_process import ADDRESS, session_to
from my_dagster_project.trading.broker import Broker

if TYPE_CHECKING:
    from requests import Session


@dataclass
class _Here:
    """The broker of one process: the way to it, the organiser's token, and the teams' accounts."""

    road: Callable[[], "Session"]
    token: str
    accounts: dict[str, Broker] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)


class EmbeddedBroker:
    """All teams' paper accounts under one folder; the file is opened at the first use."""

    def __init__(
        self,
        home: Path,
        market: Market,
        calendar: TradingCalendar,
        terms: AccountTerms,
    ) -> None:
        self._home, self._market, self._calendar = home, market, calendar
        self._terms = terms
        self._by_process: dict[int, _Here] = {}

    def open(self, team: str) -> Broker:
        """The team's account, made with the starting cash if it is new."""
        here = self._here()
        if team not in here.opened:
            self._terms.open(self.admin(), team, f"PK-{team}", local_secret(self._home))
            here.opened.add(team)
        return self.as_it_is(team)

    def as_it_is(self, team: str) -> Broker:
        """The team's account for who only looks: it is not made and gets no new terms; one that is not there refuses (401)."""
        here = self._here()
        if team not in here.accounts:
            key, secret = f"PK-{team}", local_secret(self._home)
            here.accounts[team] = BundledBroker(ADDRESS, key, secret, team=team, road=here.road)
        return here.accounts[team]

    def reset(self, team: str) -> None:
        """Give the team a fresh account with the starting cash; its orders and fills are gone."""
        self.open(team)
        self._terms.reset(self.admin(), team)

    def admin(self) -> PaperAdmin:
        """The organiser's account of this process's broker."""
        here = self._here()
        return PaperAdmin(ADDRESS, here.token, road=here.road)

    def _here(self) -> _Here:
        # Per process: SQLite forbids a fork to go on with its parent's connection.
        if os.getpid() not in self._by_process:
            self._home.mkdir(parents=True, exist_ok=True)
            token = secrets.token_urlsafe(24)
            app = create_app(self._home / "accounts.sqlite", self._market, self._calendar, token)
            self._by_process[os.getpid()] = _Here(partial(session_to, app, ADMIN_TIMEOUT_S), token)
        return self._by_process[os.getpid()]


def local_secret(home: Path) -> str:
    """Give a random secret of this installation: the next process has to know the accounts' keys too."""
    path = home / "secret"
    home.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
    except FileExistsError:
        pass
    return path.read_text(encoding="utf-8")
