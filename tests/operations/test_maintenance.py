"""Retention on real stores: old runs go, nothing that is current does, and a dry run changes nothing."""

import secrets
import subprocess
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.storage.runs.schema import RunsTable
from sqlalchemy import update
from typer.testing import CliRunner

from my_dagster_project.cli import commands as cli
from my_dagster_project.foundation.settings import load_settings, settings_from
from my_dagster_project.models.tracking import start_run
from my_dagster_project.models.tracking_server import open_client
from my_dagster_project.operations.dagster_history import forget_runs
from my_dagster_project.operations.upkeep import Upkeep
from my_dagster_project.pipeline.assets import keys
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.storage.dvc_format import md5_of, object_key
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.teams.platform import load_platform
from my_dagster_project.teams.sources import read_sources
from tests.support.deployment import embedded_instance, write_project
from tests.support.gitrepo import git
from tests.support.postgres import postgres

LATER = datetime.now(UTC) + timedelta(days=400)
DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-10")


@dg.asset
def model(context: dg.AssetExecutionContext) -> None:
    context.log.info("a line nobody reads in a year")


@dg.asset(partitions_def=DAYS)
def orders(context: dg.AssetExecutionContext) -> None:
    context.log.info("another one")


@dg.asset_check(asset=model)
def sound() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset
def broken() -> None:
    raise ValueError("no")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres(tmp_path_factory.mktemp("postgres")) as one:
        yield one


@pytest.fixture
def instance(tmp_path):
    with embedded_instance(tmp_path / "dagster") as one:
        yield one


@pytest.fixture
def stacks(tmp_path, server):
    """An instance on PostgreSQL, as in the stack."""
    url = server.new_database(f"dagster_{secrets.token_hex(4)}")
    with embedded_instance(tmp_path / "dagster", storage=url) as one:
        yield one


@pytest.fixture(params=["instance", "stacks"])
def either(request):
    return request.getfixturevalue(request.param)


def run(instance, *assets, day=None) -> str:
    return dg.materialize(list(assets), instance=instance, partition_key=day, raise_on_error=False).run_id


def kinds(instance, run_id) -> Counter:
    """A run's events by type; a line of a log has none."""
    logs = instance.all_logs(run_id)
    return Counter(log.dagster_event.event_type_value if log.dagster_event else "log" for log in logs)


def runs(instance) -> set[str]:
    return {one.run_id for one in instance.get_runs()}


def partitions(instance) -> set[str]:
    return instance.get_materialized_partitions(orders.key)


def test_superseded_and_failed_runs_go_and_the_latest_results_stay(either):
    old, failed, newest = run(either, model, sound), run(either, broken), run(either, model, sound)
    first, second, again = (run(either, orders, day=f"2026-01-0{day}") for day in (1, 2, 2))
    lines = sum(kinds(either, newest).values())
    done = forget_runs(either, 90, delete=True, now=LATER)
    assert (done.runs, done.stripped) == (3, 3)
    assert runs(either) == {newest, first, again}
    assert not {old, failed, second} & runs(either)
    kept = kinds(either, newest)
    assert kept["ASSET_MATERIALIZATION"] == kept["ASSET_CHECK_EVALUATION"] == kept["PIPELINE_SUCCESS"] == 1
    assert not {"log", "STEP_START", "STEP_SUCCESS", "ENGINE_EVENT"} & set(kept)
    assert sum(kept.values()) < lines / 2
    assert partitions(either) == {"2026-01-01", "2026-01-02"}
    assert either.get_latest_materialization_event(model.key).run_id == newest
    [check] = either.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(model.key, "sound"), limit=1
    )
    assert check.status.value == "SUCCEEDED"


def test_what_is_not_old_enough_or_not_over_stays(either):
    done, going_on = run(either, model), run(either, model)
    with either.run_storage.connect() as connection:
        change = update(RunsTable).where(RunsTable.c.run_id == going_on).values(status="STARTED")
        connection.execute(change)
    before = kinds(either, going_on)
    assert forget_runs(either, 401, delete=True, now=LATER).runs == 0
    forget_runs(either, 90, delete=True, now=LATER)
    assert runs(either) == {going_on}
    assert kinds(either, going_on) == before
    assert done not in runs(either)


def test_dry_it_counts_the_same_and_touches_nothing(either):
    ids = [run(either, model), run(either, model)]
    before = [kinds(either, one) for one in ids]
    dry = forget_runs(either, 90, delete=False, now=LATER)
    assert (dry.runs, dry.stripped) == (1, 1)
    assert [kinds(either, one) for one in ids] == before
    assert forget_runs(either, 90, delete=True, now=LATER) == dry
    assert forget_runs(either, 90, delete=True, now=LATER).lines == 0


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in git with the embedded stores beside it; its settings and platform."""
    folder = tmp_path / "project"
    write_project(folder, ["red"], ["AAPL"], date(2025, 12, 1))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "configs")
    git(folder, "commit", "-q", "-m", "first")
    settings = settings_from({}, folder)
    (settings.home / "mlflow").mkdir(parents=True)
    monkeypatch.chdir(folder)
    load_settings.cache_clear()
    yield settings, load_platform(read_sources(folder, "working tree"))
    load_settings.cache_clear()


def experiment(settings, name) -> str:
    with start_run(settings.mlflow_uri, "red", name, {}, artifact_root=settings.mlflow_artifacts) as tracked:
        tracked.log_files({"manifest.json": b"{}"})
        return tracked.run_id


def lifecycle(settings, run_id) -> str:
    return open_client(settings.mlflow_uri).get_run(run_id).info.lifecycle_stage


def test_experiments_of_current_models_stay_and_older_ones_are_deleted(project, instance):
    settings, platform = project
    old, current = experiment(settings, "old"), experiment(settings, "current")
    instance.report_runless_asset_event(
        dg.AssetMaterialization(keys.model_key("red", "AAPL"), metadata={"mlflow_run": current})
    )
    dry = Upkeep(platform, settings, delete=False, now=LATER).experiments(instance)
    assert dry == "MLflow: 1 runs older than 365 days would be deleted; what was deleted 30d ago is erased"
    assert lifecycle(settings, old) == "active"
    Upkeep(platform, settings, delete=True, now=LATER).experiments(instance)
    assert (lifecycle(settings, old), lifecycle(settings, current)) == ("deleted", "active")
    assert Upkeep(platform, settings, delete=False).experiments(instance).startswith("MLflow: 0 runs")


def loose_content(settings) -> str:
    """Bytes in the DVC remote that nothing has ever referred to."""
    open_assets(settings.store_url, settings.dvc_url).contents.put(md5_of(b"garbage"), b"garbage")
    return object_key(md5_of(b"garbage"))


def test_after_the_job_the_sensor_does_what_needs_the_repository(project, instance):
    """The job's run, then the sensor over it, both the real ones; a dry job is followed by a dry collection."""
    settings, platform = project
    key = loose_content(settings)
    repository = build_definitions(platform, settings).get_repository_def()
    job, sensor = repository.get_job("maintenance"), repository.get_sensor_def("collect_versions")

    def after(**config) -> str:
        ops = {name: {"config": config} for name in ("forget_old_runs", "forget_old_experiments") if config}
        result = job.execute_in_process(instance=instance, run_config={"ops": ops})
        assert result.success
        outputs = [
            one.event_specific_data for one in result.all_events if one.event_type_value == "STEP_OUTPUT"
        ]
        told = [output.metadata["done"].value.partition(":")[0] for output in outputs]
        assert sorted(told) == ["Dagster", "MLflow"]
        event = next(one for one in result.all_events if one.event_type_value == "PIPELINE_SUCCESS")
        context = dg.build_run_status_sensor_context(
            sensor_name=sensor.name,
            dagster_event=event,
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        )
        return sensor(context).skip_message

    assert "DVC remote: 0 unreferenced objects (0.0 MB) would be deleted, 0 referenced and 1 young" in after(
        delete=False
    )
    said = after()
    assert "0 unreferenced objects (0.0 MB) deleted" in said
    assert said.endswith("git: packed if it had enough loose objects")
    # Two days later nothing speaks for it any more.
    assert "1 unreferenced objects" in Upkeep(platform, settings, delete=True, now=LATER).contents()
    assert not open_assets(settings.store_url, settings.dvc_url).contents.remote.exists(key)


def test_without_a_repository_nothing_is_collected(project):
    settings, platform = project
    loose_content(settings)
    subprocess.run(["rm", "-rf", str(settings.project / ".git")], check=True)
    with pytest.raises(Exception, match="is not a git repository"):
        Upkeep(platform, settings, delete=True, now=LATER).contents()


def test_the_command_says_what_it_would_do_and_goes_on_after_a_failure(project, monkeypatch):
    settings, _ = project
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.delenv("TRADING_DAGSTER_HISTORY", raising=False)
    dry = CliRunner().invoke(cli.app, ["maintenance"])
    assert dry.exit_code == 0, dry.output
    assert [line.partition(":")[0] for line in dry.output.splitlines()] == [
        "Dagster",
        "MLflow",
        "DVC remote",
        "git",
    ]
    assert "would be deleted" in dry.output
    subprocess.run(["rm", "-rf", str(settings.project / ".git")], check=True)
    failed = CliRunner().invoke(cli.app, ["maintenance", "--delete"])
    assert failed.exit_code == 1
    assert "MLflow: 0 runs" in failed.output
