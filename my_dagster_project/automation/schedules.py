"""When things happen: each team's own cron, in the exchange's time zone, always about the last closed session."""

from datetime import UTC

import dagster as dg

from my_dagster_project.automation.jobs import (
    LEADERBOARD_JOB,
    MARKET_JOB,
    daily_job_name,
    trade_job_name,
    train_job_name,
)
from my_dagster_project.automation.partitions import last_session
from my_dagster_project.teams.platform import Platform

# Bars of a session are final some hours after its close; fetched before any team's chain begins.
_MARKET_CRON = "0 5 * * *"
_LEADERBOARD_CRON = "0 7 * * *"


def schedules(platform: Platform) -> list[dg.ScheduleDefinition]:
    """All schedules, stopped until somebody starts them in Dagit."""
    if not platform.teams:
        # Without a team there are no jobs, and one schedule without its job keeps the whole deployment from loading.
        return []
    zone = str(platform.calendar.time_zone)
    made = [
        dg.ScheduleDefinition(job_name=MARKET_JOB, cron_schedule=_MARKET_CRON, execution_timezone=zone),
        dg.ScheduleDefinition(
            job_name=LEADERBOARD_JOB, cron_schedule=_LEADERBOARD_CRON, execution_timezone=zone
        ),
    ]
    for team, config in platform.teams.items():
        train = train_job_name(team)
        made += [
            dg.ScheduleDefinition(
                job_name=train,
                cron_schedule=config.schedule.train,
                execution_timezone=zone,
                tags={"team": team},
            ),
            _session_schedule(platform, daily_job_name(team), config.schedule.daily, team),
            _session_schedule(platform, trade_job_name(team), config.schedule.trade, team),
        ]
    return made


def _session_schedule(platform: Platform, job: str, cron: str, team: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{job}_schedule",
        job_name=job,
        cron_schedule=cron,
        execution_timezone=str(platform.calendar.time_zone),
        tags={"team": team},
        description="Runs for the last closed session, once; days without a new session are skipped.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return request_for_last_session(platform, job, context)

    return schedule


def request_for_last_session(
    platform: Platform, job: str, context: dg.ScheduleEvaluationContext
) -> dg.RunRequest | dg.SkipReason:
    """A run for the last session closed at the tick, or why there is none.

    The run key is job and session: the ticks of a weekend or a holiday ask for Friday's session again, and Dagster drops
    them.
    """
    end = platform.registry.market.end
    now = context.scheduled_execution_time.astimezone(UTC)
    session = last_session(platform.calendar, end, now)
    if end is not None and platform.calendar.last_closed(now) > end:
        return dg.SkipReason(
            f"The market data of source {platform.registry.market.source} ended on {end}; "
            "use `make run`, or set a live source in configs/teams.yaml."
        )
    if session == now.astimezone(platform.calendar.time_zone).date():
        # Asked for a partition that does not exist yet, Dagster fails the tick with nothing but the key.
        return dg.SkipReason(
            f"Session {session} closed today and can be asked for from midnight on ({platform.calendar.time_zone}); "
            "let the cron tick after midnight and before the open."
        )
    return dg.RunRequest(run_key=f"{job}:{session}", partition_key=session.isoformat())
