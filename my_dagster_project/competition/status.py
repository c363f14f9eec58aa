"""One page on how things stand: every team, every symbol, what is out of date, what to do about it."""

import dagster as dg
from rich.console import Console
from rich.table import Table

from my_dagster_project.assets import keys
from my_dagster_project.competition.stages import replay_sessions
from my_dagster_project.competition.staleness import Freshness
from my_dagster_project.definitions import build_definitions
from my_dagster_project.domain.leaderboard import SymbolRow
from my_dagster_project.errors import ObjectMissingError
from my_dagster_project.reports.evidently_report import read_metrics
from my_dagster_project.reports.markdown import SYMBOL_HEAD, symbol_cells
from my_dagster_project.resources import open_assets
from my_dagster_project.settings import Settings
from my_dagster_project.teams.platform import Platform

_CHAIN = {
    "features": keys.features_key,
    "model": keys.model_key,
    "predictions": keys.predictions_key,
    "report": keys.report_key,
}


def print_status(console: Console, platform: Platform, settings: Settings) -> None:
    """Where everything lies, the state of every asset as Dagit shows it, uncommitted versions, bad team files."""
    console.print(
        f"store      {settings.store_url}\nDVC remote {settings.dvc_url}\nMLflow     {settings.mlflow_uri}"
    )
    console.print(f"broker     {settings.broker_url or 'the bundled paper broker'}")
    for team in platform.registry.teams:
        console.print(f"{team:10} configs/{team}.yaml: {platform.origin(team)}", highlight=False)
    console.print()
    definitions = build_definitions(platform, settings)
    freshness = Freshness(definitions, dg.DagsterInstance.get())
    sessions = [session.isoformat() for session in replay_sessions(platform)]
    table = Table(
        "team", "symbol", "bars", *_CHAIN, "orders", title=f"Sessions {sessions[0]} to {sessions[-1]}"
    )
    stale = 0
    for team, config in platform.teams.items():
        for symbol in config.symbols:
            chain = [
                keys.bars_key(symbol),
                *(key(team, symbol) for key in _CHAIN.values()),
                keys.orders_key(team),
            ]
            marks = [freshness.is_fresh(key, sessions) for key in chain]
            stale += marks.count(False)
            table.add_row(
                team, symbol, *("[green]✓[/green]" if mark else "[yellow]due[/yellow]" for mark in marks)
            )
    console.print(table)
    for team, problem in platform.problems.items():
        console.print(
            f"[red]team {team} has to mend its file:[/red]\n{problem}", highlight=False, soft_wrap=True
        )
    waiting = open_assets(settings.store_url, settings.dvc_url).pending.owners()
    if waiting:
        console.print(f"versions not committed yet: {', '.join(waiting)} (the next `trading run` does it)")
    console.print("`trading run` computes what is due." if stale else "Everything is up to date.")


def print_report(console: Console, settings: Settings, team: str, symbol: str) -> None:
    """The figures of a stored report and the address of its page; raises ObjectMissingError when there is none."""
    asset = tuple(keys.report_key(team, symbol).path)
    try:
        data = open_assets(settings.store_url, settings.dvc_url).read_file(asset, "report.json")
    except ObjectMissingError:
        raise ObjectMissingError(
            f"team {team} has no report of {symbol}; `trading status` says what there is and what is due"
        ) from None
    metrics = read_metrics(data)
    cells = symbol_cells(SymbolRow(team, symbol, metrics))
    for name, value in zip(SYMBOL_HEAD, cells, strict=True):
        console.print(f"{name:18} {value}", highlight=False)
    address = f"{settings.store_url}/{'/'.join(asset)}/report.html"
    console.print(f"\n{address.removeprefix('file://')}", highlight=False, soft_wrap=True)
