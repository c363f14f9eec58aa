"""The graph of the committed configs: what Dagit shows. `pytest --snapshot-update` after a wanted change."""

from dataclasses import replace

import dagster as dg
import pytest

from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.pipeline.assets.keys import orders_key
from my_dagster_project.pipeline.code_location import build_definitions
from tests.support.committed import PROJECT, committed

PLATFORM = committed()


def named(key: dg.AssetKey) -> str:
    return "/".join(key.path)


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> dg.RepositoryDefinition:
    settings = settings_from({"TRADING_HOME": str(tmp_path_factory.mktemp("home"))}, PROJECT)
    return build_definitions(PLATFORM, settings).get_repository_def()


@pytest.fixture(scope="module")
def nodes(repository):
    graph = repository.asset_graph
    return {named(key): graph.get(key) for key in sorted(graph.get_all_asset_keys())}


def test_the_committed_configs_have_no_problems():
    assert PLATFORM.problems == {}


def test_assets_their_groups_and_what_each_is_made_of(nodes, snapshot):
    assert {
        name: {"group": node.group_name, "from": sorted(map(named, node.parent_keys))}
        for name, node in nodes.items()
    } == snapshot


def test_owners_kinds_and_descriptions(nodes, snapshot):
    assert {
        name: {"owners": list(node.owners), "kinds": sorted(node.kinds), "says": node.description}
        for name, node in nodes.items()
    } == snapshot


def test_checks_and_which_of_them_block(nodes, repository, snapshot):
    graph = repository.asset_graph
    assert {
        name: {key.name: graph.get_check_spec(key).blocking for key in sorted(node.check_keys, key=str)}
        for name, node in nodes.items()
        if node.check_keys
    } == snapshot


def test_jobs_and_what_they_select(repository, snapshot):
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    assert {
        job.name: {
            "tags": dict(job.tags),
            "assets": sorted(map(named, job.asset_layer.executable_asset_keys)),
        }
        for job in sorted(jobs, key=lambda job: job.name)
    } == snapshot


def test_schedules_and_sensors(repository, snapshot):
    schedules = {
        one.name: f"{one.cron_schedule} {one.execution_timezone} -> {one.job_name}"
        for one in repository.schedule_defs
    }
    sensors = {one.name: one.default_status.value for one in repository.sensor_defs}
    assert {"schedules": schedules, "sensors": sensors} == snapshot


def test_partitions(nodes, snapshot):
    kept = {
        name: node.partitions_def.get_partition_keys()
        for name, node in nodes.items()
        if node.partitions_def is not None
    }
    assert sorted(kept) == snapshot(name="who")
    refits = {name for name in kept if name.endswith(("/model", "/training_rows"))}
    assert {tuple(kept[name]) for name in refits} == {
        ("2012-12-01", "2013-01-01", "2013-02-01", "2013-03-01")
    }
    [sessions] = {tuple(keys) for name, keys in kept.items() if name not in refits}
    assert list(sessions) == snapshot(name="sessions")


def test_a_code_version_follows_what_the_asset_depends_on_and_nothing_else(nodes):
    red = PLATFORM.teams["red"]
    rules = red.trading.model_copy(update={"buy_above": 0.1})
    changed = red.model_copy(update={"trading": rules})
    assert changed.model_fingerprint() == red.model_fingerprint()
    seed = red.training.model_copy(update={"seed": 7})
    assert red.model_copy(update={"training": seed}).model_fingerprint() == red.model_fingerprint()
    window = red.training.model_copy(update={"validation_fraction": 0.2})
    assert red.model_copy(update={"training": window}).model_fingerprint() != red.model_fingerprint()
    # Each refit draws a seed of its own, from its team, symbol and window.
    assert nodes["red/AAPL/model"].code_version == nodes["red/IBM/model"].code_version
    assert nodes["red/AAPL/model"].code_version != nodes["blue/AAPL/model"].code_version


def test_a_team_with_a_hyphen_has_a_valid_graph(tmp_path):
    """Team names may have hyphens, Dagster's names may not."""
    entry = PLATFORM.registry.teams["red"]
    registry = PLATFORM.registry.model_copy(update={"teams": {"deep-red": entry}})
    config = PLATFORM.teams["red"].model_copy(update={"team": "deep-red"})
    platform = replace(PLATFORM, registry=registry, teams={"deep-red": config})
    settings = settings_from({"TRADING_HOME": str(tmp_path)}, PROJECT)
    repository = build_definitions(platform, settings).get_repository_def()
    assert {"deep_red_train", "deep_red_daily", "deep_red_trade"} <= {
        job.name for job in repository.get_all_jobs()
    }
    assert repository.asset_graph.get(orders_key("deep-red")).group_name == "deep_red"


def test_a_platform_whose_every_team_file_is_broken_still_loads(tmp_path):
    platform = replace(PLATFORM, teams={}, problems={"red": "no", "blue": "no"})
    settings = settings_from({"TRADING_HOME": str(tmp_path)}, PROJECT)
    repository = build_definitions(platform, settings).get_repository_def()
    assert {sensor.name for sensor in repository.sensor_defs} == {
        "record_versions",
        "rounds",
        "killed_trainings",
        "team_files",
        "notifications",
        "collect_versions",
    }
    assert [schedule.name for schedule in repository.schedule_defs] == ["maintenance_schedule"]
