"""The bundled broker from the client's side: a team's account with a clock that moves, and the organiser's account."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.paper_broker.faults import Kind
from my_dagster_project.trading.alpaca import AlpacaBroker
from my_dagster_project.trading.broker import BrokerUnreachableError, SessionPassedError
from my_dagster_project.trading.transport import Failure

if TYPE_CHECKING:
    from requests import Session

ADMIN_TIMEOUT_S = 10.0
MOVE_TIMEOUT_S = 600.0  # Years of a hundred accounts are a minute's work.
_ANSWERS = (
    "team",
    "session",
)  # what the organiser's routes tell of, and nothing else that may answer at an address


@dataclass(frozen=True)
class AccountTerms:
    """What a team's account starts with (dollars) and what its trading costs; see `ledger.Terms`."""

    starting_cash: float
    cost_bps: float
    commission: float = 0
    partial_fills: float = 0
    impact: float = 0
    symbol_costs: tuple[tuple[str, float, float], ...] = ()
    """By symbol: half spread and impact."""
    borrow_fee: float | None = None

    def open(self, admin: "PaperAdmin", team: str, key: str, secret: str) -> None:
        """Make the team's account, or give the one it has these keys and terms."""
        cash, cost = Decimal(str(self.starting_cash)), Decimal(str(self.cost_bps))
        names = ("commission", "partial_fills", "impact")
        more: dict[str, Any] = {name: str(getattr(self, name)) for name in names}
        more["symbol_costs"] = {
            symbol: {"cost_bps": str(bps), "impact": str(impact)} for symbol, bps, impact in self.symbol_costs
        }
        if self.borrow_fee is not None:
            more["borrow_fee"] = str(self.borrow_fee)
        admin.ensure_account(team, key, secret, cash, cost, **more)

    def reset(self, admin: "PaperAdmin", team: str) -> None:
        """Start the team's account afresh."""
        admin.reset(team, Decimal(str(self.starting_cash)))


class BundledBroker(AlpacaBroker):
    """A team's account at the bundled broker; the same order path as Alpaca's, but its clock is moved by us."""

    _put_at: date | None = None

    def at_close_of(self, session: date) -> None:
        """Move the account's clock after the close of `session`; what was queued fills on the way.

        Raises SessionPassedError when the clock stands later already, BrokerError when `session` is no session
        or there are no bars of it yet. Doing it twice changes nothing.
        """
        body = {"session": session.isoformat()}
        what, self._put_at = f"session {session}", None
        # Moving to where it stands is nothing, so this may be repeated, unlike an order.
        answer = self._transport.patiently(
            lambda client: client._request("POST", "/clock", body, api_version="paper/v1")
        )
        if not isinstance(answer, Failure):
            self._put_at = session
            return
        if "stands_after" in answer.extra:
            stands_after = date.fromisoformat(answer.extra["stands_after"])
            raise SessionPassedError(f"team {self.team}, {what}: {answer.text}", stands_after)
        raise self._transport.error(what, answer)

    def still_at_close_of(self, session: date) -> None:
        """Only who has the account's lease moves its clock, so it stands where it was put."""
        if self._put_at != session:
            self.at_close_of(session)

    def settled(self, session: date) -> bool:
        """Move the account's clock after the close of `session` unless it stands there already; tell whether it moved."""
        stands = [point.session for point in self.equity_history()][-1:]
        if stands and stands[0] >= session:
            return False
        try:
            self.at_close_of(session)
        except SessionPassedError:
            return False
        return True


class PaperAdmin:
    """The organiser's account of the bundled broker: makes and resets accounts, scripts faults."""

    def __init__(self, url: str, admin_token: str, *, road: "Callable[[], Session] | None" = None) -> None:
        """With `road` of a broker in this process."""
        import requests

        self.url = url.rstrip("/")
        self._session = (road or requests.Session)()
        self._session.trust_env = False  # Never through a proxy: the token is for our own hosts.
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
        **terms: Any,
    ) -> bool:
        """Make the team's account if it is missing (dollars; costs in basis points of the price); True when made.

        `terms`: multiplier, commission, partial_fills, impact, symbol_costs, borrow_fee, seed, clock; see `admin.AccountBody` and `ledger.Terms`. An
        account that exists keeps what it holds and gets these keys and terms.
        """
        money = {"starting_cash": str(starting_cash), "cost_bps": str(cost_bps)}
        answer = self._post("accounts", {"team": team, "key": key, "secret": secret, **money, **terms})
        return bool(answer["created"])

    def reset(self, team: str, starting_cash: Decimal) -> None:
        """Start the team's account afresh: no orders, no positions, no clock."""
        self._post(f"accounts/{team}/reset", {"starting_cash": str(starting_cash)})

    def block(self, team: str, blocked: bool = True) -> None:
        """Forbid the team's account to trade, or allow it again."""
        self._post(f"accounts/{team}/block", {"blocked": blocked})

    def move_lapse(self, to: date | int) -> dict[str, Any]:
        """Move the one clock of a broker by itself, to the close of a session or by so many; give where it stands."""
        body = {"sessions": to} if isinstance(to, int) else {"session": to.isoformat()}
        return dict(self._post("lapse", body, MOVE_TIMEOUT_S))

    def fault(self, kind: Kind, **terms: Any) -> None:
        """Let the next requests go wrong; `terms` are times, method, path, seconds, share, key (see `faults.Fault`)."""
        self._post("faults", {"kind": kind, **terms})

    def _post(self, path: str, body: dict[str, Any], timeout: float = ADMIN_TIMEOUT_S) -> Any:
        import requests

        # Never to where it sends us on: the token is for the configured address alone.
        how: dict[str, Any] = {"json": body, "timeout": timeout, "allow_redirects": False}
        try:
            answer = self._session.post(f"{self.url}/paper/v1/{path}", **how)
        except requests.RequestException as error:
            raise BrokerUnreachableError(
                f"the bundled broker at {self.url} does not answer ({type(error).__name__}): start it, or correct"
                " TRADING_PAPER_BROKER"
            ) from error
        try:
            content = answer.json()
        except ValueError:
            content = None
        if answer.status_code == 200 and (
            isinstance(content, list) or any(_has(content, one) for one in _ANSWERS)
        ):
            return content
        if _has(content, "code", "message"):
            token = (
                "; it wants the PAPER_BROKER_TOKEN it was started with" if answer.status_code == 403 else ""
            )
            raise BrokerError(
                f"the bundled broker at {self.url} refused {path} (HTTP {answer.status_code}): {content['message']}{token}"
            )
        raise BrokerError(
            f"what answers at {self.url} (HTTP {answer.status_code}) is no bundled broker: correct TRADING_PAPER_BROKER"
        )


def _has(content: Any, *names: str) -> bool:
    return isinstance(content, dict) and set(names) <= content.keys()
