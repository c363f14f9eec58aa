"""What watches: team files that changed on their branches, and versions that are stored but not yet committed."""

import json
from collections.abc import Sequence

import dagster as dg

from my_dagster_project.foundation.dagster_private import UnresolvedAssetJobDefinition
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.history.commits import NotAllCommittedError
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets.team_file import evaluation
from my_dagster_project.pipeline.lived import LATER, session_is_open
from my_dagster_project.pipeline.recording import record_versions
from my_dagster_project.pipeline.reloading import reload_location
from my_dagster_project.pipeline.syncing import RemotePoll, sync_branches
from my_dagster_project.pipeline.trainings import due_trainings, fingerprints
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.sources import read_sources

_FILES_SECONDS = 10
_VERSIONS_SECONDS = 30


def team_files_sensor(
    platform: Platform, settings: Settings, jobs: Sequence[UnresolvedAssetJobDefinition]
) -> dg.SensorDefinition:
    """Reloads the graph when a team's file, the registry or the defaults changed, then trains what the change affects.

    What counts is their content: the platform's own commits to the branches change nothing and trigger nothing.
    """
    names = {chain.maker("model").of(team) for team in platform.teams} | {chain.maker("bars").of()}
    requested = [job for job in jobs if job.name in names]
    poll = RemotePoll(settings.git_poll_seconds, slack=_FILES_SECONDS / 2)

    @dg.sensor(
        name="team_files",
        minimum_interval_seconds=_FILES_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        jobs=requested or None,
        description="Watches configs/ on the teams' branches.",
    )
    def watch(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        try:
            warnings = poll(lambda: sync_branches(platform.registry, settings))
            now = read_sources(settings.project, settings.config_mode)
            if now.digest != platform.read:
                # Reloaded with a broken registry or defaults.yaml, the location would be gone, its sensors included.
                load_platform(now)
        except TradingError as error:
            return dg.SensorResult(skip_reason=str(error))
        for warning in warnings:
            context.log.warning(warning)
        if now.digest != platform.read and platform.in_lapse and session_is_open(settings):
            return dg.SensorResult(skip_reason=LATER)
        if now.digest != platform.read:
            return dg.SensorResult(skip_reason=reload_location(settings.dagit_url))
        return _after_change(platform, context)

    return watch


def _after_change(platform: Platform, context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """The loaded graph is the newest one: tell the teams whether their file is valid, train what is new since the cursor."""
    known = json.loads(context.cursor) if context.cursor else None
    told = {team: platform.problems.get(team, "") for team in platform.registry.teams}
    events = [
        evaluation(platform, team)
        for team, problem in told.items()
        if known is None or known["told"].get(team) != problem
    ]
    # The first look only takes note: a fresh deployment is trained by its schedules, or by the job `round`.
    before = known["models"] if known else fingerprints(platform)
    requests, models = due_trainings(platform, context.instance, before)
    state = {"models": models, "told": told}
    reason = None if requests or events else "No team file has changed."
    return dg.SensorResult(
        run_requests=requests, asset_events=events, cursor=json.dumps(state), skip_reason=reason
    )


def versions_sensor(platform: Platform, settings: Settings) -> dg.SensorDefinition:
    """Commits the pointers of everything that is stored and not yet committed: after a crash, after a click in Dagit."""

    @dg.sensor(
        name="record_versions",
        minimum_interval_seconds=_VERSIONS_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Commits .dvc pointers to the teams' branches for whatever is stored and not yet committed.",
    )
    def record(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        assets = open_assets(settings.store_url, settings.dvc_url)
        problem = ""
        try:
            committed = record_versions(platform, settings, assets)
        except NotAllCommittedError as error:
            committed, problem = error.committed, str(error)
            context.log.warning(problem)
        for warning in (said for one in committed for said in one.warnings):
            context.log.warning(warning)
        # Pushed at once: the remote may be asked for pushes of others seldom, and a team pulls its versions from there.
        for warning in sync_branches(platform.registry, settings) if committed else []:
            context.log.warning(warning)
        made = [f"{one.branch}: {one.sha[:10]}, {len(one.assets)} assets" for one in committed]
        return dg.SkipReason(
            "\n".join(filter(None, ("; ".join(made), problem))) or "Everything stored is committed."
        )

    return record
