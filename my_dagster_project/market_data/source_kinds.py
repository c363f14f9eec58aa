"""From the registry's `market` section to the source it names."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import ConfigError
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

    kind: str
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
    return SOURCES[spec.kind].make(spec, sleep)


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


@dataclass(frozen=True)
class SourceKind:
    """How a source is made, and what it needs: `options` are keys of the registry's `market` section that are its own,
    `needed` says of those it cannot do without what they are, `key` and `secret` name environment variables.
    """

    make: "Callable[[SourceSpec, Callable[[float], None]], MarketDataSource]"
    options: tuple[str, ...] = ()
    needed: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    secret: str = ""


SOURCES: dict[str, SourceKind] = {
    "sample": SourceKind(_sample),
    "csv": SourceKind(_csv, options=("path",), needed={"path": "the folder with one file per symbol"}),
    "alpha_vantage": SourceKind(_alpha_vantage, options=("base_url",), key="ALPHA_VANTAGE_API_KEY"),
    "alpaca": SourceKind(
        _alpaca, options=("feed", "base_url"), key="ALPACA_DATA_KEY", secret="ALPACA_DATA_SECRET"  # noqa: S106 - names
    ),
}  # fmt: skip
"""What a registry's `market.source` may name."""
