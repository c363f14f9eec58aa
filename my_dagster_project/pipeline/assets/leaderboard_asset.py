"""The competition's table, from every team's reports, order records and fills, beside the house teams. It only reads."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import dagster as dg

from my_dagster_project.domain.leaderboard import Leaderboard, curves_to_json, to_json
from my_dagster_project.domain.performance import EquityCurve
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.operations.mlflow_history import current_runs
from my_dagster_project.pipeline.alarming import (
    NO_ALARM,
    OPEN,
    blocking_checks,
    standing_alarms,
)
from my_dagster_project.pipeline.assets.competition_table import competition_table
from my_dagster_project.pipeline.assets.keys import leaderboard_key
from my_dagster_project.pipeline.assets.outputs import files_output, picture, shown
from my_dagster_project.pipeline.assets.stamp import stamped
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.chain import Place
from my_dagster_project.pipeline.partitions import is_looked_at
from my_dagster_project.pipeline.resources import AssetStoreResource, TrackingResource
from my_dagster_project.pipeline.retries import explained, network_retries
from my_dagster_project.reports.asset_pictures import pictured
from my_dagster_project.reports.leaderboard_columns import BY_FORECAST, alarm_lines, leaderboard_markdown
from my_dagster_project.reports.plots import equity_plot
from my_dagster_project.storage import names
from my_dagster_project.teams.platform import Platform


def leaderboard_asset(
    platform: Platform, teams: list[TeamContext], made: list[dg.AssetsDefinition | dg.AssetSpec]
) -> dg.AssetsDefinition:
    """The asset `[competition, leaderboard]`; a failure of the checks that guard what was `made` for it costs a rank."""
    guards = blocking_checks(made)

    key = leaderboard_key()

    @dg.asset(
        description=pictured("Every team's forecasts and money, each figure beside its baseline.", key.path),
        retry_policy=network_retries(),
        check_specs=[
            dg.AssetCheckSpec(
                NO_ALARM,
                asset=key,
                description="No team's figures are too good to be true, and no check of its chain has failed.",
            )
        ],
        **stamped(platform, "leaderboard", Place(), "json"),
    )
    def leaderboard(
        context: dg.AssetExecutionContext, asset_store: AssetStoreResource, tracking: TrackingResource
    ) -> Iterator[Any]:
        assets = asset_store.open()
        told = partial(standing_alarms, context.instance, assets, platform, guards)
        table = explained(partial(competition_table, platform, assets, teams, told))
        board, drawn = table.board, table.curves
        context.log.info(f"{len(board.teams)} teams on the table")
        yield _alarm_result(board)
        if is_looked_at(platform):
            _note_figures(context, tracking, board, platform.pooled)
        files = {names.LEADERBOARD: to_json(board).encode(), names.EQUITY: curves_to_json(drawn).encode()}
        yield files_output(files, _metadata(board, drawn, platform))

    return leaderboard


@shown
def _note_figures(
    context: dg.AssetExecutionContext, tracking: TrackingResource, board: Leaderboard, pooled: list[str]
) -> None:
    """Tell MLflow how the models in the table did; without MLflow the table is as good."""
    returns = {row.team: row.trading.total_return for row in board.teams}
    figures: dict[str, dict[str, float]] = {}
    for row in board.symbols:
        one = row.metrics
        told = {
            "mase": one.mase, "direction": one.direction, "ic": one.ic, "team_return": returns[row.team]
        }  # fmt: skip
        # Of refits each is told how all of them did together: a month says nothing about a model.
        if row.team not in pooled:
            figures |= dict.fromkeys(current_runs(context.instance, row.team, row.symbol), told)
    for team in board.teams:
        if team.team in pooled:
            told = {"mase": team.mase, "direction": team.direction, "team_return": returns[team.team]}
            figures |= dict.fromkeys(current_runs(context.instance, team.team, ""), told)
    try:
        if figures:
            tracking.add_figures(figures)
    except TradingError as error:
        context.log.warning(str(error))


@shown
def _alarm_result(board: Leaderboard) -> dg.AssetCheckResult:
    said: dict[str, list[str]] = {}
    ids: dict[str, list[str]] = {}
    for team, alarm in board.open_alarms:
        said.setdefault(team, []).append(alarm.said)
        ids.setdefault(team, []).append(alarm.id)
    return dg.AssetCheckResult(
        check_name=NO_ALARM,
        passed=not said,
        description="\n".join(alarm_lines(board)) or "No alarm is open.",
        metadata={OPEN: dg.MetadataValue.json(ids)}
        | {team: "\n".join(lines) for team, lines in said.items()},
    )


@shown
def _metadata(board: Leaderboard, curves: dict[str, EquityCurve], platform: Platform) -> dict:
    # One session alone is a point, not a curve; matplotlib warns that it finds no scale for it.
    drawn = is_looked_at(platform) and any(len(curve) > 1 for curve in curves.values())
    plots: dict[str, Any] = {"equity": picture(equity_plot(curves), "equity of every team")} if drawn else {}
    # Dagit shows a table in place, as wide as half its page; Markdown only behind a click.
    columns = [column for column in BY_FORECAST if column.key or column.main]
    standings = [
        dg.TableRecord({column.name: column.cell(row) for column in columns}) for row in board.by_forecast
    ]
    table = {"teams": dg.MetadataValue.table(standings)}
    return {**table, "table": dg.MetadataValue.md(leaderboard_markdown(board)), **plots}
