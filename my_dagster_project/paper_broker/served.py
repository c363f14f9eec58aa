"""The bundled paper broker as a service: one server for all workers, on any host of the deployment."""

import hashlib
import hmac
import os

from my_dagster_project.paper_broker.client import AccountTerms, BundledBroker, PaperAdmin
from my_dagster_project.trading.broker import Broker


class ServedBroker:
    """All teams' accounts at the service; `token` is its organiser's, and all that has to be configured."""

    def __init__(self, url: str, token: str, terms: AccountTerms, *, configured: str | None) -> None:
        self._url, self._token, self._configured = url, token, configured
        self._terms = terms
        self._accounts: dict[tuple[int, str], Broker] = {}
        self._opened: set[tuple[int, str]] = set()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(url={self._url!r})"

    def open(self, team: str) -> Broker:
        """The team's account, made with the starting cash if it is new; raises BrokerError when it cannot be reached."""
        # First of all this: it refuses an address that is not the configured one before the token goes there.
        account, here = self.as_it_is(team), (os.getpid(), team)
        if here not in self._opened:
            self._terms.open(self.admin(), team, f"PK-{team}", team_secret(self._token, team))
            self._opened.add(here)
        return account

    def as_it_is(self, team: str) -> Broker:
        """The team's account for who only looks: it is not made and gets no new terms; one that is not there refuses (401)."""
        # Per process: a fork that went on with its parent's connection would read its parent's answers.
        here = (os.getpid(), team)
        if here not in self._accounts:
            key, secret = f"PK-{team}", team_secret(self._token, team)
            self._accounts[here] = BundledBroker(
                self._url, key, secret, team=team, bundled_url=self._configured
            )
        return self._accounts[here]

    def reset(self, team: str) -> None:
        """Give the team a fresh account with the starting cash; its orders and fills are gone."""
        self.open(team)
        self._terms.reset(self.admin(), team)

    def admin(self) -> PaperAdmin:
        """The organiser's account."""
        return PaperAdmin(self._url, self._token)


def team_secret(token: str, team: str) -> str:
    """Give a team's account secret: who holds the organiser's token needs no other, who holds this opens one account."""
    return hmac.new(token.encode(), f"paper account of {team}".encode(), hashlib.sha256).hexdigest()
