"""The alpaca-trade-api client made safe: a bounded wait on every call, no retry it decides on by itself.

The client has no timeout at all, and it repeats a POST after a 504, which may well have been accepted.
Here reads are repeated, writes never, and every failure gets a kind that says what is known about the request. (A whole
session may be repeated, `trading/patience.py`: by the same ids.)
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from my_dagster_project.foundation.asking_again import ask_again, retry_after
from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.trading.broker import BrokerRefusedError, BrokerUnreachableError

if TYPE_CHECKING:
    from alpaca_trade_api import REST
    from requests import Session

PAPER_HOST = "paper-api.alpaca.markets"
LIVE_HOST = "api.alpaca.markets"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
READ_PAUSES_S = (0.3, 1.0)
TOO_MANY = 429

# refused: a structured 4xx, nothing was done and never will be. not_sent: no connection, or 429: nothing was done, ask
# again. unknown: anything else.
Kind = Literal["refused", "not_sent", "unknown"]
HINTS = {
    401: "the broker does not accept the team's key and secret; check them in .env.secrets",
    403: "the account does not allow it; look at its cash, positions and open orders",
    404: "there is no such thing at the broker",
}


@dataclass(frozen=True)
class Failure:
    """What is known about a call that failed; `text` is the broker's or the network's own words."""

    kind: Kind
    text: str
    status: int | None = None
    code: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    retry_after_s: float | None = None

    @property
    def passing(self) -> bool:
        """Tell whether the same read may well work in a moment."""
        return self.kind != "refused"


def check_endpoint(url: str, *, allow_live: bool = False, bundled_url: str | None = None) -> str:
    """Give the URL without a trailing slash; raises BrokerError when real money could be behind it.

    `bundled_url` is the address of the bundled broker as the settings have it: that one host is allowed besides
    Alpaca's paper endpoint and this machine. `allow_live` allows Alpaca's live endpoint, and no other.
    """
    parts = urlsplit(url)
    if parts.username or parts.password:
        raise BrokerError("the broker's URL holds credentials; give key and secret separately")
    hosts = {PAPER_HOST, LIVE_HOST} if allow_live else {PAPER_HOST}
    alpaca = parts.scheme == "https" and parts.netloc in hosts
    local = parts.scheme in ("http", "https") and is_local(url, bundled_url)
    if not (alpaca or local):
        raise BrokerError(
            f"{parts.scheme}://{parts.hostname} is neither Alpaca's paper endpoint (https://{PAPER_HOST}) nor a"
            " broker on this machine nor the bundled one of TRADING_PAPER_BROKER; nothing is sent there unless the"
            " registry allows it in so many words"
        )
    return url.rstrip("/")


def is_local(url: str, bundled_url: str | None = None) -> bool:
    """Tell whether a URL is of this machine or exactly the configured address of the bundled broker."""
    return urlsplit(url).hostname in LOOPBACK or (
        bundled_url is not None and url.rstrip("/") == bundled_url.rstrip("/")
    )


def make_client(
    base_url: str,
    key: str,
    secret: str,
    timeout_s: float,
    *,
    proxies: bool,
    road: "Callable[[], Session] | None" = None,
) -> "REST":
    """Give an alpaca-trade-api client with a timeout on every request and its own retries off.

    `proxies` lets the environment's proxies (and .netrc) apply, which are not for what stays on our own hosts. `road` makes
    what takes the place of the network, on the way to a broker in this process.
    """
    from alpaca_trade_api import REST

    client = REST(key, secret, base_url=base_url, api_version="v2", raw_data=True)
    # Attributes, not APCA_RETRY_* and friends: an environment variable must not turn repeats of a POST back on,
    # nor an APCA_API_OAUTH_TOKEN put another account in the place of this team's.
    client._retry, client._retry_codes, client._oauth = 0, [], None
    if road is not None:
        client._session = road()
        return client
    adapter = _bounded_adapter(timeout_s)
    for scheme in ("https://", "http://"):
        client._session.mount(scheme, adapter)
    client._session.trust_env = proxies
    return client


def _bounded_adapter(timeout_s: float) -> Any:
    from requests.adapters import HTTPAdapter

    class BoundedAdapter(HTTPAdapter):
        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            options["timeout"] = options.get("timeout") or (min(timeout_s, 5.0), timeout_s)
            return super().send(request, *args, **options)

    return BoundedAdapter(max_retries=0)


class Transport:
    """Calls of one team to its broker: `read` repeats what passes, `once` never does."""

    def __init__(self, team: str, client: "REST", sleep: Callable[[float], None] = time.sleep) -> None:
        self.team = team
        self.sleep = sleep
        self._client = client

    def once(self, call: Callable[["REST"], Any]) -> Any | Failure:
        """Call once; give what came back, or the Failure."""
        try:
            return call(self._client)
        except Exception as error:
            failure = classify(error)
            if failure is None:
                raise
            return failure

    def read(self, what: str, call: Callable[["REST"], Any]) -> Any:
        """Ask for `what`, again after a short pause when it failed in passing; raises BrokerError."""
        answer = self.patiently(call)
        if isinstance(answer, Failure):
            raise self.error(what, answer)
        return answer

    def patiently(self, call: Callable[["REST"], Any]) -> Any | Failure:
        """Call, again after a short pause when it failed in passing; give what came back, or the last Failure."""
        return self.again_while(call, lambda failure: failure.passing, READ_PAUSES_S)

    def again_while(
        self, call: Callable[["REST"], Any], while_: Callable[[Failure], bool], pauses: Sequence[float]
    ) -> Any | Failure:
        """Call, and again after each pause (seconds; the broker's own wish goes first) while the Failure says so."""
        return ask_again(
            lambda: self.once(call),
            while_=lambda answer: isinstance(answer, Failure) and while_(answer),
            pauses=pauses,
            wanted=lambda answer: answer.retry_after_s,
            sleep=self.sleep,
        )

    def error(self, what: str, failure: Failure) -> BrokerError:
        """Give the error for people: team, what was asked, HTTP status, the broker's words, what to do."""
        where = f"team {self.team}, {what}"
        if failure.kind == "refused" and failure.status is not None:
            hint = HINTS.get(failure.status, "the request does not fit the broker's rules")
            text = f"{where}: the broker refused (HTTP {failure.status}, {failure.text}); {hint}"
            return BrokerRefusedError(text, failure.status, failure.code, failure.text, failure.extra)
        status = f"HTTP {failure.status}, " if failure.status else ""
        return BrokerUnreachableError(
            f"{where}: no answer to rely on ({status}{failure.text}); try again later"
        )


def classify(error: Exception) -> Failure | None:
    """Say what is known about a request that raised; None when the error is none of the network's or broker's."""
    import requests
    from alpaca_trade_api.rest import APIError

    if isinstance(error, APIError):
        return _answered(error.status_code, str(error), error.response, error._error)
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return _answered(error.response.status_code, error.response.reason or "no words", error.response, {})
    if isinstance(error, requests.ConnectTimeout) or _never_connected(error):
        return Failure("not_sent", "it cannot be reached")
    if isinstance(error, requests.Timeout):
        return Failure("unknown", "it did not answer in time")
    if isinstance(error, requests.RequestException):
        return Failure("unknown", f"the connection or the answer broke: {type(error).__name__}")
    return None


def _answered(status: int | None, text: str, response: Any, body: dict[str, Any]) -> Failure:
    refused = status is not None and 400 <= status < 500 and status != 408
    extra = {name: value for name, value in body.items() if name not in ("code", "message")}
    code = body.get("code") if isinstance(body.get("code"), int) else None
    kind: Kind = "not_sent" if status == TOO_MANY else "refused" if refused else "unknown"
    pause = None if response is None else retry_after(response.headers)
    return Failure(kind, text, status, code, extra, pause)


def _never_connected(error: Exception) -> bool:
    from urllib3.exceptions import NewConnectionError

    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)
