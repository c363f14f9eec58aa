"""Refit windows as Dagster partitions: the key is the day from which a refit is valid (`domain/windows.py`).

A team that never refits has none: its one model is an asset without partitions, as it always was.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import dagster as dg

from my_dagster_project.domain.windows import CRONS, Refit, window_after, window_of
from my_dagster_project.pipeline.partitions import replay_sessions
from my_dagster_project.teams.platform import Platform


def window_partitions(platform: Platform, team: str) -> dg.TimeWindowPartitionsDefinition | None:
    """A team's windows: from the one that holds the competition's first session to the one that is going on.

    Of a source that has ended to the one that holds its last session. None for a team that never refits.
    """
    refit, end = platform.teams[team].training.refit, platform.registry.market.end
    if refit not in CRONS:
        return None
    first = window_of(refit, platform.registry.competition.start)
    # By the wall clock, like the sessions' partitions: those of a lapse are all there.
    closed = platform.calendar.last_closed(datetime.now(UTC))
    after = None if end is None else window_after(refit, window_of(refit, min(closed, end)))
    return _partitions(refit, first, after, platform.calendar.time_zone)


@cache  # one object for all assets of all teams: they are compared with each other
def _partitions(
    refit: Refit, first: date, after: date | None, zone: ZoneInfo
) -> dg.TimeWindowPartitionsDefinition:
    """With end_offset a window is there from its first day on; nothing is excluded, so it means what it says (dagster 33551)."""
    return dg.TimeWindowPartitionsDefinition(
        cron_schedule=CRONS[refit],
        fmt="%Y-%m-%d",
        timezone=str(zone),
        start=first.isoformat(),
        end=after.isoformat() if after else None,
        end_offset=1,
    )


def windows_holding(definition: dg.TimeWindowPartitionsDefinition, sessions: Iterable[str]) -> list[str]:
    """The windows (ISO, ascending) that hold these sessions (ISO); their refits predict them."""
    zone = ZoneInfo(definition.timezone)
    starts = [datetime.combine(date.fromisoformat(one), time(), tzinfo=zone) for one in sessions]
    return sorted({definition.get_partition_key_for_timestamp(start.timestamp()) for start in starts})


def windows_in_use(platform: Platform, team: str) -> list[str]:
    """The windows (ISO, ascending) whose models an edit of a team's file trains anew; none of a team that never refits.

    Of a replay all it predicts by; otherwise the one in force, for what has predicted already is lived.
    """
    training = platform.teams[team].training
    if not training.refits:
        return []
    if is_lived(platform):
        return [platform.window_in_force(team)]
    return sorted({training.window_of(session) for session in replay_sessions(platform)})


def first_window(platform: Platform, team: str) -> str:
    """The first window (ISO) that a team's models are trained for: of a season its first, of a replay that of its first session."""
    first = platform.registry.competition.start
    if not is_lived(platform):
        first = next(iter(replay_sessions(platform)), first)
    return platform.teams[team].training.window_of(first)


def window_before(platform: Platform, team: str, window: str) -> str:
    """The window (ISO) before one; '' before the first, with which a chain of refits that begin warm begins."""
    before = platform.teams[team].training.window_of(date.fromisoformat(window) - timedelta(days=1))
    return before if window > first_window(platform, team) else ""


def is_lived(platform: Platform) -> bool:
    """Whether sessions are lived one by one, so that refits of windows that have ended stay as they were made."""
    return platform.registry.season is not None or platform.registry.market.end is None
