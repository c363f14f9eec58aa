"""The end of the main job: the tables a person wants to read, what went wrong, and where to look next."""

from my_dagster_project.domain.leaderboard import Leaderboard, SymbolRow
from my_dagster_project.domain.revisions import STAYS, revision_lines
from my_dagster_project.foundation.addresses import folder_of
from my_dagster_project.foundation.console import Console, styled
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.main_job.run import Result
from my_dagster_project.pipeline.assets.keys import report_key
from my_dagster_project.reports.columns import csv_table
from my_dagster_project.reports.evidently_report import read_metrics
from my_dagster_project.reports.leaderboard_columns import (
    BY_FORECAST,
    BY_MONEY,
    SYMBOL_COLUMNS,
    TEAM_COLUMNS,
    alarm_lines,
    ranking_rule,
)
from my_dagster_project.reports.terminal_tables import print_table
from my_dagster_project.storage.opening import open_assets
from my_dagster_project.teams.platform import Platform


def print_leaderboard(console: Console, board: Leaderboard) -> None:
    """Per team and symbol, then the teams by their forecasts and by their money."""
    print_table(console, "Forecasts", SYMBOL_COLUMNS, board.symbols)
    print_table(console, "Teams by forecasts", BY_FORECAST, board.by_forecast)
    print_table(console, "Teams by money", BY_MONEY, board.by_money)
    console.print(styled((f"{board.span} {ranking_rule(board)}".strip(), "dim")))
    for line in alarm_lines(board):
        console.say((line, "red" if board.open_alarms else "dim"))
    console.print()


def leaderboard_csv(board: Leaderboard, *, by_symbol: bool) -> str:
    """The bare figures of a table as CSV."""
    if by_symbol:
        return csv_table(SYMBOL_COLUMNS, board.symbols)
    return csv_table(TEAM_COLUMNS, board.teams)


def print_result(console: Console, result: Result, platform: Platform, settings: Settings) -> None:
    """What was recorded, what failed, where to look next."""
    for commit in result.commits:
        made = " (branch made now, from HEAD)" if commit.branch_created else ""
        console.say(
            "branch ",
            (commit.branch, "bold"),
            f"{made}: {commit.sha[:10]} records {len(commit.assets)} assets",
        )
    print_problems(console, result, platform)
    _where_next(console, platform, settings)


def print_report(console: Console, settings: Settings, team: str, symbol: str) -> None:
    """The figures of a stored report and the address of its page; raises ObjectMissingError when there is none."""
    asset = tuple(report_key(team, symbol).path)
    try:
        data = open_assets(settings.store_url, settings.dvc_url).read_file(asset, "report.json")
    except ObjectMissingError:
        raise ObjectMissingError(
            f"team {team} has no report of {symbol}; `trading status` says what there is and what is due"
        ) from None
    row = SymbolRow(team, symbol, read_metrics(data))
    for column in SYMBOL_COLUMNS:
        console.say(f"{column.name:18} {column.cell(row)}")
    console.say(f"\n{_readable(settings.store_url)}/{'/'.join(asset)}/report.html")
    if settings.front_url:
        console.say(f"{settings.front_url}/reports/{team}/{symbol}")


def print_problems(console: Console, result: Result, platform: Platform) -> None:
    """Every team that is left out and every step that failed, each with its message."""
    for team, message in platform.problems.items():
        console.say((f"team {team} has to mend its file:", "red"), f"\n{message}")
    for warning in result.warnings:
        console.say((warning, "yellow"))
    for symbol, revised in result.revised.items():
        console.say((f"{symbol}: the source has revised bars", "yellow"))
        for line in revision_lines(revised):
            console.say(f"    {line}")
    if result.revised:
        console.say((f"    {STAYS}", "dim"))
    for problem in result.problems:
        console.say((f"✗ {problem.step}:", "red"), f" {problem.message}")


def _where_next(console: Console, platform: Platform, settings: Settings) -> None:
    team = next(iter(platform.teams), None)
    if team is None:
        return
    branch = platform.registry.teams[team].branch
    lines = {
        **_a_report(platform, settings),
        "Everything in Dagit": "make ui, then http://localhost:3000",
        "Experiments": "make mlflow, then http://localhost:5000",
        "Edit a team": f"git switch {branch}, edit configs/{team}.yaml, trading validate {team}, commit, make run",
        "A team's versions": f"git log {branch} -- assets",
    }
    console.say(("\nWhere to look next", "bold"))
    for what, where in lines.items():
        console.say(f"  {what:20} {where}")


def _readable(url: str) -> str:
    """A store's address as people open it: the folder's own path."""
    return str(folder_of(url) or url)


def _a_report(platform: Platform, settings: Settings) -> dict[str, str]:
    """Where the first report that is there lies; none, of a run that came to no report."""
    assets, store = open_assets(settings.store_url, settings.dvc_url), _readable(settings.store_url)
    for team, config in platform.teams.items():
        for symbol in config.symbols:
            asset = tuple(report_key(team, symbol).path)
            if "report.html" in assets.names(asset):
                return {"A report": f"{store}/{'/'.join(asset)}/report.html"}
    return {}
