"""A stage is one row and one file: it is then everywhere where stages are, and nobody keeps a list of his own."""

import re
from pathlib import Path

import dagster as dg
import pytest
import yaml

from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.main_job.build import made_by
from my_dagster_project.main_job.dvc_yaml import dvc_yaml, missing_teams
from my_dagster_project.people.status.dagster_state import team_jobs
from my_dagster_project.people.status.page import chain_of_symbols
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets.keys import key
from my_dagster_project.pipeline.chain import Job, Place, Stage
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.pipeline.due import Due
from my_dagster_project.pipeline.run_tags import derived_tags
from my_dagster_project.storage import names
from tests.support.committed import committed

PROJECT = Path(__file__).parents[2]
PLATFORM = committed()
MOMENTUM = dg.AssetKey(["red", "AAPL", "momentum"])
ROW = Stage(
    "momentum",
    "team-symbol",
    needs=("features", "bars"),
    jobs=("daily",),
    code=("domain.features:compute_features",),
    figures=("strength",),
    restorable=True,
    before="1",
    made_by="tests.pipeline.scratch_asset:momentum_asset",
)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """The graph of the committed configs with one more row, as Dagit has it."""

    def build(row: Stage, *jobs: Job) -> dg.RepositoryDefinition:
        monkeypatch.setattr(chain, "STAGES", (*chain.STAGES, row))
        monkeypatch.setattr(chain, "JOBS", (*chain.JOBS, *jobs))
        settings = settings_from({"TRADING_HOME": str(tmp_path)}, PROJECT)
        return build_definitions(PLATFORM, settings).get_repository_def()

    return build


def test_dvc_yaml_is_the_one_of_the_table_and_the_registry():
    assert (PROJECT / "dvc.yaml").read_text() == dvc_yaml(PLATFORM.registry.teams), "run `trading dvc-yaml`"


def test_a_team_that_dvc_yaml_does_not_know_is_named(tmp_path):
    (tmp_path / "dvc.yaml").write_text(dvc_yaml(["red", "blue"]))
    assert missing_teams(tmp_path, ["red", "green", "blue"]) == ["green"]
    stages = yaml.safe_load(dvc_yaml(["red", "green"]))["stages"]
    assert stages["fills"]["matrix"]["team"] == ["red", "green"]
    assert "build/green/fills" in stages["leaderboard"]["deps"]


def test_every_stage_has_a_job_and_every_need_a_row_before_it():
    known: set[str] = set()
    for row in chain.STAGES:
        assert set(row.needs) <= known, row.noun
        assert row.jobs, row.noun
        assert all(chain.job(purpose) for purpose in row.jobs)
        known.add(row.noun)


def test_a_scratch_stage_is_in_graph_jobs_tags_status_restoration_export_and_main_job(repository, tmp_path):
    made = repository(ROW)
    node = made.asset_graph.get(MOMENTUM)
    assert {key.path[-1] for key in node.parent_keys} == {"features", "bars"}
    assert (node.group_name, node.owners[0], node.tags["team"]) == ("red", "team:red", "red")
    assert MOMENTUM in made.get_job("red_daily").asset_layer.executable_asset_keys
    assert MOMENTUM not in made.get_job("blue_daily").asset_layer.executable_asset_keys
    assert derived_tags({MOMENTUM}, {}, lambda _: "red at 1")["dagster/priority"] == "5"
    assert "momentum" in chain_of_symbols()
    assert chain.restore_turn(tuple(MOMENTUM.path)) is not None
    assert tuple(MOMENTUM.path) in made_by(PLATFORM, chain.job("daily"), "red")
    with dg.DagsterInstance.ephemeral() as instance:
        for noun in ("bars", "features", "model"):
            instance.report_runless_asset_event(dg.AssetMaterialization(key(noun, "red", "AAPL")))
        due = Due(
            PLATFORM, made.asset_graph, instance, settings_from({"TRADING_HOME": str(tmp_path)}, PROJECT)
        )
        assert MOMENTUM in due.of(due.makeable("daily", "red"), ["2013-01-02"])


def test_a_scratch_job_has_a_schedule_an_owner_a_place_on_the_status_page_and_in_dvc_yaml(repository):
    job = Job("measure", priority=3, cron="daily", says="Measure {team}.", phase="momentum", build="momentum")
    row = Stage(**{**vars(ROW), "jobs": ("measure",)})
    made = repository(row, job)
    assert MOMENTUM in made.get_job("red_measure").asset_layer.executable_asset_keys
    assert made.get_job("red_measure").owners == ["team:red", "red@example.org"]
    schedule = made.get_schedule_def("red_measure_schedule")
    assert schedule.cron_schedule == PLATFORM.teams["red"].schedule.daily
    assert schedule.owners == ["team:red", "red@example.org"]
    assert "red_measure" in team_jobs("red")
    assert job in chain.jobs_of_teams()
    stage = yaml.safe_load(dvc_yaml(["red"]))["stages"]["momentum"]
    assert stage["cmd"] == "trading build momentum ${item.team} --out build/${item.team}/momentum"
    assert "build/${item.team}/models" in stage["deps"]


def test_the_settling_is_a_job_of_its_team_on_the_status_page():
    """It stood among the platform's jobs: the page had a list of its own."""
    assert "red_settle" in team_jobs("red")
    assert "fills" in chain_of_symbols()


def test_the_names_that_lower_rooms_spell_are_those_of_the_rows():
    given = {"symbol": ("AAPL",), "team-symbol": ("red", "AAPL"), "team": ("red",), "competition": ()}
    for row in chain.STAGES:
        if spelled := getattr(names, row.noun, None):
            assert spelled(*given[row.scope]) == row.asset(Place("red", "AAPL")), row.noun


def test_nobody_else_spells_an_assets_name():
    nouns = "|".join(row.noun for row in chain.STAGES)
    spelled = re.compile(rf'\((?:\w+, ){{1,2}}"(?:{nouns})"\)')
    package = PROJECT / "my_dagster_project"
    found = {path.name: hits for path in package.rglob("*.py") if (hits := spelled.findall(path.read_text()))}
    assert found.keys() <= {"names.py"}, found
