"""After a run that failed: what it left RUNNING in MLflow is ended there, too. A killed worker ends nothing itself."""

import dagster as dg

from my_dagster_project.foundation.settings import Settings
from my_dagster_project.models.unended import end_killed_runs
from my_dagster_project.pipeline.training_budget import trains

_SECONDS = 60


def killed_trainings_sensor(settings: Settings) -> dg.SensorDefinition:
    """Looks at MLflow after a training has failed; what one look misses (MLflow was away) the next one ends."""

    @dg.run_failure_sensor(
        name="killed_trainings",
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends as KILLED what a killed training left RUNNING in MLflow.",
    )
    def end(context: dg.RunFailureSensorContext) -> dg.SkipReason:
        if not trains(context.dagster_run):
            return dg.SkipReason("No training.")
        instance = context.instance

        def is_over(run_id: str) -> bool:
            run = instance.get_run_by_id(run_id)
            return run is not None and run.is_finished

        ended = end_killed_runs(settings.mlflow_uri, is_over)
        return dg.SkipReason(f"Ended in MLflow: {', '.join(ended) or 'nothing was left'}.")

    return end
