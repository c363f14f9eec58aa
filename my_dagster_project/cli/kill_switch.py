"""`trading halt`, `resume` and `halts`: registered by commands.py, nothing heavy imported before one of them runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from my_dagster_project.cli.in_force import assets_of, person, read
from my_dagster_project.cli.output import console
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import Settings, load_settings

if TYPE_CHECKING:
    from my_dagster_project.teams.platform import Platform

Team = Annotated[str | None, typer.Argument(help="The team, as in configs/teams.yaml.")]
Everybody = Annotated[bool, typer.Option("--all", help="Everybody, also teams that join later.")]
Reason = Annotated[str, typer.Option(help="Why, for the record.")]


def halt(
    team: Team = None,
    everybody: Everybody = False,
    reason: Reason = "",
    cancel_open: Annotated[
        bool, typer.Option("--cancel-open", help="Cancel the open orders at the broker too.")
    ] = False,
) -> None:
    """Stop trading of a team, or of all: from the next order on, on every host, until `trading resume`."""
    from my_dagster_project.trading.halts import EVERYBODY, check_scope
    from my_dagster_project.trading.halts import halt as write

    settings = load_settings()
    # To stop everybody nothing is read first: a registry with a mistake in it must not stand in the way.
    stop_all = everybody and team is None
    scope = EVERYBODY if stop_all else check_scope(team, everybody, read()[1].registry.teams)
    console.say((str(write(assets_of(settings), scope, person(), reason)), "red"))
    if cancel_open:
        # After the switch: it must hold whatever the broker answers.
        platform = read()[1]
        left = _cancel(platform, settings, [team] if team else list(platform.registry.teams))
        if left:
            raise TradingError(
                f"halted, but open orders of {', '.join(left)} may still fill; see above, or cancel them at the broker"
            )


def resume(team: Team = None, everybody: Everybody = False, reason: Reason = "") -> None:
    """Lift the halt of a team, or the one of everybody; each is lifted by its own command, and stays on record."""
    from my_dagster_project.trading.halts import check_scope, lift, read_halts

    settings, platform = read()
    assets = assets_of(settings)
    lifted = lift(assets, check_scope(team, everybody, platform.registry.teams), person(), reason)
    for one in lifted:
        console.say(f"lifted: {one}")
    if not lifted:
        console.say("There was nothing to lift.")
    halts = read_halts(assets)
    for name in [team] if team else platform.registry.teams:
        still = halts.reason(name)
        console.say((f"{name}: {still}", "red") if still else (f"{name} trades again.", "green"))


def halts() -> None:
    """List the halts in force, and those that were lifted: who, when, why."""
    from my_dagster_project.trading.halts import past_halts, read_halts

    settings, platform = read()
    assets = assets_of(settings)
    now = read_halts(assets)
    for team in platform.registry.teams:
        console.say(f"{team:16} ", ("halted", "red") if now.reason(team) else ("may trade", "green"))
    if now.unreadable:
        raise TradingError(f"the kill switch cannot be read, so nobody trades: {now.unreadable}")
    for one in now.halts:
        console.say(("in force:", "red"), f" {one}")
    for one in past_halts(assets):
        why = f": {one.lifted_reason}" if one.lifted_reason else ""
        console.say((f"lifted {one.lifted_at} by {one.lifted_by}{why}; {one}", "dim"))


def _cancel(platform: Platform, settings: Settings, teams: list[str]) -> list[str]:
    """Cancel the teams' open orders, say what became of each, and give the teams that still have some."""
    from my_dagster_project.pipeline.resources import all_resources
    from my_dagster_project.trading.open_orders import cancel_open

    broker = all_resources(platform, settings).broker
    done = cancel_open(teams, lambda team: broker.open(team, platform.registry.teams[team].account))
    for line in done.lines:
        console.say(line)
    return done.left
