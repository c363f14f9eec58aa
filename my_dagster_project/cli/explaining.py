"""`trading explain`: registered by commands.py, nothing heavy imported before it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from my_dagster_project.cli.in_force import assets_of, read, require_teams
from my_dagster_project.cli.output import console


def explain(
    figure: Annotated[
        str,
        typer.Argument(
            metavar="FIGURE",
            help="TEAM.FIGURE, TEAM.SYMBOL.FIGURE or TEAM.evaluation.FIGURE, such as blue.AAPL.mase.",
        ),
    ],
) -> None:
    """Walk a figure back to its objects, runs, configuration, versions and experiments, and make it anew from what is stored.

    Figures are those of `trading leaderboard --csv` (`--symbols`) and `trading evaluate TEAM --csv`. Exits with 1 where something
    stored is not what the objects below it say, or not what its run wrote.
    """
    import dagster as dg

    from my_dagster_project.deploy.instance.home import prepare_environment
    from my_dagster_project.history.lineage import Lineage
    from my_dagster_project.history.lineage_columns import ORIGIN_COLUMNS
    from my_dagster_project.pipeline.recomputing import Recomputing
    from my_dagster_project.reports.figure_addresses import address_of
    from my_dagster_project.reports.terminal_tables import print_table

    address = address_of(figure)
    settings, platform = read()
    if address.table == "evaluation":
        require_teams(platform, [address.team])
    prepare_environment(settings)
    assets = assets_of(settings)
    asked = Recomputing(platform, assets, address)
    console.say((str(address), "bold"), f" = {address.words(asked.row())}   {address.column.means}\n")
    lineage = Lineage(platform, settings, assets, dg.DagsterInstance.get())
    origins = [lineage.of(asset) for asset in asked.objects()]
    print_table(console, "Made of", ORIGIN_COLUMNS, origins)
    doubts = [f"{one.name}: {one.doubt}" for one in origins if one.doubt]
    for doubt in doubts:
        console.say(("✗ ", "red"), doubt)
    console.say(("\nMade once more from what is stored", "bold"))
    with console.status("Computing ..."):
        findings = list(asked.findings())
    for one in findings:
        sign, style = {True: ("✓", "green"), False: ("✗", "red"), None: ("–", "yellow")}[one.equal]  # noqa: RUF001
        console.say((f"{sign} ", style), (one.what, "bold"), f"  {one.said}")
    if doubts or any(one.equal is False for one in findings):
        raise typer.Exit(1)
