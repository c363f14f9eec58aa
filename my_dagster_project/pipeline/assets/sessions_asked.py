"""Which sessions a step is asked for, and whether it may make them: by the exchange's clock, not by the partitions there are.

All sessions of a lapse are partitions from the beginning, and Dagit offers each of them: so every step of sessions gets its
own from here. In a season what is decided after a close is decided before the next open, once: afterwards it is *lived*.
"""

from datetime import date, datetime

import dagster as dg

from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.pipeline.assets.keys import is_decision
from my_dagster_project.pipeline.partitions import last_session, session_of
from my_dagster_project.teams.deployment import season_book
from my_dagster_project.teams.platform import Platform


def sessions_asked(context: dg.AssetExecutionContext, platform: Platform) -> list[date]:
    """The sessions of this step, ascending; raises dg.Failure, with nothing made, for one that cannot be made now (any more)."""
    sessions = [session_of(one) for one in _partitions_asked(context, "session", "2012-12-03")]
    now = platform.now()
    _require_closed(sessions[-1], last_session(platform, now), now)
    if platform.registry.season and is_decision(context.asset_key):
        _require_begun(platform)
        require_in_time(platform, sessions)
        _require_new(context, sessions)
    return sessions


def _require_begun(platform: Platform) -> None:
    """A registry may say `season` while its organiser still looks at it; a lapse that was not begun stands before its start."""
    if not platform.in_lapse and season_book(load_settings()).read() is None:
        raise _refused(
            "the season was not begun, so nothing is decided yet; its organiser begins it: trading season start"
        )


def require_in_time(platform: Platform, sessions: list[date]) -> None:
    """Raise dg.Failure where the first of these sessions is over in a season: asked again before what took long is stored."""
    if late := over(platform, sessions[0]):
        raise _refused(late)


def over(platform: Platform, session: date) -> str:
    """Why nothing is decided about a session any more; '' while it can be, and in a replay, which makes up the past."""
    if not platform.registry.season:
        return ""
    opened = platform.calendar.open_at(platform.calendar.next_session(session))
    if platform.now() < opened:
        return ""
    return (
        f"session {session} is over: the exchange opened at {opened:%Y-%m-%d %H:%M} UTC. What a season missed stays missed, "
        "and is neither predicted nor traded later"
    )


def windows_asked(context: dg.AssetExecutionContext, platform: Platform, team: str) -> list[str]:
    """The refit windows of this step (ISO, ascending), '' for the one model of a team that never refits.

    Raises dg.Failure, with nothing made, for one that has not begun, and in a season for one that has ended and has its refit:
    it has predicted, and stays.
    """
    if not platform.teams[team].training.refits:
        return [""]
    windows = _partitions_asked(context, "refit window", "2012-12-01")
    now = platform.window_in_force(team)
    if windows[-1] > now:
        raise _refused(f"window {windows[-1]} has not begun: the exchange's clock is in the one from {now}")
    there = context.instance.get_materialized_partitions(context.asset_key)
    if platform.registry.season and (ended := [one for one in windows if one < now and one in there]):
        raise _refused(
            f"{context.asset_key.to_user_string()} of window {ended[0]} is on record, and the window has ended: a season keeps what"
            " predicted it. An edit counts from the next session on"
        )
    return windows


def _partitions_asked(context: dg.AssetExecutionContext, one: str, like: str) -> list[str]:
    """Those of the run, ascending; raises dg.Failure for a run that was launched, by its API or its tags, without any."""
    if not (context.has_partition_key or context.has_partition_key_range):
        raise _refused(
            f"{context.job_name} is asked for a {one}, and this run names none: its partition is one like {like}"
        )
    if keys := sorted(context.partition_keys):
        return keys
    asked = context.partition_key_range
    raise _refused(f"from {asked.start} to {asked.end} there is no {one}: the first comes before the last")


def _require_closed(session: date, last: date, now: datetime) -> None:
    if session > last:
        raise _refused(
            f"session {session} has not closed: the exchange's clock stands at {now:%Y-%m-%d %H:%M} UTC, and {last} is the last "
            "session that can be asked for"
        )


def _require_new(context: dg.AssetExecutionContext, sessions: list[date]) -> None:
    there = context.instance.get_materialized_partitions(context.asset_key)
    lived = [str(session) for session in sessions if str(session) in there]
    if lived:
        raise _refused(
            f"{context.asset_key.to_user_string()} of session {lived[0]} is on record, and a season writes what was decided "
            "once. An edit counts from the next session on"
        )


def _refused(said: str) -> dg.Failure:
    return dg.Failure(f"{said}. Nothing was made.", allow_retries=False)
