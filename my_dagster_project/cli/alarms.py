"""`trading alarms` and `clear`: what casts doubt on a team's figures, and that the organiser has looked into it."""

from __future__ import annotations

from typing import Annotated

import typer

from my_dagster_project.cli.in_force import assets_of, person, read
from my_dagster_project.cli.output import console
from my_dagster_project.foundation.errors import TradingError


def alarms() -> None:
    """List the alarms of the current table, open and cleared, and every clearance on record."""
    from my_dagster_project.pipeline.alarming import stored_leaderboard
    from my_dagster_project.trading.clearances import clearances

    settings, _ = read()
    assets = assets_of(settings)
    board = stored_leaderboard(assets)
    for row in board.teams:
        for alarm in row.alarms:
            console.say(
                (f"{row.team}: ", "bold"),
                (alarm.cleared or "open", "dim" if alarm.cleared else "red"),
                f": {alarm.said}",
            )
    if not any(row.alarms for row in board.teams):
        console.say("No team has an alarm.")
    for one in clearances(assets):
        console.say((f"on record: {one.team}, {len(one.alarms)} alarms {one}", "dim"))


def clear(
    team: Annotated[str, typer.Argument(help="The team, as in configs/teams.yaml.")],
    reason: Annotated[str, typer.Option(help="What explains the alarm; goes on record.")],
) -> None:
    """Clear a team's open alarms and give it its rank back: for the models it has now, another one is looked at anew."""
    from my_dagster_project.deploy.instance.home import prepare_environment
    from my_dagster_project.main_job.screen import Screen
    from my_dagster_project.main_job.stages import Stages
    from my_dagster_project.main_job.summary import print_leaderboard
    from my_dagster_project.pipeline.alarming import stored_leaderboard
    from my_dagster_project.pipeline.chain import maker
    from my_dagster_project.trading.clearances import clear as write

    if not reason.strip():
        raise TradingError("say why: an alarm is cleared with a --reason, which stays on record")
    settings, platform = read()
    prepare_environment(settings)
    assets = assets_of(settings)
    found = [alarm for owner, alarm in stored_leaderboard(assets).open_alarms if owner == team]
    if not found:
        raise TradingError(f"team {team} has no open alarm; `trading alarms` lists what there is")
    made = write(assets, team, [alarm.id for alarm in found], person(), reason.strip())
    for alarm in found:
        console.say(f"{made}: {alarm.said}")
    with Screen(console) as screen:
        Stages(platform, settings, screen.show).phase(maker("leaderboard").purpose)
    print_leaderboard(console, stored_leaderboard(assets))
