"""`trading season ...`: registered by commands.py, nothing heavy imported before one of them runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from my_dagster_project.cli.in_force import assets_of, person
from my_dagster_project.cli.output import console
from my_dagster_project.foundation.errors import SeasonError
from my_dagster_project.foundation.pool_settings import pool_is_named
from my_dagster_project.foundation.settings import Settings, load_settings

if TYPE_CHECKING:
    from my_dagster_project.domain.leaderboard import Leaderboard
    from my_dagster_project.storage.season import SeasonBook

app = typer.Typer(
    no_args_is_help=True, help="A season that is lived session by session, apart from the replay."
)
_LOOK_SECONDS = 0.5
_PACE = "From one session to the next: 30s, 2m; 0s waits for nothing."
Every = Annotated[str, typer.Option("--every", help=_PACE)]


@app.command()
def start(every: Every = "0s") -> None:
    """Begin a season, or go on with the one that was begun, and live it to its end; interrupting this loses nothing.

    In a checkout it is a lapse of the recorded bars in `.local/season`, apart from the replay. On the stack the workers live it.
    """
    settings, book = _begun(every)
    if book.require().paused:
        book.go_on(person())
    _drive(settings, book)


@app.command()
def pause() -> None:
    """Let the session at work end, and begin no other until `trading season resume`."""
    from my_dagster_project.teams import season_controls

    state = season_controls.pause(_book(_here()), person())
    console.say(f"Paused: session {state.session} is brought to its end, the next one waits.")


@app.command()
def resume() -> None:
    """Go on with a season that was paused or interrupted."""
    settings = _here()
    book = _book(settings)
    book.go_on(person())
    _drive(settings, book)


@app.command(name="next")
def next_(count: Annotated[int, typer.Argument(min=1, help="How many sessions.")] = 1) -> None:
    """Live the session at work, or a number of them, and pause after it; without a season one begins."""
    settings, book = _begun("0s")
    state = book.require()
    if state.ended:
        raise SeasonError(f"the season has ended with session {state.session}")
    _drive(settings, book, most=count)


@app.command()
def speed(every: Annotated[str, typer.Argument(help=_PACE)]) -> None:
    """Change how fast the sessions of a lapse follow each other."""
    from my_dagster_project.teams.season_controls import change_pace

    change_pace(_book(_here()), every, person())
    console.say(f"From the next session on: one every {every}.")


@app.command()
def status() -> None:
    """Say where the season stands, what it missed, and what happened to it."""
    from my_dagster_project.main_job.season_lines import standing

    settings = _here()
    book = _book(settings)
    state = book.require()
    console.say(standing(state))
    for session, teams in state.missed.items():
        console.say(f"  {session} missed: " + "; ".join(f"{team}, {why}" for team, why in teams.items()))
    for one in book.log()[-5:]:
        console.say((f"  {one.at}  {one.what}, {one.by}", "dim"))


@app.command()
def reset(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Put this checkout's season away, whole, so that another one can begin."""
    from dataclasses import replace

    from my_dagster_project.main_job.season_driver import only_driver
    from my_dagster_project.main_job.season_home import home_of, put_away

    settings = load_settings()
    home = home_of(settings)
    if not home.exists() and _found() is not None:
        raise SeasonError(
            "what was lived here stays; another season begins in another store (on the stack: make wipe)"
        )
    with only_driver(replace(settings, home=home / ".local")):
        if home.exists() and not yes:
            typer.confirm("Put the season away, with all that was lived and edited in it?", abort=True)
        console.say(f"The season lies in {put_away(settings)}; `trading season start` begins another one.")


@app.command()
def plan(
    source: Annotated[str, typer.Option(help="Where bars come from: alpaca, alpha_vantage.")] = "alpaca",
    first: Annotated[
        str, typer.Option("--start", help="The first session, a date or next-monday.")
    ] = "next-monday",
    symbols: Annotated[
        str, typer.Option(help="What teams trade that name none of their own: AAPL,IBM.")
    ] = "",
    write: Annotated[bool, typer.Option("--write", help="Write the change into configs/teams.yaml.")] = False,
) -> None:
    """Say what a real season changes in the registry, and whether keys, bars, calendar, files and accounts are there.

    Nothing is ordered, here or after `--write`, before `trading season start`.
    """
    from difflib import unified_diff

    from my_dagster_project.main_job import season_plan as planning
    from my_dagster_project.teams.deployment import current_platform
    from my_dagster_project.teams.sources import REGISTRY_PATH

    settings = load_settings()
    platform = current_platform(settings)
    sources = platform.sources
    text = sources.registry.text
    session = planning.first_session(first, platform.registry)
    new = planning.planned_registry(
        text, source, session, [one.strip() for one in symbols.split(",") if one.strip()]
    )
    names = (REGISTRY_PATH, f"{REGISTRY_PATH} of the season")
    console.say("\n".join(unified_diff(text.splitlines(), new.splitlines(), *names, lineterm="")))
    console.print()
    found = list(planning.checks(new, sources, settings))
    for check in found:
        console.say(("✓ ", "green") if check.well else ("✗ ", "red"), f"{check.what}: ", check.said)
    if write:
        planning.keep_accounts(settings, found)
        (settings.project / REGISTRY_PATH).write_text(new, encoding="utf-8")
        console.say(
            f"\n{REGISTRY_PATH} is written; commit it on main, then `trading season start` begins the season."
        )
    if not all(check.well for check in found):
        raise typer.Exit(1)


def _found() -> Settings | None:
    """The settings of the season there is: this project's own, or the one beside this checkout's replay; None without one."""
    from my_dagster_project.main_job.season_home import enter, home_of
    from my_dagster_project.teams.sources import read_registry

    settings = load_settings()
    if read_registry(settings.project).season is not None:
        return settings
    home = home_of(settings)
    return enter(home) if home.exists() else None


def _here() -> Settings:
    from my_dagster_project.main_job.season_home import no_season

    settings = _found()
    if settings is None:
        raise no_season()
    return settings


def _begun(every: str) -> tuple[Settings, SeasonBook]:
    """The season there is, or one that begins now."""
    from my_dagster_project.main_job.season_home import enter, make_home

    settings = _found()
    if settings is None and pool_is_named():
        raise SeasonError(
            "the registry on main says no season, so the workers live none: push `season: {clock: {lapse: {session_every: 30s}}}` in"
            " configs/teams.yaml (of prices that end), or see `trading season plan` for a real one"
        )
    if settings is None:
        settings = enter(make_home(load_settings(), every))
        console.say(f"A season of its own in {settings.project}: teams edit there, each on its branch.")
    book = _book(settings)
    if book.read() is None:
        _begin(settings)
    return settings, book


def _book(settings: Settings) -> SeasonBook:
    from my_dagster_project.teams.deployment import season_book

    return season_book(settings)


def _begin(settings: Settings) -> None:
    from my_dagster_project.pipeline.lived import begin
    from my_dagster_project.teams.deployment import current_platform

    begin(current_platform(settings), settings, person())


def _drive(settings: Settings, book: SeasonBook, most: int | None = None) -> None:
    """Live sessions and say what came of each; typer.Exit with 1 where an alarm is open at the end, as `trading run` has it."""
    from my_dagster_project.deploy.instance.home import prepare_environment
    from my_dagster_project.main_job.season_driver import Driver, only_driver
    from my_dagster_project.main_job.season_lines import AND_THEN, print_lived, standing
    from my_dagster_project.main_job.summary import print_leaderboard

    console.say(standing(book.require()))
    if pool_is_named():
        console.say("The workers live it: the sensor rounds queues what each session needs.")
        if most:
            _wait_for_workers(settings, book, most)
        return
    prepare_environment(settings)
    before = _board(settings)
    with only_driver(settings):
        for lived in Driver(settings).sessions(most, waits=lambda state: console.say(standing(state))):
            board = _board(settings)
            print_lived(console, lived, board, before)
            before = board
    if book.require().ended:
        console.print()
        if before is not None:
            print_leaderboard(console, before)
        console.say(standing(book.require()), AND_THEN)
    if before is not None and before.open_alarms:
        raise typer.Exit(1)


def _wait_for_workers(settings: Settings, book: SeasonBook, most: int) -> None:
    """Let the workers live so many sessions; the season pauses by itself behind them, whatever becomes of this process."""
    from my_dagster_project.foundation.calendar import load_calendar
    from my_dagster_project.teams.sources import read_registry

    state = book.only(load_calendar(read_registry(settings.project).calendar), most, person())
    while not (state.paused or state.ended):
        time.sleep(_LOOK_SECONDS)
        if (now := book.require()).session != state.session or now.ended:
            console.say(f"Session {state.session} is closed.")
        state = now


def _board(settings: Settings) -> Leaderboard | None:
    from my_dagster_project.foundation.errors import ObjectMissingError
    from my_dagster_project.pipeline.alarming import stored_leaderboard

    try:
        return stored_leaderboard(assets_of(settings))
    except ObjectMissingError:
        return None
