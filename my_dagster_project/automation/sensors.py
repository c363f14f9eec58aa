"""What watches: versions that a crash, or a click in Dagit, left without a commit."""

import dagster as dg

from my_dagster_project.automation.versions import record_versions
from my_dagster_project.errors import VersioningError
from my_dagster_project.resources import open_assets
from my_dagster_project.settings import Settings
from my_dagster_project.teams.platform import Platform


def versions_sensor(platform: Platform, settings: Settings) -> dg.SensorDefinition:
    """Commits the pointers of everything finished runs have stored, one commit per branch and sweep."""

    @dg.sensor(
        name="record_versions",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Commits .dvc pointers to the teams' branches for whatever is stored and not yet committed.",
    )
    def record(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        assets = open_assets(settings.store_url, settings.dvc_url)
        if not assets.pending.owners():
            return dg.SkipReason("Everything stored is committed.")
        try:
            committed = record_versions(platform, settings, assets)
        except VersioningError as error:
            return dg.SkipReason(str(error))
        return dg.SkipReason(
            "; ".join(f"{one.branch}: {one.sha[:10]}, {len(one.assets)} assets" for one in committed)
        )

    return record
