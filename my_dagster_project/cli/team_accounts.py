"""`trading account`, `journal` and `reconcile`: registered by commands.py, nothing heavy imported before one of them runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from my_dagster_project.cli.in_force import assets_of, person, read, require_teams
from my_dagster_project.cli.output import console
from my_dagster_project.foundation.errors import TradingError

if TYPE_CHECKING:
    from my_dagster_project.foundation.settings import Settings
    from my_dagster_project.teams.platform import Platform
    from my_dagster_project.trading.broker import Broker
    from my_dagster_project.trading.watch import AccountState

Teams = Annotated[list[str] | None, typer.Argument(help="Teams to show; all of them when none is named.")]


def account(teams: Teams = None) -> None:
    """Show cash, equity, positions, open orders and last activities of a team's account, or of all teams at once."""
    from my_dagster_project.reports.terminal_tables import print_table
    from my_dagster_project.trading.account_tables import tables_of

    settings, platform = read()
    require_teams(platform, teams or [])
    states = [_state(platform, settings, team) for team in teams or platform.registry.teams]
    for one in tables_of(states, platform.registry.competition.starting_cash):
        print_table(console, one.title, one.columns, one.rows)
    for state in states:
        if state.trouble:
            console.say((f"✗ {state.team}:", "red"), f" {state.trouble}")
    if any(state.trouble for state in states):
        raise typer.Exit(1)


def journal(
    team: Annotated[str, typer.Argument(help="The team, as in configs/teams.yaml.")],
    symbol: Annotated[str | None, typer.Option(help="Only the round trips of this symbol.")] = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the bare figures to this file instead.")
    ] = None,
) -> None:
    """Show a team's round trips: entry, exit, prediction, fees, dividends, gain, sessions held and why each ended."""
    from my_dagster_project.reports.terminal_tables import print_table
    from my_dagster_project.trading.journal import team_journal
    from my_dagster_project.trading.journal_columns import JOURNAL_COLUMNS, journal_csv, journal_sum

    settings, platform = read()
    require_teams(platform, [team])
    assets, broker = assets_of(settings), _broker(platform, settings, team)
    made = team_journal(team, broker, assets, platform.calendar)
    if symbol is not None:
        made = made.of(symbol)
    if csv is not None:
        try:
            csv.write_text(journal_csv(made.trips), encoding="utf-8")
        except OSError as error:
            raise TradingError(f"{csv} cannot be written: {error.strerror}") from error
        console.say(f"{len(made.trips)} round trips are in {csv}")
    elif made.trips:
        print_table(console, f"Round trips of {team}", JOURNAL_COLUMNS, made.trips)
        console.say(journal_sum(made))
    else:
        console.say(f"{team} has no round trip{f' in {symbol}' if symbol else ''} yet.")


def reconcile(
    team: Annotated[str, typer.Argument(help="The team, as in configs/teams.yaml.")],
    accept: Annotated[
        str | None, typer.Option(metavar="REASON", help="Take the account as it is from now on, and why.")
    ] = None,
) -> None:
    """Hold a team's account against our records; with --accept, take it as it is. The reason stays on record."""
    from my_dagster_project.trading.reconcile import accept as take
    from my_dagster_project.trading.reconcile import check

    settings, platform = read()
    require_teams(platform, [team])
    if accept is not None and not accept.strip():
        raise TradingError('say why the account is taken as it is: --accept "sold by hand on Monday"')
    assets, broker = assets_of(settings), _broker(platform, settings, team)
    checked = check(assets, team, broker) if accept is None else take(assets, team, broker, person(), accept)
    for line in [*map(str, checked.differences), checked.damaged]:
        if line:
            console.say(line)
    if accept is not None:
        console.say(
            (f"The account of {team} is taken as it is.", "green"), " The next session goes on from there."
        )
    elif checked.differences or checked.damaged:
        console.say(
            ("Not as we left it.", "red"),
            f' Undo it at the broker, or: trading reconcile {team} --accept "why"',
        )
        raise typer.Exit(1)
    elif checked.base is None:
        console.say(f"Nothing is on record of the account of {team}; its first session takes it as it is.")
    else:
        console.say((f"The account of {team} is as we left it", "green"), f" after {checked.base.session}.")


def _state(platform: Platform, settings: Settings, team: str) -> AccountState:
    """A team's account; what is wrong with one is said under the others."""
    from my_dagster_project.trading.records import stopped
    from my_dagster_project.trading.watch import AccountState, look

    try:
        assets = assets_of(settings)
        return replace(look(team, _broker(platform, settings, team)), stopped=stopped(assets, team))
    except TradingError as error:
        return AccountState(team, trouble=str(error))


def _broker(platform: Platform, settings: Settings, team: str) -> Broker:
    from my_dagster_project.pipeline.resources import all_resources

    broker = all_resources(platform, settings).broker
    return broker.open(team, platform.registry.teams[team].account)
