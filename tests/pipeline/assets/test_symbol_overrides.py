"""What one symbol has differently reaches its features, model and report, and no other symbol's."""

from dataclasses import replace

import dagster as dg
import pytest

from my_dagster_project.pipeline.assets.assembly import all_assets
from my_dagster_project.pipeline.assets.keys import features_key, model_key
from my_dagster_project.pipeline.assets.model_asset import training_spec
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.teams.platform import Platform
from tests.support.committed import committed
from tests.teams.helpers import edited, load

OVERRIDE = "overrides: {IBM: {features: {rsi_14: {timeperiod: 21}}, ludwig: {trainer: {epochs: 5}}}}"


@pytest.fixture(scope="module")
def plain() -> Platform:
    platform = committed()
    return replace(platform, teams={**platform.teams, "red": load(edited("red"))})


@pytest.fixture(scope="module")
def overridden(plain: Platform) -> Platform:
    red = load(edited("red", ("overrides: {}", OVERRIDE)))
    return replace(plain, teams={**plain.teams, "red": red})


def versions(platform: Platform) -> dict[dg.AssetKey, str | None]:
    assets, _ = all_assets(platform)
    return {
        key: version
        for one in assets
        if isinstance(one, dg.AssetsDefinition)
        for key, version in one.code_versions_by_key.items()
    }


def test_only_the_overridden_symbols_features_and_model_are_made_anew(plain, overridden):
    before, after = versions(plain), versions(overridden)
    assert {key for key in before if before[key] != after[key]} == {
        features_key("red", "IBM"),
        model_key("red", "IBM"),
    }


def test_the_model_is_trained_with_the_symbols_own_section(overridden):
    team = TeamContext("red", overridden.teams["red"], overridden)
    assert training_spec(team, "IBM", "").section["trainer"]["epochs"] == 5
    assert training_spec(team, "AAPL", "").section["trainer"]["epochs"] == 60
