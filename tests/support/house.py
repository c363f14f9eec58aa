"""A whole small deployment in a folder: the committed configs cut short, the real parts, a Dagster instance of its own."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from my_dagster_project.foundation.settings import Settings, settings_from
from my_dagster_project.market_data.sample import SampleSource
from my_dagster_project.pipeline.assets.assembly import all_assets
from my_dagster_project.pipeline.resources import BrokerResource, all_resources
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.sources import read_sources
from tests.support import migrations  # noqa: F401
from tests.support.configs import write_configs

RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


class House:
    """A platform, its resources under one folder, and a way to materialize what is wanted of it."""

    def __init__(self, platform: Platform, settings: Settings) -> None:
        self.platform, self.settings = platform, settings
        self.resources = all_resources(platform, settings).by_name()
        self.assets, self.partitions = all_assets(platform)
        self.instance = dg.DagsterInstance.ephemeral()
        self.store = open_assets(settings.store_url, settings.dvc_url)
        (settings.home / "mlflow").mkdir(parents=True, exist_ok=True)

    @property
    def broker(self) -> BrokerResource:
        return self.resources["broker"]

    def account(self, team: str = "red"):
        return self.broker.open(team, team.upper())

    def outside(self, url: str) -> "House":
        """The same house with its accounts elsewhere, as TRADING_BROKER_URL gives them."""
        terms = {name: getattr(self.broker, name) for name in BrokerResource.model_fields}
        self.resources["broker"] = BrokerResource(**terms | {"url": url})
        return self

    def materialize(self, *wanted: dg.AssetKey, sessions: Sequence[str] = ()) -> dg.ExecuteInProcessResult:
        """Run these assets as one run, for one session or a range of them."""
        ends = dict(zip(RANGE, (sessions[0], sessions[-1]), strict=True)) if len(sessions) > 1 else None
        return dg.materialize(
            self.assets,
            selection=list(wanted),
            resources=self.resources,
            instance=self.instance,
            partition_key=sessions[0] if len(sessions) == 1 else None,
            tags=ends,
            raise_on_error=False,
        )

    def later(self, **market: Any) -> "House":
        """The same folder with another market section, as if days had gone by."""
        changed = self.platform.registry.market.model_copy(update=market)
        registry = self.platform.registry.model_copy(update={"market": changed})
        return House(replace(self.platform, registry=registry), self.settings)


def build(
    folder: Path,
    symbols: dict[str, list[str]],
    refit: str = "never",
    model: dict[str, Any] | None = None,
    overrides: dict[str, Any] | None = None,
    training: dict[str, Any] | None = None,
    **market: Any,
) -> House:
    """A house of the committed teams named in `symbols`, with two epochs and three years less to train on.

    With `model` (`{"kind": "baseline", "strategy": "drift"}`) all have that one: it trains in milliseconds.
    """

    def registry(document: dict[str, Any]) -> None:
        document["teams"] = {team: document["teams"][team] for team in symbols}
        document["market"] |= {"start": start, **market}
        document["competition"]["replay_sessions"] = 5

    def team(document: dict[str, Any]) -> None:
        document["symbols"] = symbols[document["team"]]
        document["training"] |= {"start": max(date(2009, 1, 2), start), "refit": refit, **(training or {})}
        document["ludwig"]["trainer"] |= {"epochs": 2}
        if model is not None:
            del document["ludwig"]
            document |= {"model": model, "overrides": overrides or {}}

    start = market.pop("start", date(2007, 1, 3))
    write_configs(folder, registry, dict.fromkeys(symbols, team))
    platform = load_platform(read_sources(folder, "working tree"))
    assert not platform.problems, platform.problems
    return House(platform, settings_from({"TRADING_HOME": str(folder / "home")}, folder))


def csv_house(folder: Path, symbols: dict[str, list[str]], files: Sequence[str], **market: Any) -> House:
    """A house whose bars are the real ones in CSV files, one for each symbol in `files`."""
    prices = folder / "prices"
    prices.mkdir(parents=True)
    for symbol in files:
        bars = SampleSource().fetch(symbol, date(2007, 1, 3), date(2013, 3, 1))
        bars.to_csv(prices / f"{symbol}.csv", index=False)
    return build(folder, symbols, source="csv", path=str(prices), **market)


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """By step: the text a person reads about each failure of a run."""
    said = {}
    for event in result.all_events:
        if event.event_type == dg.DagsterEventType.STEP_FAILURE:
            data = event.step_failure_data
            said[event.step_key] = (
                data.user_failure_data.description if data.user_failure_data else str(data.error)
            )
    return said


def checks(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], Any]:
    """By asset and name: the answers to the asset checks of a run."""
    return {
        ("/".join(one.asset_key.path), one.check_name): one for one in result.get_asset_check_evaluations()
    }


def made(result: dg.ExecuteInProcessResult) -> dict[str, list[Any]]:
    """By asset: the materializations of a run."""
    found: dict[str, list[Any]] = {}
    for event in result.get_asset_materialization_events():
        found.setdefault("/".join(event.asset_key.path), []).append(event.materialization)
    return found
