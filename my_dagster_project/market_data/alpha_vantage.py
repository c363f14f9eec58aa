"""Daily bars from Alpha Vantage (https://www.alphavantage.co/documentation/#dailyadj); needs a premium key.

There is no falling back to the free TIME_SERIES_DAILY: it is unadjusted and 100 sessions long, and the project before this
one trained on its splits as if they were crashes.
"""

from datetime import date
from typing import TYPE_CHECKING, Any

from my_dagster_project.foundation.errors import (
    MalformedDataError,
    MarketDataError,
    RateLimitedError,
    UnknownSymbolError,
)
from my_dagster_project.market_data.frames import bars_frame
from my_dagster_project.market_data.parsing import to_number, to_session
from my_dagster_project.market_data.source import Bar

if TYPE_CHECKING:
    from my_dagster_project.market_data.http import JsonApi
    from my_dagster_project.market_data.source import BarsFrame

BASE_URL = "https://www.alphavantage.co"
_QUERY = {"function": "TIME_SERIES_DAILY_ADJUSTED", "outputsize": "full", "datatype": "json"}
_SERIES = "Time Series (Daily)"
# In Bar's order. Prices, volume and dividends are as traded; later splits are in the adjusted close alone.
_FIELDS = ("1. open", "2. high", "3. low", "4. close", "6. volume", "5. adjusted close")
_DECLARED = ("8. split coefficient", "7. dividend amount")

# The API has no error codes, only sentences; the one about the daily limit speaks of "premium endpoints" too.
_BAD_KEY = ("parameter apikey is invalid", "demo purposes only")
_NOT_PREMIUM = ("is a premium endpoint", "is a premium feature")


class AlphaVantageSource:
    """TIME_SERIES_DAILY_ADJUSTED, always the full history (one request, up to 20 years), cut to what was asked for."""

    name = "alpha_vantage"
    look_back = None

    def __init__(self, api: "JsonApi") -> None:
        self._api = api

    def fetch(self, symbol: str, start: date, end: date) -> "BarsFrame":
        """See MarketDataSource; a key without the premium plan raises MarketDataError."""
        where = f"{self.name}: {symbol}"
        body = self._api.get("/query", _QUERY | {"symbol": symbol}, symbol).body
        if not isinstance(body, dict) or not isinstance(body.get(_SERIES), dict):
            raise self._refusal(body, where)
        bars = [_bar(day, values, where) for day, values in body[_SERIES].items()]
        # Newest first in the answer; bars_frame sorts.
        return bars_frame((bar for bar in bars if start <= bar.session <= end), where)

    def fingerprint(self, symbol: str) -> str | None:
        """See MarketDataSource: only an answer tells."""
        return None

    def _refusal(self, body: Any, where: str) -> MarketDataError:
        """Refusals come with HTTP 200 and a sentence, and the one about the daily limit quotes the key."""
        said = body if isinstance(body, dict) else {}
        text = self._api.redact(
            str(said.get("Error Message") or said.get("Information") or said.get("Note") or "")
        )
        if not text:
            return MalformedDataError(
                f"{where}: the answer holds no {_SERIES!r}: {self._api.redact(str(body)[:80])!r}"
            )
        if any(phrase in text for phrase in _BAD_KEY):
            return MarketDataError(f"{where}: the API key is refused. Alpha Vantage says: {text}")
        if "Error Message" in said:
            return UnknownSymbolError(f"{where}: no such symbol. Alpha Vantage says: {text}")
        if any(phrase in text for phrase in _NOT_PREMIUM):
            return MarketDataError(
                f"{where}: adjusted daily bars need a premium key and this one is not; get one or choose another "
                f"market.source. Alpha Vantage says: {text}"
            )
        return RateLimitedError(f"{where}: asked too often; try later. Alpha Vantage says: {text}")


def _bar(day: Any, values: Any, where: str) -> Bar:
    session = to_session(day, "date", where)
    if not isinstance(values, dict):
        raise MalformedDataError(f"{where}: {day} holds {values!r}, not a bar.")
    place = f"{where}: {day}"
    prices = (to_number(values.get(name), name, place) for name in _FIELDS)
    declared = (to_number(values[name], name, place) if name in values else None for name in _DECLARED)
    return Bar(session, *prices, *declared)
