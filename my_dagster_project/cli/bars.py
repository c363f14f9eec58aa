"""`trading fetch` and `trading remake`: registered by commands.py, nothing heavy imported before one of them runs."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from my_dagster_project.cli.competing import compete
from my_dagster_project.cli.in_force import assets_of, read
from my_dagster_project.cli.output import console
from my_dagster_project.cli.rounds import require_own_process, require_replay
from my_dagster_project.foundation.errors import TradingError

if TYPE_CHECKING:
    from my_dagster_project.teams.platform import Platform


def fetch(
    symbols: Annotated[
        list[str] | None, typer.Argument(help="Symbols to fetch; all that teams trade when none is named.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Fetch everything anew, whatever is stored, and take it as it is.")
    ] = False,
) -> None:
    """Bring bars up to date with their source, and say what the source has revised; nothing else is computed."""
    from my_dagster_project.deploy.instance.home import prepare_environment
    from my_dagster_project.main_job.build import fetch_bars
    from my_dagster_project.main_job.screen import Screen
    from my_dagster_project.main_job.summary import print_problems

    settings, platform = read()
    if unknown := [symbol for symbol in symbols or [] if symbol not in platform.symbols]:
        raise TradingError(
            f"{', '.join(unknown)}: no team trades that; teams trade {', '.join(platform.symbols)}"
        )
    prepare_environment(settings)
    with Screen(console) as screen:
        result = fetch_bars(platform, settings, screen.show, symbols or [], again=again)
    print_problems(console, result, platform)
    if result.problems:
        raise typer.Exit(1)


def remake(
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="SESSION", help="First session to predict anew; all without it."),
    ] = None,
) -> None:
    """Make the past anew on today's bars: models, predictions from a session on, and all trading on fresh accounts.

    Only in a replay. What there was stays in the versions on the teams' branches.
    """
    from my_dagster_project.deploy.instance.home import prepare_environment
    from my_dagster_project.pipeline.recording import record_versions

    require_own_process("`trading remake`")
    settings, platform = read()
    require_replay(settings, platform, "`trading remake`")
    first = _session(platform, since)
    if settings.broker_url is not None:
        raise TradingError(
            f"teams trade at {settings.broker_url}: what a real account did cannot be made anew, and nothing is changed"
        )
    prepare_environment(settings)
    # What is current must be a version before it is current no more.
    record_versions(platform, settings, assets_of(settings))
    compete(settings, platform, first)


def _session(platform: Platform, said: str | None) -> date:
    """The session named, or the first of the replay; raises TradingError where there is none such."""
    from my_dagster_project.pipeline.partitions import replay_sessions

    sessions = replay_sessions(platform)
    if not sessions:
        raise TradingError("there are no sessions to make anew yet")
    try:
        first = datetime.fromisoformat(said).date() if said else sessions[0]
    except ValueError:
        raise TradingError(f"--from {said}: no date like {sessions[0]}") from None
    if first not in sessions:
        raise TradingError(
            f"--from {said}: no session of the replay, which goes from {sessions[0]} to {sessions[-1]}"
        )
    return first
