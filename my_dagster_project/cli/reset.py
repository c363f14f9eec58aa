"""`trading reset`: registered by commands.py, nothing heavy imported before it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from my_dagster_project.cli.in_force import assets_of, person, read, require_teams
from my_dagster_project.cli.output import console
from my_dagster_project.cli.rounds import require_replay
from my_dagster_project.foundation.advice import everything_due

# Whoever trades the team has its account for minutes: better said at once than waited for.
_PATIENCE_SECONDS = 5.0


def reset(
    team: Annotated[str, typer.Argument(help="The team, as in configs/teams.yaml.")],
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Give a team a fresh account at the bundled broker; `trading run` then trades all its sessions anew.

    Its orders and fills so far stay in the versions on its branch; who reset it, when and why stays on record.
    """
    import dagster as dg

    from my_dagster_project.deploy.instance.home import prepare_environment
    from my_dagster_project.main_job.afresh import require_bundled, start_afresh
    from my_dagster_project.pipeline.recording import record_versions
    from my_dagster_project.pipeline.resources import all_resources
    from my_dagster_project.storage import names
    from my_dagster_project.trading.lease import lease, leases_of

    settings, platform = read()
    require_replay(settings, platform, "`trading reset`")
    require_teams(platform, [team])
    prepare_environment(settings)
    broker = all_resources(platform, settings).broker
    require_bundled(team, broker)
    assets = assets_of(settings)
    count = len(assets.names(names.orders(team)))
    cash, branch = f"${broker.starting_cash:,.2f}", platform.registry.teams[team].branch
    if not yes:
        what = f"Give {team} a fresh account with {cash}? Its {count} sessions on record are traded anew by the next run"
        typer.confirm(what, abort=True)
    instance, account = (
        dg.DagsterInstance.get(),
        broker.account_name(team, platform.registry.teams[team].account),
    )
    with lease(leases_of(instance, broker.leases), account, "`trading reset`", wait=_PATIENCE_SECONDS):
        # What is current must be a version before it is current no more.
        record_versions(platform, settings, assets)
        made = start_afresh(team, broker, assets, instance, person(), reason)
    console.say(
        (f"{team} has a fresh account with {cash}.", "green"),
        f" The {len(made.sessions)} sessions it had on record stay in the versions of branch {branch}"
        f" (trading versions {team}); {everything_due()} trades them anew.",
    )
