"""`trading validate`: registered by commands.py."""

from typing import Annotated

import typer

from my_dagster_project.cli.in_force import assets_of, require_teams
from my_dagster_project.cli.output import console, errors
from my_dagster_project.foundation.console import styled
from my_dagster_project.foundation.settings import Settings, load_settings
from my_dagster_project.teams.deployment import current_platform, on_its_clock
from my_dagster_project.teams.effects import effects, outranked
from my_dagster_project.teams.platform import Platform, load_platform
from my_dagster_project.teams.sources import read_sources, unread_copies


def validate(
    teams: Annotated[
        list[str] | None, typer.Argument(help="Teams to check; all of them when none is named.")
    ] = None,
    build: Annotated[
        bool,
        typer.Option(
            "--build", help="Also build each model and train it for a moment: with Ludwig 10 to 30 s."
        ),
    ] = False,
) -> None:
    """Check the team files of the working tree in seconds, without training: every key, value and option of the model.

    It is the check the platform itself makes of the file on the team's branch, and it says what committing it will cause. What
    only the library itself can say (Ludwig), it says before the first training of a section, or now with --build; it is remembered.
    """
    settings = load_settings()
    platform = on_its_clock(load_platform(read_sources(settings.project, "working tree")), settings)
    say_what_does_not_count(settings, platform)
    require_teams(platform, teams or [])
    in_force = current_platform(settings)
    # A list, not a generator: of every team something is said.
    valid = [
        _is_valid(settings, platform, in_force, team, build=build)
        for team in teams or platform.registry.teams
    ]
    if not all(valid):
        raise typer.Exit(1)


def say_what_does_not_count(settings: Settings, platform: Platform) -> None:
    """Warn of lines that count for nothing, and of copies that nobody reads."""
    for team, config in platform.teams.items():
        for note in config.notes:
            errors.say((f"configs/{team}.yaml:", "yellow"), f" {note}.")
    for path in unread_copies(settings.project, platform.sources):
        errors.say(
            (f"{path} differs here, which counts for nothing:", "yellow"),
            f" it is the organiser's and read from {platform.sources.registry.origin}.",
        )


def _is_valid(settings: Settings, platform: Platform, in_force: Platform, team: str, *, build: bool) -> bool:
    if team in platform.problems:
        console.say((f"✗ {team}", "red"), f"\n{platform.problems[team]}")
        return False
    refused, unasked = _verdicts(settings, platform, team, build=build)
    if refused:
        console.say((f"✗ {team}", "red"), "\n" + "\n".join(refused))
        return False
    from my_dagster_project.pipeline.refit_windows import windows_in_use

    config = platform.teams[team]
    what = f"{config.target}, {len(config.features)} features, symbols {', '.join(config.symbols)}"
    console.print(styled((f"✓ {team}", "green"), f": {what}"))
    windows, lived = windows_in_use(platform, team), platform.registry.season is not None
    caused = effects(in_force.teams.get(team), config, windows, lived=lived) or ["as in force"]
    console.print(styled((f"  {in_force.origin(team)}:", "dim"), f" {'; '.join(caused)}"))
    if unasked:
        text = f"{config.kind.title} tries it before the first training; `trading validate --build` does now"
        console.print(styled((f"  {text}", "dim")))
    for line in outranked(config, platform.registry.teams[team].limits):
        console.print(styled((f"  {line}", "yellow")))
    return True


def _verdicts(settings: Settings, platform: Platform, team: str, *, build: bool) -> tuple[list[str], bool]:
    """What is refused of a team's sections when they are tried, and whether there is one that was not tried yet."""
    from my_dagster_project.pipeline.rehearsing import refusals

    return refusals(platform, team, assets_of(settings), ask=build)
