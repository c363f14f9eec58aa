"""When things happen: each team's own cron, in the exchange's time zone, always about the last closed session."""

from collections.abc import Callable

import dagster as dg

from my_dagster_project.foundation.settings import Settings
from my_dagster_project.pipeline.dagster_records import schedule_name
from my_dagster_project.pipeline.jobs import (
    LEADERBOARD_JOB,
    MARKET_JOB,
    daily_job_name,
    settle_job_name,
    trade_job_name,
    train_job_name,
)
from my_dagster_project.pipeline.maintenance import MAINTENANCE_JOB
from my_dagster_project.pipeline.sessions import Answer, daily_request, settle_request, trade_request
from my_dagster_project.teams.platform import Platform

# Bars of a session are final some hours after its close; fetched before any team's chain begins.
_MARKET_CRON = "0 5 * * *"
# After the teams' trade times, when their fills are recorded: it scores what is on record.
_LEADERBOARD_CRON = "0 9 * * *"
# Sunday: no session closes, Saturday's trainings are over.
_MAINTENANCE_CRON = "0 3 * * 0"

type Request = Callable[[Platform, str, dg.ScheduleEvaluationContext], Answer]


def schedules(platform: Platform, settings: Settings) -> list[dg.ScheduleDefinition]:
    """All schedules: running from the start where the settings say so (the stack), else until somebody starts them in Dagit.

    Of ticks missed while nothing was running Dagster evaluates the newest one of each schedule: bars are fetched, a team
    is trained and the table is made once, and the teams' sessions are asked for as `sessions` says.
    """
    made = [_plain(platform, settings, MAINTENANCE_JOB, _MAINTENANCE_CRON)]
    if not platform.teams:
        # Without a team there are no other jobs, and one schedule without its job keeps the deployment from loading.
        return made
    made += [
        _plain(platform, settings, MARKET_JOB, _MARKET_CRON),
        _plain(platform, settings, LEADERBOARD_JOB, _LEADERBOARD_CRON),
    ]
    for team, config in platform.teams.items():
        times = config.schedule
        made += [
            _plain(platform, settings, train_job_name(team), times.train, team),
            _of_sessions(platform, settings, daily_job_name(team), times.daily, team, daily_request),
            _of_sessions(platform, settings, trade_job_name(team), times.trade, team, trade_request),
            # With the trading of the next session: it is when everybody knows that the bars are there.
            _of_sessions(platform, settings, settle_job_name(team), times.trade, team, settle_request),
        ]
    return made


def _plain(
    platform: Platform, settings: Settings, job: str, cron: str, team: str | None = None
) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=schedule_name(job),
        job_name=job,
        cron_schedule=cron,
        execution_timezone=str(platform.calendar.time_zone),
        default_status=_status(settings),
        tags={"team": team} if team else None,
    )


def _of_sessions(
    platform: Platform, settings: Settings, job: str, cron: str, team: str, request: Request
) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=schedule_name(job),
        job_name=job,
        cron_schedule=cron,
        execution_timezone=str(platform.calendar.time_zone),
        default_status=_status(settings),
        tags={"team": team},
        description="Runs for the last closed session, once; days without a new session are skipped.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return request(platform, team, context)

    return schedule


def _status(settings: Settings) -> dg.DefaultScheduleStatus:
    running = settings.schedules_running
    return dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED
