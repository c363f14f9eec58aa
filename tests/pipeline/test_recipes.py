"""Code is part of a code version: a mended bug makes due what it made and nothing else; what was made before is adopted."""

from pathlib import Path

import dagster as dg
import pytest

from my_dagster_project.foundation.adopted import BEFORE_RECIPES, Resolver, teach_dagit
from my_dagster_project.foundation.dagster_private import web_request_context
from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.pipeline import chain, recipes
from my_dagster_project.pipeline.assets.keys import bars_key, features_key
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.pipeline.freshness import Freshness
from my_dagster_project.teams.platform import load_platform
from my_dagster_project.teams.sources import read_sources

PROJECT = Path(__file__).parents[2]


def all_recipes() -> dict[str, str]:
    for cached in (recipes.recipe_of, recipes._module, recipes._plain):
        cached.cache_clear()
    return {row.noun: recipes.recipe_of(row.code) for row in chain.STAGES}


@pytest.fixture
def changed(monkeypatch):
    """Which stages' recipes an edit of a module changes."""
    before, real = all_recipes(), recipes.read_source

    def edit(module: str, old: str, new: str) -> set[str]:
        text = real(module)
        assert old in text, old
        planted = text.replace(old, new, 1)
        monkeypatch.setattr(recipes, "read_source", lambda name: planted if name == module else real(name))
        after = all_recipes()
        monkeypatch.setattr(recipes, "read_source", real)
        return {noun for noun in before if before[noun] != after[noun]}

    yield edit
    all_recipes()


def test_a_bug_in_the_indicators_is_one_of_the_features(changed):
    text = recipes.read_source("domain.indicators")
    line = next(line for line in text.splitlines() if line.startswith("    return "))
    assert changed("domain.indicators", line, line + " + 1") == {"features"}


def test_a_bug_in_the_training_is_one_of_the_model(changed):
    assert changed("models.training", "def train(", "TWICE = 2\n\n\ndef train(") == set(), "nobody calls it"
    text = recipes.read_source("models.epochs")
    line = next(line for line in text.splitlines() if line.startswith("        self."))
    assert changed("models.epochs", line, line + "\n        self.planted = 1") == {"model"}


def test_comments_docstrings_formatting_hints_and_texts_of_errors_change_nothing(changed):
    text = recipes.read_source("domain.features")
    assert (
        changed("domain.features", "\ndef compute_features(", "\n# A comment.\n\n\ndef compute_features(")
        == set()
    )
    assert changed("domain.features", text, f'"""Another docstring."""\n{text.split(chr(10), 1)[1]}') == set()
    raised = next(line for line in text.splitlines() if "raise " in line)
    at = text.index(raised)
    quote = text.index('"', at)
    assert changed("domain.features", text[at : quote + 1], text[at : quote + 1] + "Sorry: ") == set()


def test_another_version_of_what_computes_is_another_recipe(monkeypatch):
    before = all_recipes()
    recipes._installed.cache_clear()
    monkeypatch.setattr(recipes, "version", lambda name: "99" if name == "ta-lib" else "1")
    after = all_recipes()
    recipes._installed.cache_clear()
    assert {"features", "model", "predictions"} == {noun for noun in before if before[noun] != after[noun]}


def test_a_row_that_names_nothing_says_so():
    with pytest.raises(KeyError, match="no such function"):
        recipes.recipe_of(("domain.features:nothing",))


@pytest.fixture
def made(tmp_path):
    """A Dagster home with bars and features, made by the code version that this gives."""
    platform = load_platform(read_sources(PROJECT, "working tree"))
    definitions = build_definitions(platform, settings_from({"TRADING_HOME": str(tmp_path)}, PROJECT))
    graph = definitions.resolve_asset_graph()

    def freshness(code_version: str | None) -> bool:
        with dg.DagsterInstance.ephemeral() as instance:
            for key, inputs in ((bars_key("AAPL"), ()), (features_key("red", "AAPL"), (bars_key("AAPL"),))):
                version = code_version or graph.get(key).metadata[BEFORE_RECIPES]
                tags = {"dagster/code_version": version, "dagster/data_version": "same"}
                tags |= {f"dagster/input_data_version/{one.to_user_string()}": "same" for one in inputs}
                tags |= {f"dagster/input_event_pointer/{one.to_user_string()}": "1" for one in inputs}
                instance.report_runless_asset_event(dg.AssetMaterialization(key, tags=tags))
            return Freshness(graph, instance).is_fresh(features_key("red", "AAPL"))

    return freshness


def test_what_was_made_before_recipes_is_adopted(made):
    assert made(None)
    assert not made("of another configuration")


def test_dagit_judges_by_the_same_rule():
    context = web_request_context()
    theirs = context.__dict__["stale_status_loader"]
    try:
        teach_dagit()
        assert isinstance(context.__dict__["stale_status_loader"].func(_Request()), Resolver)
    finally:
        context.stale_status_loader = theirs


class _Request:
    instance = asset_graph = None
