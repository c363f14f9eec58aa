"""The competition's table, from every team's reports, order records and fills, beside the house teams. It only reads."""

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import dagster as dg

from my_dagster_project.domain.alarms import Alarm
from my_dagster_project.domain.chance import evidence
from my_dagster_project.domain.evaluation import Metrics, evaluate
from my_dagster_project.domain.latecomers import latecomers
from my_dagster_project.domain.leaderboard import Leaderboard, TradingSummary, curves_to_json, to_json
from my_dagster_project.domain.performance import EquityCurve
from my_dagster_project.domain.ranking import assemble, beside
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.operations.mlflow_history import current_runs
from my_dagster_project.pipeline.alarming import (
    NO_ALARM,
    OPEN,
    blocking_checks,
    scored_sessions,
    standing_alarms,
    table_window,
)
from my_dagster_project.pipeline.assets.keys import leaderboard_key
from my_dagster_project.pipeline.assets.money import (
    equity_curves,
    from_one_start,
    is_replay,
    trading_summaries,
    with_tries,
)
from my_dagster_project.pipeline.assets.outputs import files_output, picture, shown
from my_dagster_project.pipeline.assets.stamp import stamped
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.chain import Place
from my_dagster_project.pipeline.partitions import is_looked_at
from my_dagster_project.pipeline.resources import AssetStoreResource, TrackingResource
from my_dagster_project.pipeline.retries import explained, network_retries
from my_dagster_project.reports.asset_pictures import pictured
from my_dagster_project.reports.leaderboard_columns import TEAM_COLUMNS, alarm_lines, leaderboard_markdown
from my_dagster_project.reports.plots import equity_plot
from my_dagster_project.storage import names
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.stored_bars import all_bars
from my_dagster_project.teams.deployment import season_book
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.results import Result, result_of

if TYPE_CHECKING:
    import pandas as pd


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
        bars = explained(lambda: all_bars(assets, platform.symbols))
        results = explained(lambda: _results(platform, assets, teams))
        house = explained(lambda: _of_the_house(platform, bars))
        curves = explained(lambda: equity_curves(platform, results, house))
        window = table_window(platform, results)
        scored = explained(lambda: scored_sessions(assets, platform, window))
        evidences = {name: evidence(frame) for name, frame in scored.items()}
        alarms = explained(lambda: standing_alarms(context.instance, assets, platform, guards, evidences))
        money = explained(lambda: trading_summaries(platform, teams, results, bars, house, curves))
        money = explained(lambda: with_tries(platform, assets, teams, money))
        figures = _figures(platform, scored)
        replayed = is_replay(platform)
        ranked = assemble(figures, money, evidences, alarms, latecomers(scored))
        before = _session_before(platform, scored, curves, alarms)
        board = replace(beside(ranked, before), **_dates(window), replayed=replayed)
        context.log.info(f"{len(board.teams)} teams on the table")
        yield _alarm_result(board)
        _note_figures(context, tracking, board, platform.pooled)
        drawn = from_one_start(curves, platform.registry.competition.starting_cash)
        files = {names.LEADERBOARD: to_json(board).encode(), names.EQUITY: curves_to_json(drawn).encode()}
        yield files_output(files, _metadata(board, drawn, platform))

    return leaderboard


def _of_the_house(platform: Platform, bars: "dict[str, pd.DataFrame]") -> "dict[str, pd.DataFrame]":
    """What the house team that buys and holds has bars of: of a season what was traded when it began, whoever trades what since."""
    state = season_book(load_settings()).read() if platform.registry.season else None
    fixed = state.symbols if state else ()
    return {symbol: frame for symbol, frame in bars.items() if not fixed or symbol in fixed}


def _results(platform: Platform, assets: AssetStore, teams: list[TeamContext]) -> dict[str, Result]:
    spread = Decimal(str(platform.registry.competition.cost_bps))
    return {team.name: result_of(assets, team.name, spread) for team in teams}


def _figures(
    platform: Platform, scored: "dict[tuple[str, str], pd.DataFrame]"
) -> dict[tuple[str, str], Metrics]:
    """What predictions are worth as forecasts; positions have no MASE, for they say nothing of the size of a move."""
    found = {of: evaluate(frame) for of, frame in scored.items()}
    told = {team for team, config in platform.teams.items() if config.answers == "position"}
    return {of: replace(one, mase=math.nan) if of[0] in told else one for of, one in found.items()}


def _session_before(
    platform: Platform,
    scored: "dict[tuple[str, str], pd.DataFrame]",
    curves: dict[str, EquityCurve],
    alarms: dict[str, tuple[Alarm, ...]],
) -> Leaderboard:
    """The table as it stood a session earlier, on today's bars: ranks and equity alone."""
    newest = max((frame["session"].max() for frame in scored.values() if len(frame)), default=None)
    parts = {of: frame[frame["session"] < newest] for of, frame in scored.items() if len(frame)}
    shorter = {of: frame for of, frame in parts.items() if len(frame)}
    figures = _figures(platform, shorter)
    last = max((curve[-1][0] for curve in curves.values() if curve), default=None)
    known = {team: [value for day, value in curve if day < last] for team, curve in curves.items() if last}
    money = {team: TradingSummary(equity=values[-1]) for team, values in known.items() if values}
    return assemble(figures, money, None, alarms, latecomers(shorter))


def _dates(window: list[date]) -> dict[str, Any]:
    return {"first": window[0].isoformat(), "last": window[-1].isoformat()} if window else {}


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
    columns = [column for column in TEAM_COLUMNS if column.key or column.main]
    standings = [dg.TableRecord({column.name: column.cell(row) for column in columns}) for row in board.teams]
    table = {"teams": dg.MetadataValue.table(standings)}
    return {**table, "table": dg.MetadataValue.md(leaderboard_markdown(board)), **plots}
