"""What Dagster's storage says: schedules, sensors, runs, daemon and workers, and every team's chain."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from my_dagster_project.foundation.dagster_private import get_latest_completed_cron_tick
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.people.status.automation import Automation
from my_dagster_project.people.status.daemons import daemon
from my_dagster_project.people.status.last_runs import in_progress, last_runs, queue
from my_dagster_project.people.status.page import Check, RunStatus, ScheduleStatus
from my_dagster_project.people.status.symbol_chains import ChainReader, Expected, TeamChain
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline.partitions import last_session, replay_sessions
from my_dagster_project.teams.platform import Platform

# From a tick to a predicted session: queue, start, 50 symbols. Before that a missing session is no news.
_GRACE = timedelta(minutes=15)


@dataclass(frozen=True)
class TeamState:
    """What it says about one team."""

    schedules: tuple[ScheduleStatus, ...]
    runs: tuple[RunStatus, ...]
    chain: TeamChain


@dataclass(frozen=True)
class DagsterState:
    """What it says at one moment."""

    services: tuple[Check, ...]
    schedules: tuple[ScheduleStatus, ...]
    sensors: tuple[Check, ...]
    runs: tuple[RunStatus, ...]
    teams: Mapping[str, TeamState]


def read_state(
    platform: Platform,
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    chains: ChainReader,
    settings: Settings,
    now: datetime,
) -> DagsterState:
    """Read everything; `now` is an aware instant. Raises whatever the storage raises."""
    automation = Automation(instance)
    schedules = automation.schedules(_resolved(definitions), now)
    teams = {
        team: _team(platform, instance, automation, schedules, chains, team, now) for team in platform.teams
    }
    owned = {job for team in platform.teams for job in team_jobs(team)}
    needed = settings.dagit_is_named or any(schedule.running for schedule in schedules)
    return DagsterState(
        services=(daemon(instance, needed=needed), queue(instance, now)),
        schedules=tuple(one for one in schedules if one.job not in owned),
        sensors=automation.sensors(definitions.sensors or ()) if needed else (),
        runs=last_runs(instance, [one.job for one in schedules if one.job not in owned]),
        teams=teams,
    )


def _resolved(definitions: dg.Definitions) -> list[dg.ScheduleDefinition]:
    return [
        schedule for schedule in definitions.schedules or () if isinstance(schedule, dg.ScheduleDefinition)
    ]


def _team(
    platform: Platform,
    instance: dg.DagsterInstance,
    automation: Automation,
    schedules: tuple[ScheduleStatus, ...],
    chains: ChainReader,
    team: str,
    now: datetime,
) -> TeamState:
    jobs = team_jobs(team)
    own = tuple(schedule for schedule in schedules if schedule.job in jobs)
    runs = last_runs(instance, jobs)
    daily = next((schedule for schedule in own if schedule.job == chain.maker("predictions").of(team)), None)
    # Fills are settled after the predictions: a settling that waits is no reason why a session is not predicted.
    after = {row.of(team) for row in chain.jobs_of_teams() if chain.orders_of(row)}
    busy = in_progress(run for run in runs if run.job not in after)
    newest = None if busy or daily is None else _newest_due(platform, automation, daily, now)
    expected = Expected(tuple(replay_sessions(platform)), newest)
    return TeamState(own, runs, chains.team(team, platform.teams[team].symbols, expected, busy=busy))


def team_jobs(team: str) -> list[str]:
    """The names of a team's jobs."""
    return [row.of(team) for row in chain.jobs_of_teams()]


def _newest_due(
    platform: Platform, automation: Automation, daily: ScheduleStatus, now: datetime
) -> date | None:
    """The session that the daily schedule's newest tick was about; None when it did not run then, or the source has ended."""
    since = automation.running_since(daily.name)
    if since is None or platform.registry.market.end is not None:
        return None
    zone = str(platform.calendar.time_zone)
    tick = get_latest_completed_cron_tick(daily.cron, now - _GRACE, zone).astimezone(UTC)
    if tick < since:
        return None
    session = last_session(platform, tick)
    same_day = session == tick.astimezone(platform.calendar.time_zone).date()
    # Asked for on its own day the schedule skips it (pipeline/schedules.py).
    due = platform.calendar.previous_session(session) if same_day else session
    return due if due >= platform.registry.competition.start else None
