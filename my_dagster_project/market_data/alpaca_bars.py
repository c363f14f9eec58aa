"""Daily bars from Alpaca's market data API (https://docs.alpaca.markets/reference/stockbars).

Why not through alpaca-trade-api, which trades for us: its data calls have no timeout, take their host from the environment
variable APCA_API_DATA_URL alone, and retry with a fixed pause that ignores Retry-After.
"""

from collections.abc import Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from my_dagster_project.foundation.errors import (
    MalformedDataError,
    MarketDataError,
    SourceUnavailableError,
    UnknownSymbolError,
)
from my_dagster_project.market_data.frames import bars_frame
from my_dagster_project.market_data.parsing import to_number
from my_dagster_project.market_data.source import Bar

if TYPE_CHECKING:
    from my_dagster_project.market_data.http import Answer, JsonApi
    from my_dagster_project.market_data.source import BarsFrame

BASE_URL = "https://data.alpaca.markets"
_PATH = "/v2/stocks/bars"
_PAGE = "10000"
# Sessions asked for again at each update: exchanges and vendors correct a bar within days, rarely after two weeks.
LOOK_BACK = 10
_NEW_YORK = ZoneInfo("America/New_York")
# The free plan refuses the last 15 minutes of the sip feed, and with them an `end` of today; in three wordings so far.
_TOO_RECENT = ("recent SIP", "past 15 minutes", "too late for subscription")


class AlpacaSource:
    """Raw bars, and the close of the same bars adjusted for splits, dividends and spin-offs, from two series of requests.

    Alpaca rounds adjusted prices to cents or so: far back in a stock that split often, adjusted returns are coarser than raw.
    """

    name = "alpaca"
    look_back = LOOK_BACK

    def __init__(self, api: "JsonApi", feed: str) -> None:
        self._api = api
        self._feed = feed

    def fetch(self, symbol: str, start: date, end: date) -> "BarsFrame":
        """See MarketDataSource; today as `end` needs a paid plan on the sip feed."""
        where = f"{self.name}: {symbol}"
        raw = self._series(symbol, start, end, "raw")
        adjusted = self._series(symbol, start, end, "all")
        if odd := sorted(raw.keys() ^ adjusted.keys()):
            raise MalformedDataError(
                f"{where}: {odd[0]} ({len(odd)} sessions) is in the raw or the adjusted bars only."
            )
        return bars_frame((_bar(raw[day], adjusted[day], day, where) for day in raw), where)

    def fingerprint(self, symbol: str) -> str | None:
        """See MarketDataSource: only an answer tells."""
        return None

    def _series(self, symbol: str, start: date, end: date, adjustment: str) -> dict[date, dict[str, Any]]:
        where = f"{self.name}: {symbol}"
        series: dict[date, dict[str, Any]] = {}
        for raw in self._pages(symbol, start, end, adjustment):
            session = _session(raw, where)
            if session in series:
                raise MalformedDataError(f"{where}: session {session} comes twice.")
            series[session] = raw
        return {session: bar for session, bar in series.items() if start <= session <= end}

    def _pages(self, symbol: str, start: date, end: date, adjustment: str) -> Iterator[dict[str, Any]]:
        # Without `start` the API begins today: the project before this one asked for 5 bars and got at most one.
        params = {
            "symbols": symbol,
            "timeframe": "1Day",
            "start": start.isoformat(),
            "end": end.isoformat(),
            "adjustment": adjustment,
            "feed": self._feed,
            "limit": _PAGE,
        }
        seen: set[str] = set()
        while True:
            bars, token = _page(self._accepted(self._api.get(_PATH, params, symbol), symbol), symbol)
            yield from bars
            if not token:
                return
            if token in seen:
                raise MalformedDataError(f"{self.name}: {symbol}: the answer leads back to page {token!r}.")
            seen.add(token)
            params["page_token"] = token

    def _accepted(self, answer: "Answer", symbol: str) -> Any:
        """The body of an answer with status 200; any other raises an error that says what to do."""
        if answer.status == 200:
            return answer.body
        body = answer.body if isinstance(answer.body, dict) else {}
        text = self._api.redact(str(body.get("message", "")))
        where = f"{self.name}: {symbol}: HTTP {answer.status}: {text}"
        if any(phrase in text for phrase in _TOO_RECENT):
            raise SourceUnavailableError(
                f"{where} Ask again tomorrow, or set market.feed to iex (which has only IEX's own volume)."
            )
        if "invalid symbol" in text.lower():
            raise UnknownSymbolError(where)
        if answer.status in {401, 403}:
            raise MarketDataError(f"{where} Check the market data key and secret, and what the plan allows.")
        raise MarketDataError(f"{where} The request was refused; asking again is useless.")


def _page(body: Any, symbol: str) -> tuple[list[dict[str, Any]], str | None]:
    """The bars and the next page's token; `bars` is null or {} when there are none."""
    try:
        found = (body["bars"] or {}).get(symbol, [])
        if isinstance(found, list):
            return found, body.get("next_page_token")
    except (KeyError, TypeError, AttributeError):
        pass
    raise MalformedDataError(f"alpaca: {symbol}: the answer holds no bars: {str(body)[:80]!r}")


def _session(raw: Any, where: str) -> date:
    """A daily bar is stamped with midnight in New York, 04:00 or 05:00 UTC."""
    try:
        return datetime.fromisoformat(raw["t"]).astimezone(_NEW_YORK).date()
    except (KeyError, TypeError, ValueError):
        raise MalformedDataError(f"{where}: a bar without a proper time `t`: {str(raw)[:80]!r}") from None


def _bar(raw: dict[str, Any], adjusted: dict[str, Any], session: date, where: str) -> Bar:
    place = f"{where}: {session}"
    opened, high, low, close, volume = (to_number(raw.get(field), field, place) for field in "ohlcv")
    return Bar(session, opened, high, low, close, volume, to_number(adjusted.get("c"), "adjusted c", place))
