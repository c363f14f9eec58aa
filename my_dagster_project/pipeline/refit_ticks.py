"""What a tick of a team's training asks for, where its models are refitted: the window that has begun, once its bars are there."""

from datetime import date

import dagster as dg

from my_dagster_project.domain.windows import last_close_before, window_after
from my_dagster_project.foundation.errors import NotYetError
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.pipeline import dagster_records as known
from my_dagster_project.pipeline.chain import Job
from my_dagster_project.pipeline.due import Due
from my_dagster_project.pipeline.refit_windows import window_in_force
from my_dagster_project.pipeline.sessions import Answer, source_has_ended
from my_dagster_project.teams.platform import Platform


def refit_request(row: Job, platform: Platform, team: str, context: dg.ScheduleEvaluationContext) -> Answer:
    """A run that trains what the window in force lacks, or why there is none.

    Raises NotYetError while no symbol has bars up to the last close that the window's refit learns from, or while the team
    trains already.
    """
    if ended := source_has_ended(platform, context):
        return ended
    assert context.repository_def is not None  # noqa: S101 - a schedule of a code location has it
    job, config, instance = row.of(team), platform.teams[team], context.instance
    window = window_in_force(platform, team)
    due = Due(platform, context.repository_def.asset_graph, instance, load_settings())
    part = due.part(row, team, [window])
    begins = date.fromisoformat(window)
    if not part.sessions:
        after = window_after(config.training.refit, begins)
        return dg.SkipReason(
            f"The models of the window from {window} are there; the next one begins on {after}."
        )
    closes = last_close_before(platform.calendar, begins)
    if not known.symbols_with_bars(instance, config.symbols, closes):
        raise NotYetError(
            f"{job} waits for the bars of {closes}, the last session before the window from {window}."
        )
    if training := known.unfinished(instance, job):
        raise NotYetError(f"{job} waits for its run {training[:8]}, which may train the same.")
    return dg.RunRequest(run_key=f"{job}:{window}", partition_key=window, asset_selection=part.assets)
