"""The job `round`: one click, and everything that is due is made, in order, by whoever executes runs.

The job's own run only asks; the sensor `rounds` then queues what is due, step by step, until nothing is left. How far it is
stands in the tags of that run, and is all that is remembered: a round survives whatever dies meanwhile.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from my_dagster_project.foundation.dagster_private import UnresolvedAssetJobDefinition
from my_dagster_project.foundation.errors import SeasonError
from my_dagster_project.foundation.run_at_work import ROUND_TAG
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.pipeline.alarming import NO_ALARM
from my_dagster_project.pipeline.assets.keys import leaderboard_key
from my_dagster_project.pipeline.due import Due, recorded_sessions
from my_dagster_project.pipeline.finished_runs import failed_checks_of
from my_dagster_project.pipeline.lived import (
    begin,
    close_session,
    is_at_work,
    keep_texts,
    lived_step,
    round_of,
)
from my_dagster_project.pipeline.reloading import differs, reload_location
from my_dagster_project.pipeline.run_tags import FIRST_OF_ALL
from my_dagster_project.pipeline.session_step import Asked, Step, session_step
from my_dagster_project.storage.season import SeasonBook
from my_dagster_project.teams.deployment import season_book
from my_dagster_project.teams.platform import Platform

ROUND_JOB = "round"
PROGRESS_TAG, ENDED_TAG = "round_progress", "round_ended"
WELL = "well"
BY = "the sensor rounds"
# The daemon looks every 5 s, and in a lapse whenever nothing of the session is going on any more (`deploy/workers/bells.py`).
_SECONDS, _SECONDS_OF_A_LAPSE = 10, 1
_PATIENCE_SECONDS = 900.0
"""How long a session of a lapse waits for teams, by the wall clock: what takes longer is missed."""
_MOST_RUNS = 10_000


def round_job() -> dg.JobDefinition:
    """The job `round`, which has nothing to be configured."""

    @dg.op(name="ask", description="Nothing is computed here: the sensor `rounds` queues what is due.")
    def ask(context: dg.OpExecutionContext) -> dg.Output[None]:
        how = f"the sensor rounds queues what is due; its runs have the tag {ROUND_TAG}: {context.run_id}"
        return dg.Output(None, metadata={"what happens": how, "progress": f"this run's tag {PROGRESS_TAG}"})

    # Without a team, so that nobody's runs keep it waiting.
    @dg.job(
        name=ROUND_JOB,
        tags={"dagster/priority": str(FIRST_OF_ALL)},
        description="Bring everything up to date: bars, models, predictions, orders in order, fills, leaderboard. "
        "Launch it; what is due is queued for the workers. No account is reset.",
        executor_def=dg.in_process_executor,
    )
    def everything_due() -> None:
        ask()

    return everything_due


def rounds_sensor(platform: Platform, jobs: Sequence[UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    """Takes the round that is going on, if any, a step further."""

    @dg.sensor(
        name="rounds",
        minimum_interval_seconds=_SECONDS_OF_A_LAPSE if platform.in_lapse else _SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        jobs=list(jobs) or None,
        description="Queues what is due after the job round was launched, step by step.",
    )
    def rounds(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        instance = context.instance
        if platform.in_lapse:
            return _lived(context, platform, season_book(load_settings()))
        if platform.registry.season:
            _close_what_is_over(instance, platform, season_book(load_settings()))
        found = round_going_on(instance)
        if found is None:
            return dg.SensorResult(skip_reason="No round is going on; the job round begins one.")
        assert context.repository_def is not None  # noqa: S101 - a sensor of a code location has it
        asked = Asked(runs_of_round(instance, found.run_id))
        due = Due(platform, context.repository_def.asset_graph, instance, load_settings())
        step = session_step(platform, due, recorded_sessions(platform), asked, found.run_id)
        _note(instance, found, step, asked, platform)
        said = "; ".join(step.said) or "nothing is left to do"
        return dg.SensorResult(
            run_requests=list(step.requests), skip_reason=None if step.requests else f"Round: {said}."
        )

    return rounds


def _close_what_is_over(instance: dg.DagsterInstance, platform: Platform, season: SeasonBook) -> None:
    """By the real clock the schedules ask for a session's runs; it is closed at the next open, with what was missed."""
    calendar, state = platform.calendar, season.read()
    while state and calendar.open_at(calendar.next_session(state.session)) <= platform.now():
        state = close_session(season, platform, instance, state, BY)


def _lived(
    context: dg.SensorEvaluationContext, platform: Platform, season: SeasonBook, *, closes: bool = True
) -> dg.SensorResult:
    """A step of the lapse: what its session at work needs next; closed when nothing is left, or when its time is over.

    Then the next one begins in the same tick, where its time has come.

    The registry's line on main is the organiser's word: a lapse begins with the first look at it.
    """
    settings = load_settings()
    try:
        state = season.read() or begin(platform, settings, BY)
    except SeasonError as error:
        return dg.SensorResult(skip_reason=f"No season is lived: {error}.")
    if state.ended:
        return dg.SensorResult(skip_reason="The season has ended.")
    asked = Asked.of_session(runs_of_round(context.instance, round_of(state)))
    waited = datetime.now(UTC) - state.since
    if not (asked.runs or asked.killed):
        early = state.session > state.first and waited.total_seconds() < state.session_every
        if state.paused or early:
            said = "is paused" if state.paused else f"has a session every {state.session_every:g} s"
            return dg.SensorResult(skip_reason=f"The season {said}; session {state.session} comes next.")
        if not is_at_work(state, settings) and differs(platform, settings):
            return dg.SensorResult(
                skip_reason=f"Session {state.session} waits for the team files that changed: {reload_location(settings.dagit_url)}"
            )
    assert context.repository_def is not None  # noqa: S101 - a sensor of a code location has it
    keep_texts(state, platform, settings)
    due = Due(platform, context.repository_def.asset_graph, context.instance, settings)
    step = lived_step(platform, due, state, asked)
    if closes and (step.ended or waited.total_seconds() > state.session_every + _PATIENCE_SECONDS):
        lacking = close_session(season, platform, context.instance, state, BY).missed_of(state.session)
        return _and_then(
            f"Session {state.session} is closed; missed: {lacking or 'nothing'}.",
            _lived(context, platform, season, closes=False),
        )
    said = "; ".join(step.said)
    return dg.SensorResult(
        run_requests=list(step.requests),
        skip_reason=None if step.requests else f"Session {state.session}: {said}.",
    )


def _and_then(said: str, after: dg.SensorResult) -> dg.SensorResult:
    """What is asked for next, in the same tick; where that is nothing, both in words."""
    if after.run_requests:
        return after
    reason = after.skip_reason.skip_message if after.skip_reason else ""
    return dg.SensorResult(skip_reason=f"{said} {reason}")


def round_going_on(instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    """The run that asked for the round that is going on; the newest one counts."""
    newest = instance.get_runs(dg.RunsFilter(job_name=ROUND_JOB), limit=1)
    begun = [run for run in newest if run.is_success and ENDED_TAG not in run.tags]
    return begun[0] if begun else None


def runs_of_round(instance: dg.DagsterInstance, round_id: str) -> list[dg.DagsterRun]:
    """The runs that a round has queued so far, the newest first."""
    return list(instance.get_runs(dg.RunsFilter(tags={ROUND_TAG: round_id}), limit=_MOST_RUNS))


def _note(
    instance: dg.DagsterInstance, found: dg.DagsterRun, step: Step, asked: Asked, platform: Platform
) -> None:
    failed = [run for run in asked.runs if run in asked.failed(run.job_name)]
    counted = f"{len(asked.runs)} runs" + (f", {len(failed)} failed" if failed else "")
    told = {PROGRESS_TAG: "; ".join((*step.said, counted))}
    if step.ended:
        runs = [f"{len(failed)} failed run{'s' if len(failed) > 1 else ''}"] if failed else []
        doubts = [*runs, *_doubts(instance, asked, platform)]
        told[ENDED_TAG] = f"with {'; '.join(doubts)}" if doubts else WELL
    if any(found.tags.get(name) != text for name, text in told.items()):
        instance.add_run_tags(found.run_id, told)


def _doubts(instance: dg.DagsterInstance, asked: Asked, platform: Platform) -> Iterator[str]:
    """What is not well although every run succeeded; the same that lets `trading run` end with 1."""
    for team in platform.problems:
        yield f"a mistake in the file of {team}, whose last valid one is in force"
    alarm = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(leaderboard_key(), NO_ALARM))
    if alarm and alarm.evaluation and not alarm.evaluation.passed:
        for team, said in alarm.evaluation.metadata.items():
            yield f"an open alarm of {team}: {said.value}"
    for run in asked.runs:
        yield from failed_checks_of(instance, run.run_id)
