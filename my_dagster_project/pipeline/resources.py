"""The parts of the platform as Dagster resources. They hold addresses; secrets stay in the environment."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.errors import BrokerError
from my_dagster_project.foundation.settings import Settings, load_settings
from my_dagster_project.market_data.source_kinds import SOURCES, SourceSpec, make_source
from my_dagster_project.paper_broker.client import AccountTerms
from my_dagster_project.paper_broker.embedded import EmbeddedBroker
from my_dagster_project.paper_broker.feed import BarFeed
from my_dagster_project.paper_broker.served import ServedBroker
from my_dagster_project.paper_broker.stored_feed import StoreFeed
from my_dagster_project.pipeline.io_manager import StoreIOManager
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.storage.season import SeasonBook
from my_dagster_project.teams.platform import Platform
from my_dagster_project.teams.registry import LIVE_TRADING, Market
from my_dagster_project.trading.broker import Broker
from my_dagster_project.trading.fills import NOTHING

if TYPE_CHECKING:
    from my_dagster_project.market_data.source import MarketDataSource
    from my_dagster_project.models.tracking import TrackedRun


class AssetStoreResource(dg.ConfigurableResource):
    """Where every asset's current objects and versions lie: `file://` or `s3://`."""

    store_url: str
    dvc_url: str

    def open(self) -> AssetStore:
        """The store, one per process."""
        return open_assets(self.store_url, self.dvc_url)


class MarketDataResource(dg.ConfigurableResource):
    """The source of daily bars named in the registry."""

    kind: str
    origin: str = ""
    """The source as the registry names it; bars of another one are not updated but fetched anew."""
    path: str | None = None
    base_url: str | None = None
    feed: str = "sip"
    timeout: float = 30.0

    @classmethod
    def from_registry(cls, market: Market, settings: Settings) -> "MarketDataResource":
        """The resource for the registry's `market` section; a relative path is under the project's folder."""
        path = str(settings.project / market.path) if market.path else None
        timeout, feed = market.timeout, market.feed or "sip"
        origin = " ".join(filter(None, (market.source, market.path, market.base_url, market.feed)))
        return cls(
            kind=market.source, origin=origin, path=path, base_url=market.base_url, feed=feed, timeout=timeout
        )

    def source(self) -> "MarketDataSource":
        """The source, with the organiser's keys from the environment; raises ConfigError when it needs some and has none."""
        settings = load_settings()
        named = SOURCES[self.kind]
        key, secret = settings.market_data_keys(named.key, named.secret)
        return make_source(
            SourceSpec(
                kind=self.kind,
                path=Path(self.path) if self.path else None,
                base_url=self.base_url,
                api_key=key,
                api_secret=secret,
                feed=self.feed,
                timeout=self.timeout,
                longest_pause=settings.retry_seconds,
            )
        )


class BrokerResource(dg.ConfigurableResource):
    """Where the teams' orders go: Alpaca's API when `url` names it, else the bundled paper broker.

    The bundled one is the service at `paper_url`, or without that address inside each process.
    """

    url: str | None = None
    paper_url: str | None = None
    home: str
    store_url: str
    dvc_url: str
    calendar: str
    starting_cash: float
    cost_bps: float
    commission: float = 0
    partial_fills: float = 0
    impact: float = 0
    symbol_costs: dict[str, list[float]] = Field(default_factory=dict)
    """By symbol: half spread and impact."""
    borrow_fee: float | None = None
    live_trading: str = ""
    lapse: bool = False
    """Whether the exchange's clock shows a recorded past, which no account outside lives in."""

    @property
    def is_bundled(self) -> bool:
        """Whether the accounts are at the bundled broker."""
        return self.url is None

    @property
    def half_spread(self) -> Decimal:
        """What the bundled broker takes from every price, hundredths of a per cent; elsewhere it is part of the price."""
        return Decimal(str(self.cost_bps)) if self.is_bundled else NOTHING

    def open(self, team: str, slot: str) -> Broker:
        """The team's account; `slot` names its credentials in the environment. Raises BrokerError without them."""
        return self.bundled().open(team) if self.is_bundled else self._at_alpaca(team, slot)

    def as_it_is(self, team: str, slot: str) -> Broker:
        """The team's account for who only looks: at the bundled broker it is neither made nor given new terms."""
        return self.bundled().as_it_is(team) if self.is_bundled else self._at_alpaca(team, slot)

    def account_name(self, team: str, slot: str) -> str:
        """What `open` opens, by the name it is leased under: the credential slot, or the team at the bundled broker."""
        return team if self.is_bundled else slot

    @property
    def leases(self) -> Path:
        """The folder of the accounts' leases, where they are files."""
        return Path(self.home) / "leases"

    def reset(self, team: str) -> None:
        """Give the team a fresh account, where that can be had: at Alpaca nothing is changed."""
        if self.is_bundled:
            self.bundled().reset(team)

    def bundled(self) -> EmbeddedBroker | ServedBroker:
        """The bundled broker: the service, or the one of this process."""
        if self.paper_url is None:
            return self.embedded()
        return _served_broker(self.paper_url, self._terms())

    def embedded(self) -> EmbeddedBroker:
        """The bundled broker of this process."""
        return _embedded_broker(
            self.home,
            self.store_url,
            self.dvc_url,
            self.calendar,
            self._terms(),
            self.lapse,
        )

    def _terms(self) -> AccountTerms:
        how = (self.starting_cash, self.cost_bps, self.commission, self.partial_fills, self.impact)
        return AccountTerms(
            *how,
            tuple((symbol, bps, impact) for symbol, (bps, impact) in self.symbol_costs.items()),
            self.borrow_fee,
        )

    def _at_alpaca(self, team: str, slot: str) -> Broker:
        from my_dagster_project.trading.alpaca import AlpacaBroker

        if self.lapse:
            raise BrokerError(
                f"team {team}: a lapse shows a recorded past, and {self.url} trades at today's prices; unset TRADING_BROKER_URL"
            )
        credentials = load_settings().credentials(slot)
        if credentials is None:
            raise BrokerError(
                f"team {team}: no credentials for account {slot}; set ALPACA_{slot}_KEY and ALPACA_{slot}_SECRET "
                "in .env.secrets (see .env.secrets.template)"
            )
        live = self.live_trading == LIVE_TRADING
        return AlpacaBroker(str(self.url), credentials.key, credentials.secret, team=team, allow_live=live)


class TrackingResource(dg.ConfigurableResource):
    """MLflow: an SQLite file in the embedded default, the tracking server in the stack."""

    uri: str
    artifacts: str

    def run(self, experiment: str, name: str, tags: dict[str, str]) -> "AbstractContextManager[TrackedRun]":
        """A run that ends FINISHED, or FAILED when the body raises."""
        from my_dagster_project.models.tracking import start_run

        return start_run(self.uri, experiment, name, tags, artifact_root=self.artifacts)

    def add_figures(self, figures: Mapping[str, Mapping[str, float]]) -> None:
        """Add figures to runs that have ended, by run id; raises TrackingError."""
        from my_dagster_project.models.tracking import add_figures

        add_figures(self.uri, figures)


@cache
def _served_broker(url: str, terms: AccountTerms) -> ServedBroker:
    settings = load_settings()
    # The token, and the one address that may be trusted with it, are this process's own, whatever a run's config says.
    return ServedBroker(url, settings.paper_broker_token(), terms, configured=settings.paper_broker_url)


@cache
def _embedded_broker(
    home: str,
    store_url: str,
    dvc_url: str,
    calendar: str,
    terms: AccountTerms,
    lapse: bool,
) -> EmbeddedBroker:
    assets = open_assets(store_url, dvc_url)
    market = (
        StoreFeed(assets, behind=partial(lacks_session, SeasonBook(assets.store)))
        if lapse
        else StoreFeed(assets)
    )
    return EmbeddedBroker(Path(home), market, load_calendar(calendar), terms)


def lacks_session(book: SeasonBook, feed: BarFeed) -> bool:
    """Whether the session at work of a season has no bars in a feed."""
    state, last = book.read(), feed.last_session()
    return state is not None and (last is None or last < state.session)


@dg.io_manager(required_resource_keys={"asset_store"})
def store_io_manager(context: dg.InitResourceContext) -> StoreIOManager:
    """The one IO manager, over the asset store."""
    return StoreIOManager(context.resources.asset_store.open())


@dataclass(frozen=True)
class Resources:
    """Every resource of a deployment, each under the name that assets ask for it by."""

    asset_store: AssetStoreResource
    market_data: MarketDataResource
    broker: BrokerResource
    tracking: TrackingResource
    io_manager: dg.IOManagerDefinition = store_io_manager

    def by_name(self) -> dict[str, Any]:
        """All of them, as Dagster takes them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def all_resources(platform: Platform, settings: Settings) -> Resources:
    """Every resource of the deployment, from the registry and the settings."""
    store = {"store_url": settings.store_url, "dvc_url": settings.dvc_url}
    competition = platform.registry.competition
    return Resources(
        asset_store=AssetStoreResource(**store),
        market_data=MarketDataResource.from_registry(platform.registry.market, settings),
        broker=BrokerResource(
            url=settings.broker_url,
            paper_url=settings.paper_broker_url,
            home=str(settings.home / "broker"),
            calendar=platform.registry.calendar,
            starting_cash=competition.starting_cash,
            cost_bps=competition.cost_bps,
            commission=competition.commission,
            partial_fills=competition.partial_fills,
            impact=competition.impact,
            symbol_costs={symbol: list(competition.costs_of(symbol)) for symbol in competition.symbol_costs},
            borrow_fee=competition.borrow_fee,
            live_trading=competition.live_trading or "",
            lapse=platform.in_lapse,
            **store,
        ),
        tracking=TrackingResource(uri=settings.mlflow_uri, artifacts=settings.mlflow_artifacts),
    )
