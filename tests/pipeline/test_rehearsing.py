"""What Ludwig says of a section reaches people as a line of their file, before anything is spent, and is asked once."""

from dataclasses import replace

import pytest

from my_dagster_project.foundation.errors import ModelError
from my_dagster_project.models.bounds import Bounds
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.rehearsing import refusals, remembered, require_trainable
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.opening import open_store
from my_dagster_project.teams.platform import Platform, load_platform
from tests.support.committed import committed
from tests.support.house import House, build, failures
from tests.teams.helpers import edited, line_of, text_of

pytestmark = pytest.mark.slow

BOUNDS = Bounds(seconds=60, memory=2 * 1024**3)
# Ludwig's own schema allows it, and torch fails: it wants a matrix.
OUTPUT = "      type: number\n      preprocessing:"
BAD_OUTPUT = (OUTPUT, "      type: number\n      decoder: {bias_initializer: eye}\n      preprocessing:")
SAID = "Ludwig cannot train it: ValueError: Only tensors with 2 dimensions are supported"


def platform_of(red: str, **changed: str) -> Platform:
    """The committed platform with red's file, and others by name, said otherwise."""
    sources = committed().sources
    texts = {"defaults": text_of("defaults"), "teams": text_of("teams")} | changed
    return load_platform(
        replace(
            sources,
            registry=replace(sources.registry, text=texts["teams"]),
            defaults=replace(sources.defaults, text=texts["defaults"]),
            teams={**sources.teams, "red": replace(sources.teams["red"], text=red)},
        )
    )


@pytest.fixture
def assets(tmp_path) -> AssetStore:
    return AssetStore(*(open_store((tmp_path / name).as_uri()) for name in ("store", "dvc")))


def said_of(platform: Platform, symbol: str, assets: AssetStore) -> str:
    assert platform.problems == {}, "a table knows it already"
    with pytest.raises(ModelError) as caught:
        require_trainable(platform, "red", symbol, assets, BOUNDS)
    return str(caught.value)


def test_the_line_of_the_teams_file_is_named_and_ludwig_is_asked_once(assets):
    text = edited("red", BAD_OUTPUT)
    platform = platform_of(text)
    assert refusals(platform, "red", assets, ask=False) == ([], True)
    expected = f"configs/red.yaml:{line_of(text, 'decoder:')}: ludwig.output_features[0].decoder.bias_initializer: {SAID}"
    assert said_of(platform, "AAPL", assets) == expected
    no_time = replace(BOUNDS, seconds=0)
    with pytest.raises(ModelError) as again:
        require_trainable(platform, "red", "IBM", assets, no_time)
    assert str(again.value) == expected
    assert refusals(platform, "red", assets, ask=False) == ([expected], False)


def test_an_override_is_named_and_the_other_symbols_train(assets):
    override = "overrides: {IBM: {ludwig: {combiner: {bias_initializer: dirac}}}}"
    text = edited("red", ("overrides: {}", override))
    platform = platform_of(text)
    assert said_of(platform, "IBM", assets).startswith(
        f"configs/red.yaml:{line_of(text, override)}: overrides.IBM.ludwig.combiner.bias_initializer: Ludwig cannot"
    )
    assert require_trainable(platform, "red", "AAPL", assets, BOUNDS).weights > 0
    assert remembered(assets, platform.teams["red"].for_symbol("MSFT")) is not None


def test_what_all_teams_share_is_named_where_it_is(assets):
    shared = edited(
        "defaults",
        ("    batch_size: 256\n", "    batch_size: 256\n    gradient_clipping: {clipvalue: 0.5}\n"),
    )
    said = said_of(platform_of(text_of("red"), defaults=shared), "AAPL", assets)
    assert said.startswith(
        f"configs/defaults.yaml:{line_of(shared, 'gradient_clipping:')}: ludwig.trainer.gradient_clipping.clipvalue: Ludwig"
    )


def test_the_weights_that_ludwig_made_count_not_the_estimate(assets):
    allowed = edited("teams", ("account: RED ", "training: {weights: 1000}\n    account: RED "))
    encoders = "  defaults: {number: {encoder: {type: dense, num_layers: 1, output_size: 16}}}\n  combiner: {"
    said = said_of(platform_of(edited("red", ("  combiner: {", encoders)), teams=allowed), "AAPL", assets)
    assert "ludwig.combiner: makes a model of " in said
    assert said.endswith(" weights; the registry allows red 1,000")


def test_a_verdict_of_the_moment_is_not_remembered(assets):
    platform = committed()
    with pytest.raises(ModelError, match="longer than the 0 s"):
        require_trainable(platform, "red", "AAPL", assets, replace(BOUNDS, seconds=0))
    assert refusals(platform, "red", assets, ask=False) == ([], True)


def test_a_training_fails_with_that_line_before_there_is_anything_in_mlflow(tmp_path):
    house = build(tmp_path, {"red": ["AAPL", "IBM"]})
    text = text_of("red").replace(*BAD_OUTPUT)
    source = replace(house.platform.sources.teams["red"], text=text)
    sources = replace(house.platform.sources, teams={"red": source})
    house = House(load_platform(sources), house.settings)
    house.materialize(*(keys.bars_key(symbol) for symbol in ("AAPL", "IBM")))
    made = (keys.features_key, keys.training_rows_key, keys.model_key)
    run = house.materialize(*(key("red", symbol) for symbol in ("AAPL", "IBM") for key in made))
    said = failures(run)
    assert set(said) == {"red__AAPL__model", "red__IBM__model"}
    assert {text.partition(": ludwig.")[2] for text in said.values()} == {
        f"output_features[0].decoder.bias_initializer: {SAID}"
    }
    assert not list((house.settings.home / "mlflow").rglob("*.db"))
    tags = house.instance.get_run_by_id(run.run_id).tags
    assert float(tags["cpu_seconds/red"]) > 0
