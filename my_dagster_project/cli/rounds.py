"""`trading round`: registered by commands.py, nothing heavy imported before it runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from my_dagster_project.cli.output import console
from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.errors import SeasonError, TradingError
from my_dagster_project.foundation.pool_settings import pool_is_named

if TYPE_CHECKING:
    import dagster as dg

    from my_dagster_project.foundation.settings import Settings
    from my_dagster_project.teams.platform import Platform

_LOOK_SECONDS = 2.0
LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""


def require_own_process(command: str) -> None:
    """Raise TradingError in the stack, where a container is too small for what workers are there to compute."""
    if pool_is_named():
        raise TradingError(
            f"{command} computes in its own process; here runs are the workers'. {everything_due()} on the server, or the "
            "job round in Dagit, queues everything that is due for them"
        )


def require_replay(settings: Settings, platform: Platform, command: str) -> None:
    """Raise SeasonError where a season is lived: a replay makes the past anew, on fresh accounts."""
    from my_dagster_project.teams.deployment import season_book

    begun = season_book(settings).read()
    if begun is None and platform.registry.season is None:
        return
    what = (
        f"season {begun.name} is lived" if begun else "the registry's section season says that one is lived"
    )
    raise SeasonError(
        f"{command} says what would have happened, on accounts begun afresh, and in {settings.home} {what}: its sessions are "
        "made once, by `trading season`. For a replay take a checkout of its own (or TRADING_HOME) without that section"
    )


def round_(
    follow: Annotated[bool, typer.Option("--follow/--no-follow", help="Stay and say how far it is.")] = True,
) -> None:
    """Queue everything that is due for whoever executes runs, in order, and say how far it is; no account is reset.

    It is the job `round` of Dagit. Interrupting this stops nothing; asked again it follows the round that is going on.
    """
    import dagster as dg

    from my_dagster_project.deploy.instance.home import prepare_environment
    from my_dagster_project.foundation.settings import load_settings
    from my_dagster_project.pipeline.rounds import round_going_on
    from my_dagster_project.teams.deployment import current_platform

    settings = load_settings()
    if current_platform(settings).in_lapse:
        raise SeasonError(
            "a season is lived here, and it asks for what each session needs by itself: `trading season status` says how far it is,"
            " `trading season next` lets it live a session now"
        )
    prepare_environment(settings)
    instance = dg.DagsterInstance.get()
    going_on = round_going_on(instance)
    run_id = going_on.run_id if going_on else _launched(settings)
    console.say(f"{settings.dagit_link.rstrip('/')}/runs/{run_id}")
    if follow and not _followed(instance, run_id, settings):
        raise typer.Exit(1)


def launch_variables() -> dict[str, object]:
    """What LAUNCH takes."""
    from my_dagster_project.pipeline.dagit_client import LOCATION
    from my_dagster_project.pipeline.rounds import ROUND_JOB

    place = {"repositoryLocationName": LOCATION, "repositoryName": "__repository__"}
    return {"params": {"selector": {**place, "pipelineName": ROUND_JOB}, "mode": "default"}}


def _launched(settings: Settings) -> str:
    from my_dagster_project.pipeline.dagit_client import ask_dagit

    try:
        answer = ask_dagit(settings.dagit_url, LAUNCH, launch_variables())
    except (OSError, ValueError) as error:
        raise TradingError(
            f"Dagit at {settings.dagit_url} could not be asked for a round: {error}. `make up` starts the stack, `make ui`"
            " the one of a laptop; `trading run` needs neither"
        ) from None
    said = answer.get("launchRun") or {}
    if "run" not in said:
        raise TradingError(
            f"Dagit did not begin a round: {said.get('message') or said.get('__typename') or answer}"
        )
    return str(said["run"]["runId"])


def _followed(instance: dg.DagsterInstance, run_id: str, settings: Settings) -> bool:
    """Say what happens until the round has ended; whether it ended well."""
    from my_dagster_project.pipeline.rounds import ENDED_TAG, PROGRESS_TAG, WELL, runs_of_round

    told: set[str] = set()
    progress = ""
    while True:
        asked = instance.get_run_by_id(run_id)
        if asked is None or (asked.is_finished and not asked.is_success):
            raise TradingError(f"the run {run_id[:8]} of the job round did not succeed; Dagit says why")
        for run in reversed(runs_of_round(instance, run_id)):
            if run.is_finished and run.run_id not in told:
                told.add(run.run_id)
                _tell(instance, run)
        now = asked.tags.get(PROGRESS_TAG) or "waits for a free worker"
        if now != progress:
            progress = now
            console.say((f"  {now}", "dim"))
        if ended := asked.tags.get(ENDED_TAG):
            console.say(f"The round ended {ended}.")
            _say_what_next(settings, well=ended == WELL)
            return ended == WELL
        time.sleep(_LOOK_SECONDS)


def _say_what_next(settings: Settings, *, well: bool) -> None:
    page = settings.front_url
    if well:
        console.say(
            f"The table: {page or '`trading leaderboard`'}. What is new from now on the schedules do."
        )
    else:
        where = f"{page}/status" if page else "`trading status`"
        console.say(f"What to do about each: {where}. Mend the cause, then ask for another round.")


def _tell(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    from my_dagster_project.pipeline.finished_runs import causes_of

    session = run.tags.get("dagster/partition", "")
    what = f"{run.job_name} {session}".rstrip()
    if run.is_success:
        console.say(("✓", "green"), f" {what}")
        return
    causes = "; ".join(f"{step} {why}".strip() for step, why in causes_of(instance, run.run_id))
    console.say((f"✗ {what}: ", "red"), causes)
