"""A deployment of two teams with baselines on the sample's bars, whose store holds what their chains would have put there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

import pandas as pd
import pytest

from my_dagster_project.domain.features import compute_features
from my_dagster_project.domain.predictions import prediction_table
from my_dagster_project.foundation.settings import Settings, settings_from
from my_dagster_project.market_data.sample import SampleSource
from my_dagster_project.models.kinds.baseline.baseline_model import fit
from my_dagster_project.models.manifest import MANIFEST
from my_dagster_project.models.prediction import predict
from my_dagster_project.models.training_input import TrainingSpec
from my_dagster_project.serving.service import Service
from my_dagster_project.serving.serving_app import create_app
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.dvc_format import dir_md5, md5_of
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.storage.parquet import to_parquet
from my_dagster_project.storage.stored_bars import BARS_FILE
from my_dagster_project.teams.platform import load_platform
from my_dagster_project.teams.sources import read_sources
from tests.models.samples import CUTOFF, quiet, sample_rows
from tests.support.configs import Change, write_configs

START, END = date(2000, 3, 1), date(2013, 3, 1)
TARGETS = {"red": "next_return", "blue": "next_direction"}
SYMBOL = "AAPL"
MOMENTUM = {"strategy": "momentum", "input": "return_1"}
DRIFT = {"strategy": "drift"}


@dataclass(frozen=True)
class Served:
    """A deployment, its service and a client of its application."""

    settings: Settings
    assets: AssetStore
    service: Service
    client: object

    def store_model(self, team: str, section: dict, **changes) -> dict[str, bytes]:
        """Store a baseline as the team's model; `changes` are made to what its manifest says."""
        files = model_of(team, section, **changes)
        self.assets.write(names.model(team, SYMBOL), files, replace=True, record={})
        return files


def model_of(team: str, section: dict, **changes) -> dict[str, bytes]:
    features = ("return_1",) if "input" in section else ()
    spec = TrainingSpec(team, SYMBOL, section, TARGETS[team], features, 1, CUTOFF)
    model = fit(spec, sample_rows(team), quiet)
    if not changes:
        return model.files
    return model.files | {MANIFEST: replace(model.manifest, **changes).to_json()}


@cache
def bars() -> pd.DataFrame:
    return SampleSource().fetch(SYMBOL, START, END)


def features_of(settings: Settings, team: str) -> pd.DataFrame:
    platform = load_platform(read_sources(settings.project, "working tree"))
    return compute_features(bars(), platform.teams[team].for_symbol(SYMBOL).feature_list, SYMBOL)


@contextmanager
def deployment(folder, visibility: str = "open", **environment: str) -> Iterator[Served]:
    """The deployment of a folder, its service looking after its models."""
    from fastapi.testclient import TestClient

    def registry(document) -> None:
        document["market"]["symbols"] = [SYMBOL]
        document["visibility"] = visibility

    def file_of(team: str) -> Change:
        def change(document) -> None:
            document.pop("ludwig")
            document |= {"team": team, "target": TARGETS[team], "model": {"kind": "baseline", **MOMENTUM}}
            if team == "blue":
                document["trading"] |= {"buy_above": 0.52, "sell_below": 0.48}

        return change

    write_configs(folder / "project", registry, {team: file_of(team) for team in TARGETS}, like="red")
    settings = settings_from(
        {"TRADING_HOME": str(folder / "home"), "TRADING_CONFIG": "working-tree", **environment},
        folder / "project",
    )
    assets = open_assets(settings.store_url, settings.dvc_url)
    assets.write(names.bars(SYMBOL), {BARS_FILE: to_parquet(bars())}, replace=True, record={})
    service = Service(settings)
    with TestClient(create_app(settings, service), base_url="http://localhost") as client:
        served = Served(settings, assets, service, client)
        for team in TARGETS:
            served.store_model(team, MOMENTUM)
        yield served


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    """A deployment to look at only."""
    with deployment(tmp_path_factory.mktemp("served")) as made:
        store_predictions(made, "red", 60)
        yield made


def store_predictions(served: Served, team: str, sessions: int) -> None:
    """What the predictions asset would have stored of the last sessions but one."""
    files = served.assets.read(names.model(team, SYMBOL))
    rows = features_of(served.settings, team).tail(sessions).reset_index(drop=True)
    calendar = served.service.catalogue.platform().calendar
    table = prediction_table(rows, predict(files, rows).frame, bars(), calendar, SYMBOL, CUTOFF)
    md5 = dir_md5({name: md5_of(data) for name, data in files.items()})
    table = table.assign(team=team, model=md5)
    stored = {
        f"{session.date().isoformat()}.parquet": to_parquet(one.reset_index(drop=True))
        for session, one in table.groupby("session")
    }
    served.assets.write(names.predictions(team, SYMBOL), stored, replace=False, record={})
