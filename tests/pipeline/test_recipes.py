"""Code is part of a code version: a mended bug makes due what it made and nothing else; what was made before is adopted."""

import ast
from pathlib import Path

import dagster as dg
import pytest

from my_dagster_project.foundation.adopted import BEFORE_RECIPES, Resolver, teach_dagit
from my_dagster_project.foundation.dagster_private import web_request_context
from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.models.kinds.ludwig.ludwig_kind import LUDWIG
from my_dagster_project.pipeline import chain, recipes, versions
from my_dagster_project.pipeline.assets.keys import bars_key, features_key
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.pipeline.freshness import Freshness
from tests.support.committed import committed

PROJECT = Path(__file__).parents[2]


def all_recipes() -> dict[str, str]:
    return {row.noun: recipes.recipe_of.__wrapped__(row.recipe(LUDWIG)) for row in chain.STAGES}


@pytest.fixture(scope="module")
def before():
    return all_recipes()


@pytest.fixture
def changed(monkeypatch, before):
    """Which stages' recipes an edit of a module changes."""
    real = recipes._module

    def edit(module: str, old: str, new: str) -> set[str]:
        text = recipes.read_source(module)
        assert old in text, old
        edited = recipes._Module(module, text.replace(old, new, 1))
        monkeypatch.setattr(recipes, "_module", lambda name: edited if name == module else real(name))
        after = all_recipes()
        return {noun for noun in before if before[noun] != after[noun]}

    return edit


def test_a_bug_in_the_indicators_is_one_of_the_features(changed):
    text = recipes.read_source("domain.indicators")
    line = next(line for line in text.splitlines() if line.startswith("    return "))
    assert changed("domain.indicators", line, line + " + 1") == {"features"}


def test_a_bug_in_the_training_is_one_of_the_model(changed):
    assert (
        changed("models.kinds.ludwig.ludwig_training", "def train(", "TWICE = 2\n\n\ndef train(") == set()
    ), "nobody calls it"
    text = recipes.read_source("models.kinds.ludwig.epochs")
    line = next(line for line in text.splitlines() if line.startswith("        self."))
    assert changed("models.kinds.ludwig.epochs", line, line + "\n        self.planted = 1") == {"model"}


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


def with_a_line(module: str, wanted) -> str:
    """The module with one more statement in every function that is `wanted`."""
    tree = ast.parse(recipes.read_source(module))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and wanted(node)]
    assert functions
    for function in functions:
        function.body.insert(0, ast.parse("planted = 1").body[0])
    return ast.unparse(tree)


def is_shown(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(one) == "shown" for one in function.decorator_list)


def computes(function: ast.FunctionDef) -> bool:
    return any(ast.unparse(one).startswith("dg.asset(") for one in function.decorator_list)


@pytest.mark.parametrize("noun", [row.noun for row in chain.STAGES])
def test_logic_in_an_assets_file_is_part_of_its_recipe_and_what_is_only_shown_is_not(changed, noun):
    """What made the table's money, its window and its alarms was in no recipe: a mended bug left the figures as they were."""
    module = f"pipeline.assets.{noun}_asset"
    text = recipes.read_source(module)
    assert changed(module, text, with_a_line(module, computes)) == {noun}
    assert changed(module, text, with_a_line(module, is_shown)) == set()


@pytest.mark.parametrize(
    ("module", "function", "due"),
    [
        ("pipeline.assets.competition_table", "_results", {"leaderboard"}),
        ("pipeline.assets.money", "_with_figures", {"leaderboard"}),
        ("pipeline.assets.report_asset", "_report", {"report"}),
        ("pipeline.assets.training_rows_asset", "_rows", {"training_rows"}),
        ("domain.windows", "last_close_before", {"training_rows"}),
        ("domain.windows", "window_of", {"predictions"}),
        ("pipeline.assets.model_asset", "training_spec", {"model"}),
        ("pipeline.assets.predictions_asset", "_again", {"predictions"}),
        ("pipeline.assets.orders_asset", "_trader", {"orders"}),
        ("pipeline.alarming", "scored_sessions", {"leaderboard"}),
        ("pipeline.alarming", "table_window", {"leaderboard"}),
        ("domain.chance", "evidence", {"leaderboard"}),
        ("domain.lookahead", "predictions_problem", {"predictions"}),
        ("trading.modes", "mode_of", {"orders"}),
        ("paper_broker.corporate", "act_all", {"orders"}),
        ("paper_broker.costs", "worse_by", {"orders"}),
        ("paper_broker.engine", "_borrow", {"orders"}),
        ("domain.exits", "losses", {"orders"}),
        ("domain.exits", "closes_held", {"orders"}),
        ("domain.shorting", "to_sell_short", {"orders"}),
        ("domain.volatility_target", "scaled", {"orders"}),
        ("domain.round_trips", "journal", set()),
        ("trading.patience", "until_the_open", set()),
    ],
)
def test_what_a_stages_file_calls_is_part_of_its_recipe(changed, module, function, due):
    text = with_a_line(module, lambda node: node.name == function)
    assert changed(module, recipes.read_source(module), text) >= due
    assert due or changed(module, recipes.read_source(module), text) == set()


def test_how_tries_are_counted_makes_the_table_due_and_trades_no_replay_again(changed):
    text = with_a_line("trading.replays", lambda node: node.name == "begin")
    assert changed("trading.replays", recipes.read_source("trading.replays"), text) == {"leaderboard"}


# What carries, tries a section beforehand, waits, locks or stops: no result is another by it.
NOT_FOLLOWED = (
    "pipeline.resources",
    "pipeline.rehearsing",
    "pipeline.remembered_controls",
    "pipeline.assets.refused_refits",
)
# Which windows there are is Dagster's question; which one predicts a session is in the predictions' row.
NO_FIGURES = ("trading.halts", "trading.lease", "trading.patience", "domain.windows")


class Everything(recipes._Closure):
    """What is reached if the rest of pipeline, too, is followed."""

    def _follow(self, module: str, name: str) -> None:
        rest = module.removeprefix("my_dagster_project.")
        inside = rest.startswith("pipeline") and rest not in NOT_FOLLOWED
        if inside and recipes.read_source(f"{rest}.{name}") is None:
            self.reach(rest, name)
        else:
            super()._follow(module, name)


@pytest.mark.parametrize("row", chain.STAGES, ids=lambda row: row.noun)
def test_a_recipe_covers_what_makes_its_stage(row):
    """Of all the code that a stage's file leads to only what waits, and what is marked as only shown, may be missing."""
    counted, everything = recipes._Closure(), Everything()
    for closure, starts in ((counted, row.recipe(LUDWIG)), (everything, row.recipe(LUDWIG)[:1])):
        for start in starts:
            module, _, name = start.removeprefix("my_dagster_project.").partition(":")
            closure.reach(module, name)
    missing = {
        (module, name)
        for module, name in everything._seen - counted._seen
        if name in recipes._module(module).defined and not module.startswith(("pipeline", *NO_FIGURES))
    }
    assert missing == set()


def test_recipes_are_kept_for_these_very_files_and_versions(monkeypatch, tmp_path):
    """They were worked out anew by every process, 0.35 s each time."""
    kept = tmp_path / "recipes.json"
    monkeypatch.setattr(versions, "recipes_file", lambda: kept)
    monkeypatch.setattr(versions.sys, "dont_write_bytecode", False)
    computed: list[tuple[str, ...]] = []
    monkeypatch.setattr(versions, "recipe_of", lambda code: computed.append(code) or recipes.recipe_of(code))

    def asked() -> list[str]:
        computed.clear()
        for cached in (versions._recipe, versions._kept):
            cached.cache_clear()
        return [versions.code_version(row, (), LUDWIG) for row in chain.STAGES]

    first = asked()
    assert len(computed) == len(chain.STAGES)
    assert asked() == first
    assert computed == []
    monkeypatch.setattr(versions, "fingerprint_of_all", lambda: "of other files")
    assert asked() == first
    assert len(computed) == len(chain.STAGES), "another edit, another version of what computes"
    kept.write_text("{half a fi")
    assert asked() == first
    for cached in (versions._recipe, versions._kept):
        cached.cache_clear()


def test_the_fingerprint_is_another_for_every_file_and_every_version(monkeypatch, tmp_path):
    (tmp_path / "domain").mkdir()
    seen = set()
    monkeypatch.setattr(recipes, "_HOME", tmp_path)
    for name, text in (
        ("a.py", "1"),
        ("a.py", "2"),
        ("domain/b.json", "2"),
        ("domain/c.html", "2"),
        ("c.txt", "3"),
    ):
        (tmp_path / name).write_text(text)
        seen.add(recipes.fingerprint_of_all())
    assert len(seen) == 4, "only what no recipe can read changes nothing"
    monkeypatch.setattr(recipes, "_installed", lambda name: f"{name} 99")
    assert recipes.fingerprint_of_all() not in seen


def test_another_version_of_what_computes_is_another_recipe(monkeypatch, before):
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
    platform = committed()
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
