"""What the process of a run builds of the graph: the same assets, but only whose the run is."""

from pathlib import Path

import dagster as dg
import pytest

from my_dagster_project.foundation import run_at_work as at_work
from my_dagster_project.foundation.run_at_work import RunAtWork, execute, run_at_work
from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.pipeline.code_location import build_definitions, definitions_of_run
from my_dagster_project.pipeline.run_tags import derived_tags
from tests.pipeline.test_rounds import small_platform

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    platform = small_platform()
    settings = settings_from({"TRADING_HOME": str(tmp_path_factory.mktemp("home"))}, PROJECT)
    whole = build_definitions(platform, settings).get_repository_def()
    return (
        whole,
        lambda job, owners: definitions_of_run(
            platform, settings, RunAtWork(job, frozenset(owners))
        ).get_repository_def(),
    )


def versions(repository: dg.RepositoryDefinition, job: str) -> dict[dg.AssetKey, object]:
    layer = repository.get_job(job).asset_layer
    return {key: (layer.get(key).code_version, layer.get(key).partitions_def, layer.get(key).parent_keys) for key in layer.executable_asset_keys}  # fmt: skip


def owners_of_graph(repository: dg.RepositoryDefinition) -> set[str]:
    return {key.path[0] for key in repository.asset_graph.executable_asset_keys}


def test_a_run_of_a_team_has_its_assets_as_they_are_in_the_whole_graph_and_nobody_elses(built):
    whole, of_run = built
    own = of_run("red_daily", ["red"])
    assert versions(own, "red_daily") == versions(whole, "red_daily")
    assert owners_of_graph(own) == {"red", "market"}
    assert of_run("__ASSET_JOB_0", ["red"]).has_job("red_trade")


def test_a_run_of_bars_has_bars(built):
    whole, of_run = built
    own = of_run("market_daily", ["market"])
    assert versions(own, "market_daily") == versions(whole, "market_daily")
    assert owners_of_graph(own) == {"market"}


@pytest.mark.parametrize(
    ("job", "owners"), [("leaderboard", ["competition"]), ("round", []), ("halt", ["red"])]
)
def test_any_other_run_has_all(built, job, owners):
    whole, of_run = built
    assert owners_of_graph(of_run(job, owners)) == owners_of_graph(whole)


def test_whose_it_is_is_what_the_queue_has_written_on_it(monkeypatch):
    monkeypatch.setattr(at_work, "_at_work", [])
    tags = derived_tags({dg.AssetKey(["red", "orders"]), dg.AssetKey(["blue", "orders"])}, {}, lambda _: None)
    execute("__ASSET_JOB", tags)
    assert run_at_work() == RunAtWork("__ASSET_JOB", frozenset({"red", "blue"}))
    execute("round", {})
    assert run_at_work() == RunAtWork("round", frozenset())
