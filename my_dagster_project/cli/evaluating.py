"""`trading evaluate`: registered by commands.py, nothing heavy imported before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from my_dagster_project.cli.in_force import assets_of, read
from my_dagster_project.cli.output import console
from my_dagster_project.cli.rounds import require_own_process

if TYPE_CHECKING:
    from my_dagster_project.foundation.settings import Settings
    from my_dagster_project.teams.platform import Platform


def evaluate(
    team: str,
    first: Annotated[
        str, typer.Option("--from", metavar="SESSION", help="First session; three years back without it.")
    ] = "",
    last: Annotated[
        str, typer.Option("--to", metavar="SESSION", help="Last session; the newest that can be scored.")
    ] = "",
    refits: Annotated[bool, typer.Option("--refits", help="Also a line for each refit.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the bare figures as CSV.")] = False,
) -> None:
    """Walk a team's models through past sessions, refit by refit, and score what they would have said; nothing is traded.

    Refits that are stored are not trained again. It is the job `evaluate` of Dagit.
    """
    from my_dagster_project.domain.scores.walked import Evaluation
    from my_dagster_project.pipeline.evaluating import stored_evaluation
    from my_dagster_project.reports.columns import csv_table
    from my_dagster_project.reports.evaluation_columns import EVALUATION_COLUMNS, shown_slices, verdict
    from my_dagster_project.reports.terminal_tables import print_table

    require_own_process("`trading evaluate`")
    settings, platform = read()
    _evaluated(settings, platform, team, first, last)
    found: Evaluation = stored_evaluation(assets_of(settings), team)
    rows = shown_slices(found, refits=refits)
    if csv:
        typer.echo(csv_table(EVALUATION_COLUMNS, rows), nl=False)
        return
    print_table(console, f"{team}, {found.first} to {found.last}", EVALUATION_COLUMNS, rows)
    console.say(verdict(found.whole))


def _evaluated(settings: Settings, platform: Platform, team: str, first: str, last: str) -> None:
    """Do it, and say what went wrong; typer.Exit with 1 where anything did."""
    from my_dagster_project.cli.output import errors
    from my_dagster_project.deploy.instance.home import prepare_environment
    from my_dagster_project.main_job.screen import Screen
    from my_dagster_project.main_job.team_walks import TeamEvaluation
    from my_dagster_project.pipeline.evaluating import require_walkable, sessions_between

    require_walkable(platform, team)
    sessions = sessions_between(platform, first, last)
    prepare_environment(settings)
    with Screen(errors) as screen:
        problems = TeamEvaluation(platform, settings, team, sessions, screen.show).run()
    for problem in problems:
        errors.say((f"✗ {problem.step}:", "red"), f" {problem.message}")
    if problems:
        raise typer.Exit(1)


def backtest(
    team: Annotated[str, typer.Argument(help="Only this team.")] = "",
    first: Annotated[
        str, typer.Option("--from", metavar="SESSION", help="First session; the first that is predicted.")
    ] = "",
    last: Annotated[
        str, typer.Option("--to", metavar="SESSION", help="Last session; the last that is predicted.")
    ] = "",
    walked: Annotated[
        bool,
        typer.Option(
            "--walked", help="On what the models of `trading evaluate` said, not the competition's."
        ),
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the bare figures as CSV.")] = False,
) -> None:
    """Trade stored predictions again by the teams' rules, limits and costs of today: years in a second, no broker is asked.

    It decides by the functions that plan orders, so a replay comes out to the cent. Nothing is stored.
    """
    from my_dagster_project.foundation.errors import ConfigError
    from my_dagster_project.pipeline.backtesting import backtested
    from my_dagster_project.reports.backtest_columns import BACKTEST_COLUMNS
    from my_dagster_project.reports.columns import csv_table
    from my_dagster_project.reports.terminal_tables import print_table

    settings, platform = read()
    teams = [team] if team else list(platform.teams)
    if unknown := set(teams).difference(platform.teams):
        raise ConfigError(
            f"there is no team {unknown.pop()!r} with a valid file; teams are {', '.join(platform.teams)}"
        )
    rows = backtested(platform, assets_of(settings), teams, first, last, walked=walked)
    if csv:
        typer.echo(csv_table(BACKTEST_COLUMNS, rows), nl=False)
        return
    [*_, (ends, _)] = rows[0].curve
    print_table(console, f"Backtest, {rows[0].curve[0][0]} to {ends}", BACKTEST_COLUMNS, rows)
