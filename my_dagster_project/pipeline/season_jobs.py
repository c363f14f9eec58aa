"""A lapse in Dagit's hands: pause, go on, one session, another pace. Each is a click on Launch, the organiser's.

They wait for nobody in the queue; `trading season` on a command line does the same. The sensor `rounds` is what lives the season.
"""

from collections.abc import Callable

import dagster as dg

from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.pipeline.retries import explained
from my_dagster_project.pipeline.run_tags import FIRST_OF_ALL
from my_dagster_project.storage.season import SeasonBook, State
from my_dagster_project.teams import season_controls
from my_dagster_project.teams.deployment import season_book
from my_dagster_project.teams.platform import Platform

# Without the tag `team`, by which the queue lets one run of a team wait for another.
_TAGS = {"dagster/priority": str(FIRST_OF_ALL), "dagster/max_retries": "0"}
_COUNT = {"sessions": dg.Field(int, default_value=1, description="How many, the one at work included.")}
_PACE = {"every": dg.Field(str, description="From one session to the next: 30s, 2m; 0s waits for nothing.")}

Change = Callable[[SeasonBook, dg.OpExecutionContext, str], State]


def season_jobs(platform: Platform) -> list[dg.JobDefinition]:
    """The jobs `season_pause`, `season_resume`, `season_next` and `season_speed`; none where no lapse is lived."""
    if not platform.in_lapse:
        return []

    def one_more(book: SeasonBook, context: dg.OpExecutionContext, by: str) -> State:
        return book.only(platform.calendar, context.op_config["sessions"], by)

    return [
        _job(
            "pause",
            "Let the session at work end, and begin no other.",
            {},
            lambda book, _, by: season_controls.pause(book, by),
        ),
        _job("resume", "Go on with the season.", {}, lambda book, _, by: book.go_on(by)),
        _job("next", "Live one session, or some, now, and pause behind them.", _COUNT, one_more),
        _job("speed", "How fast the sessions follow each other.", _PACE, _faster),
    ]


def _faster(book: SeasonBook, context: dg.OpExecutionContext, by: str) -> State:
    return season_controls.change_pace(book, context.op_config["every"], by)


def _job(name: str, says: str, config: dict[str, dg.Field], change: Change) -> dg.JobDefinition:
    # Ops have one name in the whole deployment; `resume` is the kill switch's.
    @dg.op(name=f"{name}_season", config_schema=config)
    def do(context: dg.OpExecutionContext) -> None:
        by = f"Dagit run {context.run_id}"
        state = explained(lambda: change(season_book(load_settings()), context, by))
        context.log.info(f"Season {state.name}: {state.what}; at work is session {state.session}.")

    @dg.job(name=f"season_{name}", tags=_TAGS, description=says, executor_def=dg.in_process_executor)
    def season_job() -> None:
        do()

    return season_job
