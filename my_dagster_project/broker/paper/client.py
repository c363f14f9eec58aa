"""The bundled broker from the client's side: a team's account with a clock that moves, and the organiser's desk."""

from datetime import date
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlsplit

from my_dagster_project.broker.alpaca import AlpacaBroker
from my_dagster_project.broker.base import SessionPassedError
from my_dagster_project.broker.transport import LOOPBACK, Failure
from my_dagster_project.errors import BrokerError

ADMIN_TIMEOUT_S = 10.0


class BundledBroker(AlpacaBroker):
    """A team's account at the bundled broker; the same order path as Alpaca's, but its clock is moved by us."""

    def at_close_of(self, session: date) -> None:
        """Move the account's clock after the close of `session`; what was queued fills on the way.

        Raises SessionPassedError when the clock stands later already, BrokerError when `session` is no session
        or there are no bars of it yet. Doing it twice changes nothing.
        """
        body = {"session": session.isoformat()}
        what = f"session {session}"
        answer = self._transport.once(
            lambda client: client._request("POST", "/clock", body, api_version="paper/v1")
        )
        if not isinstance(answer, Failure):
            return
        if "stands_after" in answer.extra:
            stands_after = date.fromisoformat(answer.extra["stands_after"])
            raise SessionPassedError(f"team {self.team}, {what}: {answer.text}", stands_after)
        if answer.kind == "refused":
            raise self._transport.error(what, answer)
        # Moving to where it stands is nothing, so this may be repeated, unlike an order.
        self._read(what, lambda client: client._request("POST", "/clock", body, api_version="paper/v1"))


class PaperAdmin:
    """The organiser's desk of the bundled broker: makes and resets accounts, scripts faults."""

    def __init__(self, url: str, admin_token: str) -> None:
        import requests

        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = urlsplit(self.url).hostname not in LOOPBACK
        self._session.headers["X-Paper-Admin"] = admin_token

    def __repr__(self) -> str:
        return f"PaperAdmin(url={self.url!r})"

    def ensure_account(
        self,
        team: str,
        key: str,
        secret: str,
        starting_cash: Decimal,
        cost_bps: Decimal = Decimal(0),
        multiplier: int = 2,
    ) -> bool:
        """Make the team's account if it is missing (dollars; costs in basis points of the price); True when made.

        An account that exists keeps what it holds and gets these keys and costs.
        """
        terms = {"starting_cash": str(starting_cash), "cost_bps": str(cost_bps), "multiplier": multiplier}
        answer = self._post("accounts", {"team": team, "key": key, "secret": secret, **terms})
        return bool(answer["created"])

    def reset(self, team: str, starting_cash: Decimal) -> None:
        """Start the team's account afresh: no orders, no positions, no clock."""
        self._post(f"accounts/{team}/reset", {"starting_cash": str(starting_cash)})

    def fault(self, kind: Literal["504_after_accept", "500", "429", "hang"], **terms: Any) -> None:
        """Let the next requests go wrong; `terms` are times, method, path, seconds (see `faults.Fault`)."""
        self._post("faults", {"kind": kind, **terms})

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        import requests

        try:
            answer = self._session.post(f"{self.url}/paper/v1/{path}", json=body, timeout=ADMIN_TIMEOUT_S)
            content = answer.json()
        except requests.RequestException as error:
            raise BrokerError(
                f"the bundled broker at {self.url} does not answer: {type(error).__name__}"
            ) from error
        if answer.status_code != 200:
            raise BrokerError(
                f"the bundled broker refused {path} (HTTP {answer.status_code}): {content['message']}"
            )
        return content
