"""From the registry's `market` section to the source it names."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import ConfigError
from my_dagster_project.foundation.market_sources import SOURCES, SourceName
from my_dagster_project.market_data import alpaca_bars as alpaca
from my_dagster_project.market_data import alpha_vantage
from my_dagster_project.market_data.alpaca_bars import AlpacaSource
from my_dagster_project.market_data.alpha_vantage import AlphaVantageSource
from my_dagster_project.market_data.csv_file import CsvSource
from my_dagster_project.market_data.http import JsonApi
from my_dagster_project.market_data.sample import SampleSource

if TYPE_CHECKING:
    from my_dagster_project.market_data.source import MarketDataSource


@dataclass(frozen=True)
class SourceSpec:
    """Which source, and what it needs; keys never show in its repr."""

    kind: SourceName
    path: Path | None = None
    """csv: the file or folder."""
    base_url: str | None = None
    """The network sources: another host than their own, without the path."""
    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)
    feed: str = "sip"
    """alpaca: sip (all exchanges) or iex."""
    timeout: float = 10.0
    """Seconds to connect, and between two pieces of an answer."""
    longest_pause: float = 30.0
    """Seconds: the network sources wait no longer than this by themselves before they ask again."""


def make_source(spec: SourceSpec, sleep: Callable[[float], None] = time.sleep) -> "MarketDataSource":
    """The source the spec describes; raises ConfigError when the spec lacks something. Nothing is asked or opened yet."""
    if spec.kind not in SOURCES:
        raise ConfigError(f"market.source: {spec.kind!r} is unknown; known are {', '.join(SOURCES)}.")
    return MAKERS[spec.kind](spec, sleep)


def _sample(spec: SourceSpec, sleep: Callable[[float], None]) -> "MarketDataSource":
    return SampleSource()


def _csv(spec: SourceSpec, sleep: Callable[[float], None]) -> "MarketDataSource":
    if spec.path is None:
        raise ConfigError("market.path: is missing; source csv needs the file or folder of its bars.")
    return CsvSource(Path(spec.path))


def _alpha_vantage(spec: SourceSpec, sleep: Callable[[float], None]) -> "MarketDataSource":
    _require(spec.api_key, "alpha_vantage", "API key")
    api = JsonApi(
        "alpha_vantage",
        spec.base_url or alpha_vantage.BASE_URL,
        spec.timeout,
        params={"apikey": spec.api_key},
        secrets=(spec.api_key,),
        sleep=sleep,
        longest_pause=spec.longest_pause,
    )
    return AlphaVantageSource(api)


def _alpaca(spec: SourceSpec, sleep: Callable[[float], None]) -> "MarketDataSource":
    _require(spec.api_key, "alpaca", "market data key")
    _require(spec.api_secret, "alpaca", "market data secret")
    api = JsonApi(
        "alpaca",
        spec.base_url or alpaca.BASE_URL,
        spec.timeout,
        headers={"APCA-API-KEY-ID": spec.api_key, "APCA-API-SECRET-KEY": spec.api_secret},
        secrets=(spec.api_key, spec.api_secret),
        sleep=sleep,
        longest_pause=spec.longest_pause,
    )
    return AlpacaSource(api, spec.feed)


def _require(value: str, source: str, what: str) -> None:
    if not value:
        raise ConfigError(f"market.source: {source} needs its {what}; see .env.secrets.template.")


# One for each of SOURCES.
MAKERS: "dict[str, Callable[[SourceSpec, Callable[[float], None]], MarketDataSource]]" = {
    "sample": _sample,
    "csv": _csv,
    "alpha_vantage": _alpha_vantage,
    "alpaca": _alpaca,
}
