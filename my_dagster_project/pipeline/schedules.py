"""When things happen: the cron of each job's row, in the exchange's time zone, always about the last closed session."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from my_dagster_project.foundation.settings import Settings
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.assets.stamp import owners_of
from my_dagster_project.pipeline.chain import Job
from my_dagster_project.pipeline.dagster_records import schedule_name
from my_dagster_project.pipeline.refit_ticks import training_request
from my_dagster_project.pipeline.sessions import Answer, request_of
from my_dagster_project.teams.platform import Platform

_LAPSE = (
    "A lapse is lived here, whose sessions do not follow the wall clock: the season's driver asks for each, `trading season "
    "status` says how far it is."
)


def schedules(platform: Platform, settings: Settings) -> list[dg.ScheduleDefinition]:
    """All schedules: running from the start where the settings say so (the stack), else until somebody starts them in Dagit.

    Of ticks missed while nothing was running Dagster evaluates the newest one of each schedule: bars are fetched, a team
    is trained and the table is made once, and the teams' sessions are asked for as `sessions` says.
    """
    # Without a team the other jobs are not there, and one schedule without its job keeps the deployment from loading.
    rows = [row for row in chain.JOBS if platform.teams or not chain.stages_of(row.purpose)]
    of_all = [_schedule(platform, settings, row) for row in rows if not row.of_team]
    of_teams = [
        _schedule(platform, settings, row, team) for team in platform.teams for row in rows if row.of_team
    ]
    return [*of_all, *of_teams]


def _schedule(platform: Platform, settings: Settings, row: Job, team: str = "") -> dg.ScheduleDefinition:
    if platform.in_lapse and chain.stages_of(row.purpose):
        return _asking(platform, settings, row, team, _LAPSE, lambda *_: dg.SkipReason(_LAPSE))
    if row.sessions:
        says = "Runs for the last closed session, once; days without a new session are skipped."
        return _asking(platform, settings, row, team, says, request_of)
    if team and chain.has_windows(row):
        says = "Trains the models that are missing or edited, of refits those of the window in force; with none the tick is skipped."
        return _asking(platform, settings, row, team, says, training_request)
    return dg.ScheduleDefinition(job_name=row.of(team), **_common(platform, settings, row, team))


def _asking(
    platform: Platform,
    settings: Settings,
    row: Job,
    team: str,
    says: str,
    answer: Callable[[Job, Platform, str, dg.ScheduleEvaluationContext], Answer],
) -> dg.ScheduleDefinition:
    """A schedule whose ticks ask what is to be run, if anything."""

    @dg.schedule(job_name=row.of(team), description=says, **_common(platform, settings, row, team))
    def schedule(context: dg.ScheduleEvaluationContext) -> Answer:
        return answer(row, platform, team, context)

    return schedule


def _common(platform: Platform, settings: Settings, row: Job, team: str) -> dict[str, Any]:
    return {
        "name": schedule_name(row.of(team)),
        "cron_schedule": getattr(platform.teams[team].schedule, row.cron) if team else row.cron,
        "execution_timezone": str(platform.calendar.time_zone),
        "default_status": _status(settings),
        "tags": {"team": team} if team else None,
        "owners": owners_of(platform, team),
    }


def _status(settings: Settings) -> dg.DefaultScheduleStatus:
    running = settings.schedules_running
    return dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED
