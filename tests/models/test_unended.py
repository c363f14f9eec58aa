"""A training whose process was killed: a real MLflow on SQLite, real runs of Dagster, the sensor as the daemon evaluates it."""

from datetime import UTC, datetime

import dagster as dg

from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.models.tracking_server import open_client
from my_dagster_project.pipeline.killed_trainings import killed_trainings_sensor
from tests.pipeline.ticks import PROJECT


@dg.op
def killed() -> None:
    raise dg.Failure("Its worker process has shown no sign of life")


@dg.job
def red_train() -> None:
    killed()


@dg.job
def red_daily() -> None:
    killed()


def test_what_a_killed_training_left_running_ends_as_killed_and_nothing_else_does(tmp_path):
    settings = settings_from(
        {"TRADING_HOME": str(tmp_path), "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/m.db"}, PROJECT
    )
    client = open_client(settings.mlflow_uri)
    experiment = client.create_experiment("red")
    with dg.DagsterInstance.ephemeral() as instance:
        over = red_train.execute_in_process(instance=instance, raise_on_error=False).run_id
        working = instance.create_run_for_job(red_train, status=dg.DagsterRunStatus.STARTED).run_id
        made = {
            name: client.create_run(experiment, tags={"dagster_run": run} if run else {}).info.run_id
            for name, run in {"dead": over, "alive": working, "by hand": "", "forgotten": "x"}.items()
        }

        def statuses():
            return {name: client.get_run(run).info.status for name, run in made.items()}

        def after_failures_of(*jobs: dg.JobDefinition) -> str:
            since = datetime.now(UTC).isoformat()
            for job in jobs:
                job.execute_in_process(instance=instance, raise_on_error=False)
            killed_trainings_sensor(settings)(dg.build_sensor_context(instance, cursor=since))
            return statuses()["dead"]

        assert after_failures_of(red_daily) == "RUNNING"
        # Behind other failures too: Dagster's own sensor for them looked at one a minute.
        assert after_failures_of(red_daily, red_train, red_daily) == "KILLED"
        assert [statuses()[name] for name in ("alive", "by hand", "forgotten")] == ["RUNNING"] * 3
