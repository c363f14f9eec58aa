"""The main job on a console: what `trading run` and `trading remake` have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from my_dagster_project.cli.in_force import assets_of
from my_dagster_project.cli.output import console
from my_dagster_project.foundation.errors import ObjectMissingError

if TYPE_CHECKING:
    from datetime import date

    from my_dagster_project.foundation.settings import Settings
    from my_dagster_project.teams.platform import Platform


def compete(settings: Settings, platform: Platform, remake: date | None = None) -> None:
    """Run the main job and say what came of it; typer.Exit with 1 where something failed or an alarm is open."""
    from my_dagster_project.main_job.run import require_broker, run_main_job
    from my_dagster_project.main_job.screen import Screen
    from my_dagster_project.main_job.summary import print_leaderboard, print_result
    from my_dagster_project.pipeline.alarming import stored_leaderboard

    require_broker(platform, settings)
    with Screen(console) as screen:
        result = run_main_job(platform, settings, screen.show, remake)
    console.print()
    alarmed = False
    try:
        board = stored_leaderboard(assets_of(settings))
        print_leaderboard(console, board)
        alarmed = bool(board.open_alarms)
    except ObjectMissingError as missing:
        # Why there is none is among the problems, which must still be said.
        console.say(f"{missing}\n")
    print_result(console, result, platform, settings)
    if result.problems or platform.problems or alarmed:
        raise typer.Exit(1)
