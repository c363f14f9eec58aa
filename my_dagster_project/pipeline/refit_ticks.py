"""What a tick of a team's training asks for: the models that are due, once the bars are there that they learn from."""

from datetime import date

import dagster as dg

from my_dagster_project.domain.windows import window_after
from my_dagster_project.foundation.errors import NotYetError
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.pipeline import chain
from my_dagster_project.pipeline import dagster_records as known
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.chain import Job
from my_dagster_project.pipeline.due import Due
from my_dagster_project.pipeline.sessions import Answer, source_has_ended
from my_dagster_project.teams.platform import Platform


def training_request(
    row: Job, platform: Platform, team: str, context: dg.ScheduleEvaluationContext
) -> Answer:
    """A run that trains what is missing or was edited, of a team that refits in the window in force, or why there is none.

    Raises NotYetError while no symbol has bars up to the last close that such a training learns from, or while the team
    trains already.
    """
    if ended := source_has_ended(platform, context):
        return ended
    assert context.repository_def is not None  # noqa: S101 - a schedule of a code location has it
    job, instance = row.of(team), context.instance
    window = platform.window_in_force(team)
    closes = TeamContext(team, platform.teams[team], platform).closes(window)
    if not known.symbols_with_bars(instance, platform.teams[team].symbols, closes):
        of = f"the last session before the window from {window}" if window else "the last that it may see"
        raise NotYetError(f"{job} waits for the bars of {closes}, {of}.")
    due = Due(platform, context.repository_def.asset_graph, instance, load_settings())
    part = due.part(row, team, [window] if window else [])
    if not any(chain.of_windows(key.path[-1]) for key in part.assets):
        return dg.SkipReason(_nothing(platform, team, window))
    if training := known.unfinished(instance, job):
        raise NotYetError(f"{job} waits for its run {training[:8]}, which may train the same.")
    return dg.RunRequest(
        run_key=f"{job}:{window or closes}", partition_key=window or None, asset_selection=part.assets
    )


def _nothing(platform: Platform, team: str, window: str) -> str:
    if not window:
        return "Nothing to train: the models are there, and with refit: never each is trained once."
    after = window_after(platform.teams[team].training.refit, date.fromisoformat(window))
    return (
        f"Nothing to train: the models of the window from {window} are there; the next one begins on {after}."
    )
