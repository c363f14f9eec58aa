"""Real training rows: the committed team files on the sample's real bars."""

import copy
import functools
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd

from my_dagster_project.domain.features import compute_features
from my_dagster_project.domain.targets import training_rows
from my_dagster_project.market_data.sample import SampleSource
from my_dagster_project.models.kinds.ludwig.ludwig_training import train
from my_dagster_project.models.kinds.port import TrainedModel
from my_dagster_project.models.training_input import TrainingSpec
from my_dagster_project.teams.loading import load_defaults, load_registry, load_team

CONFIGS = Path(__file__).parents[2] / "configs"
START, CUTOFF = date(2008, 1, 2), date(2012, 11, 30)


@functools.cache
def team_file(team: str):
    registry, defaults = load_registry(CONFIGS / "teams.yaml"), load_defaults(CONFIGS / "defaults.yaml")
    return load_team(CONFIGS / f"{team}.yaml", f"configs/{team}.yaml", registry, defaults)


@functools.cache
def _features(team: str, symbol: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    bars = SampleSource().fetch(symbol, START, CUTOFF)
    specs = team_file(team).features
    return bars, compute_features(bars, [spec.to_feature(name) for name, spec in specs.items()], symbol)


def sample_rows(team: str = "red", symbol: str = "AAPL") -> pd.DataFrame:
    """About 1150 rows of five real years."""
    bars, features = _features(team, symbol)
    target = team_file(team).target
    return training_rows(
        features, bars, target, start=START, cutoff=CUTOFF, validation_fraction=0.15, symbol=symbol
    )


def sample_spec(team: str = "red", symbol: str = "AAPL", *, epochs: int = 2, **ludwig) -> TrainingSpec:
    """A spec of the committed team file, with few epochs; keywords replace parts of its Ludwig section."""
    config = team_file(team)
    section = copy.deepcopy(config.complete_section())
    section["trainer"]["epochs"] = epochs
    section.update(copy.deepcopy(ludwig))
    return TrainingSpec(
        team=team,
        symbol=symbol,
        section=section,
        target=config.target,
        features=tuple(config.input_names),
        seed=42,
        trained_through=CUTOFF,
    )


def with_inputs(spec: TrainingSpec, inputs: list[dict]) -> TrainingSpec:
    """The spec with other input features."""
    return replace(
        spec,
        section=spec.section | {"input_features": inputs},
        features=tuple(entry["name"] for entry in inputs),
    )


def quiet(epoch: int, metrics: dict[str, float]) -> None:
    """An `on_epoch` for whom it is all the same."""


@functools.cache
def trained(team: str) -> TrainedModel:
    """One small trained model per team, shared by the tests of a session."""
    return train(sample_spec(team), sample_rows(team), quiet)
