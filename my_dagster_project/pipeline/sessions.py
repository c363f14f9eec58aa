"""Which session a tick is about, and whether its run can begin: asks once per session, waits for what is still being made.

Dagster evaluates only the newest tick that was missed (1.13, `no partition set, so not trying to catch up`), and drops no
run of a schedule for its run key, which counts within one tick only: a weekend's three ticks made three runs of Friday. So
what was asked for is looked up in the runs, and gaps are closed here. Waiting is an error of the tick (NotYetError), which
Dagster's `max_tick_retries` evaluates again every minute until the next tick.
"""

from datetime import UTC, date

import dagster as dg

from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.dagster_private import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    get_current_datetime,
)
from my_dagster_project.foundation.errors import NotYetError
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline import dagster_records as known
from my_dagster_project.pipeline.chain import Job
from my_dagster_project.pipeline.partitions import last_session
from my_dagster_project.teams.platform import Platform

MISSED_TAG = "missed_sessions"
LACKING_TAG = "without_predictions"

type Answer = dg.RunRequest | dg.SkipReason


def request_of(row: Job, platform: Platform, team: str, context: dg.ScheduleEvaluationContext) -> Answer:
    """What a tick of a team's job that runs for sessions asks for, or why nothing; raises NotYetError to be asked again."""
    if row.one_by_one:
        return _trading(row, platform, team, context)
    return (_settling if chain.orders_of(row) else _predicting)(row, platform, team, context)


def _predicting(row: Job, platform: Platform, team: str, context: dg.ScheduleEvaluationContext) -> Answer:
    """A run for the last session closed at the tick, with the sessions missed before it, or why there is none.

    Raises NotYetError while no symbol has bars of the session, or while they are being fetched. A symbol that alone has
    none does not keep the others waiting: its own steps fail and say so.
    """
    job, instance, market = row.of(team), context.instance, chain.maker("bars").of()
    due = _decidable(platform, job, context)
    if isinstance(due, dg.SkipReason):
        return due
    session, missed = due
    symbols = platform.teams[team].symbols
    fetching = known.unfinished(instance, market)
    ready = known.symbols_with_bars(instance, symbols, session)
    if len(ready) < len(symbols) and (fetching or not ready):
        doing = f"run {fetching[:8]} is fetching them" if fetching else f"run {market} if it has failed"
        lacking = ", ".join(symbol for symbol in symbols if symbol not in ready)
        raise NotYetError(f"{job} waits for the bars of {session} of {lacking}: {doing}.")
    # What a season missed stays missed (`sessions_asked`).
    if (
        missed
        and platform.registry.competition.missed_sessions == "catch_up"
        and not platform.registry.season
    ):
        # A range of sessions is one run: one vectorised pass instead of a process per day.
        return dg.RunRequest(
            run_key=known.run_key(job, session),
            tags={
                ASSET_PARTITION_RANGE_START_TAG: missed[0].isoformat(),
                ASSET_PARTITION_RANGE_END_TAG: session.isoformat(),
            },
        )
    return _request(job, session, missed)


def _trading(row: Job, platform: Platform, team: str, context: dg.ScheduleEvaluationContext) -> Answer:
    """A run that places the orders of the last closed session before the next open, or why there is none.

    Never late: what was missed, or is not predicted at the open, is reported and stays untraded. Raises NotYetError while
    predictions are being made or there are none. Which symbols lack one is said in the run's tag and in its plan.
    """
    job, instance, before = row.of(team), context.instance, chain.maker("predictions").of(team)
    due = _decidable(platform, job, context)
    if isinstance(due, dg.SkipReason):
        return due
    session, missed = due
    symbols = platform.teams[team].symbols
    ready = known.symbols_with_predictions(instance, team, symbols, session)
    opens = platform.calendar.open_at(platform.calendar.next_session(session))
    if get_current_datetime() >= opens:
        untraded = _span([*missed, session])
        local = opens.astimezone(platform.calendar.time_zone)
        because = "the predictions came too late" if not ready else "this tick came too late"
        return dg.SkipReason(
            f"Orders of {untraded} are not placed: the exchange opened at {local:%Y-%m-%d %H:%M} and {because}."
        )
    predicting = known.unfinished(instance, before)
    if predicting or not ready:
        doing = f"run {predicting[:8]} is making them" if predicting else f"run {before} if it has failed"
        raise NotYetError(f"{job} waits for predictions of {session} until the open: {doing}.")
    lacking = [symbol for symbol in symbols if symbol not in ready]
    return _request(job, session, missed, {LACKING_TAG: ", ".join(lacking)} if lacking else {})


def _settling(row: Job, platform: Platform, team: str, context: dg.ScheduleEvaluationContext) -> Answer:
    """A run that records what became of the orders that filled in the last closed session, with those missed before.

    The orders are those of the session before it. Raises NotYetError while no symbol has bars of the last session: the
    bundled broker knows no fills before.
    """
    job = row.of(team)
    due = _due(platform, job, context)
    if isinstance(due, dg.SkipReason):
        return due
    session, missed = due
    if not known.symbols_with_bars(context.instance, platform.teams[team].symbols, session):
        raise NotYetError(f"{job} waits for the bars of {session}, in which the orders filled.")
    before = platform.calendar.previous_session
    first, last = before(missed[0] if missed else session), before(session)
    first = max(first, platform.registry.competition.start)
    if last < first:
        return dg.SkipReason(f"The competition begins with session {first}; its first orders fill after it.")
    tags = {ASSET_PARTITION_RANGE_START_TAG: str(first), ASSET_PARTITION_RANGE_END_TAG: str(last)}
    if first == last:
        return dg.RunRequest(run_key=known.run_key(job, session), partition_key=str(last))
    return dg.RunRequest(run_key=known.run_key(job, session), tags=tags)


def _decidable(
    platform: Platform, job: str, context: dg.ScheduleEvaluationContext
) -> tuple[date, list[date]] | dg.SkipReason:
    """As `_due`, without the last session of a source that has ended: it has no partition, for nothing decided after it
    could fill or be scored."""
    due = _due(platform, job, context)
    market = platform.registry.market
    if not isinstance(due, dg.SkipReason) and due[0] == market.end:
        return dg.SkipReason(
            f"Session {due[0]} is the last of source {market.source}: no session after it can be scored."
        )
    return due


def source_has_ended(platform: Platform, context: dg.ScheduleEvaluationContext) -> dg.SkipReason | None:
    """Why a tick has nothing to ask for, where its time lies after all that the market's source holds; None where it does not."""
    end, now = platform.registry.market.end, context.scheduled_execution_time.astimezone(UTC)
    if end is None or platform.calendar.last_closed(now) <= end:
        return None
    return dg.SkipReason(
        f"The market data of source {platform.registry.market.source} ended on {end}; "
        f"{everything_due()} trades what it holds; or set a live source in configs/teams.yaml."
    )


def _due(
    platform: Platform, job: str, context: dg.ScheduleEvaluationContext
) -> tuple[date, list[date]] | dg.SkipReason:
    """The last session closed at the tick and those never asked for before it, unless there is nothing new to ask for."""
    if ended := source_has_ended(platform, context):
        return ended
    now = context.scheduled_execution_time.astimezone(UTC)
    session = last_session(platform, now)
    if session < platform.registry.competition.start:
        return dg.SkipReason(f"The competition begins with session {platform.registry.competition.start}.")
    if session == now.astimezone(platform.calendar.time_zone).date():
        # Asked for a partition that does not exist yet, Dagster fails the tick with nothing but the key.
        return dg.SkipReason(
            f"Session {session} closed today and can be asked for from midnight on ({platform.calendar.time_zone}); "
            "let the cron tick after midnight and before the open."
        )
    asked = known.last_asked(context.instance, job)
    if asked and asked.session >= session:
        return dg.SkipReason(
            f"Nothing new: session {asked.session} was asked for already, run {asked.run_id[:8]} ({asked.status})."
        )
    between = platform.calendar.sessions(asked.session, session)[1:-1] if asked else []
    return session, [day for day in between if day >= platform.registry.competition.start]


def _request(
    job: str, session: date, missed: list[date], tags: dict[str, str] | None = None
) -> dg.RunRequest:
    told = {MISSED_TAG: _span(missed)} if missed else {}
    return dg.RunRequest(
        run_key=known.run_key(job, session), partition_key=session.isoformat(), tags={**told, **(tags or {})}
    )


def _span(sessions: list[date]) -> str:
    return str(sessions[0]) if len(sessions) == 1 else f"{sessions[0]}..{sessions[-1]}"
