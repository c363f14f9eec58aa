"""The weekly maintenance: a job for what any worker can reach, then a sensor where the repository is.

A worker has no clone of the teams' repository, and without it nobody can say which contents a version still needs. The
control plane has one: that is where `record_versions` commits, and where this sensor follows the job.
"""

from typing import Any

import dagster as dg

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.operations.upkeep import Upkeep
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.retries import explained, network_retries
from my_dagster_project.storage.names import COMPETITION
from my_dagster_project.teams.platform import Platform

_ROW = chain.job("maintenance")


class Deleting(dg.Config):
    """Whether to delete, or only to say what would be."""

    delete: bool = True


def maintenance_job(platform: Platform, settings: Settings) -> dg.JobDefinition:
    """The job `maintenance`: old runs and events in Dagster, old experiments in MLflow."""

    @dg.op(description="Forget old runs, never the latest result of an asset or session.")
    def forget_old_runs(context: dg.OpExecutionContext, config: Deleting) -> dg.Output[None]:
        upkeep = Upkeep(platform, settings, config.delete)
        return _said(explained(lambda: upkeep.runs(context.instance)))

    @dg.op(
        description="Forget old MLflow runs, never those of current models.", retry_policy=network_retries()
    )
    def forget_old_experiments(context: dg.OpExecutionContext, config: Deleting) -> dg.Output[None]:
        upkeep = Upkeep(platform, settings, config.delete)
        return _said(explained(lambda: upkeep.experiments(context.instance)))

    @dg.job(
        name=_ROW.of(),
        tags={"team": COMPETITION, "dagster/priority": str(_ROW.priority)},
        description=_ROW.says,
        executor_def=dg.in_process_executor,
    )
    def maintenance() -> None:
        forget_old_runs()
        forget_old_experiments()

    return maintenance


def collection_sensor(platform: Platform, settings: Settings, job: dg.JobDefinition) -> dg.SensorDefinition:
    """After each maintenance: remove unreferenced contents from the DVC remote, let git pack."""

    @dg.run_status_sensor(
        name="collect_versions",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=[job],
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="After the job maintenance: unreferenced contents of the DVC remote, git's loose objects.",
    )
    def collect(context: dg.RunStatusSensorContext) -> dg.SkipReason:
        upkeep = Upkeep(platform, settings, delete=_deleted(context.dagster_run))
        try:
            return dg.SkipReason(f"{upkeep.contents()}; {upkeep.repository()}")
        except TradingError as error:
            return dg.SkipReason(str(error))

    return collect


def _said(text: str) -> dg.Output[None]:
    """The result where Dagit shows it: the instance's log level keeps `context.log.info` out of the event log."""
    return dg.Output(None, metadata={"done": text})


def _deleted(run: dg.DagsterRun) -> bool:
    """A dry run of the job is followed by a dry collection."""
    ops: Any = run.run_config.get("ops", {})
    return all(op.get("config", {}).get("delete", True) for op in ops.values())
