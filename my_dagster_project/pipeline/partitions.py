"""Sessions as Dagster partitions: every trading day of the competition, and no other day."""

from datetime import date, datetime, time, timedelta
from functools import cache

import dagster as dg

from my_dagster_project.foundation.calendar import TradingCalendar
from my_dagster_project.teams.platform import Platform

_WEEKENDS = ("0 0 * * 0", "0 0 * * 6")


@cache  # one object for all assets: they are compared with each other, and a holiday list is years long
def session_partitions(
    calendar: TradingCalendar, start: date, end: date | None = None
) -> dg.DailyPartitionsDefinition:
    """One partition per session from `start`, a session; up to `end` (included) for a source that has ended, else to yesterday.

    Weekends and holidays are exclusions, so Friday's window is one day long (with cron `1-5` it ended on Monday,
    dagster 17464). A session's partition exists once its day is over; no end_offset, which is wrong beside exclusions
    (dagster 33551).
    """
    holidays = calendar.holidays(start, min(end or calendar.last, calendar.last))
    return dg.DailyPartitionsDefinition(
        start_date=start.isoformat(),
        end_date=(end + timedelta(days=1)).isoformat() if end else None,
        timezone=str(calendar.time_zone),
        exclusions=[
            *_WEEKENDS,
            *(datetime.combine(day, time(), tzinfo=calendar.time_zone) for day in holidays),
        ],
    )


def session_of(partition_key: str) -> date:
    """The session a partition key stands for."""
    return date.fromisoformat(partition_key)


def last_session(platform: Platform, now: datetime | None = None) -> date:
    """The newest session whose bar can exist: closed by now (UTC; the exchange's clock), and not after the source's `end`."""
    end, closed = platform.registry.market.end, platform.calendar.last_closed(now or platform.now())
    return min(closed, end) if end else closed


def is_looked_at(platform: Platform) -> bool:
    """Whether what only people look at is made of the newest session: pictures, and what Evidently measures.

    Of a lapse with the last session of each week, and with the last one: there sessions follow each other faster than anybody
    looks, and of 60 of them Evidently alone took minutes.
    """
    session = last_session(platform)
    following = platform.calendar.next_session(session)
    week_ends = session.isocalendar()[:2] != following.isocalendar()[:2]
    return not platform.in_lapse or week_ends or session == platform.registry.market.end


def replay_sessions(platform: Platform) -> list[date]:
    """The sessions after whose close predictions are made: the last ones whose next session has ended too; of a season all.

    So every prediction can be scored, and every order has filled.
    """
    registry = platform.registry
    last = platform.calendar.previous_session(last_session(platform))
    sessions = platform.calendar.sessions(registry.competition.start, last)
    return sessions if registry.season else sessions[-registry.competition.replay_sessions :]
