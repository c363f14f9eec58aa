"""After a run that failed: what it left RUNNING in MLflow is ended there, too. A killed worker ends nothing itself."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from my_dagster_project.foundation.settings import Settings
from my_dagster_project.models.unended import end_killed_runs
from my_dagster_project.pipeline.training_budget import trains

_SECONDS = 60
_OVERLAP = timedelta(seconds=_SECONDS)
_OVER = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def killed_trainings_sensor(settings: Settings) -> dg.SensorDefinition:
    """Looks at MLflow after a training has failed; what one look misses (MLflow was away) the next one ends.

    A plain sensor: Dagster's own for failures stops a tick at the first run that it has something to say of, and a training
    behind ten other failures waited ten minutes.
    """

    @dg.sensor(
        name="killed_trainings",
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends as KILLED what a killed training left RUNNING in MLflow.",
    )
    def end(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        instance, now = context.instance, datetime.now(UTC)
        since = _seen(context.cursor)
        filters = dg.RunsFilter(statuses=_OVER, updated_after=since)
        cursor = (now - _OVERLAP).isoformat()
        if since and not any(map(trains, instance.get_runs(filters))):
            return dg.SensorResult(skip_reason="No training has failed.", cursor=cursor)

        def is_over(run_id: str) -> bool:
            run = instance.get_run_by_id(run_id)
            return run is not None and run.is_finished

        ended = end_killed_runs(settings.mlflow_uri, is_over)
        said = f"Ended in MLflow: {', '.join(ended) or 'nothing was left'}."
        return dg.SensorResult(skip_reason=said, cursor=cursor)

    return end


def _seen(cursor: str | None) -> datetime | None:
    """Up to when failures have been looked at; None at the first look, and after an earlier release's."""
    try:
        return datetime.fromisoformat(cursor or "")
    except ValueError:
        return None
