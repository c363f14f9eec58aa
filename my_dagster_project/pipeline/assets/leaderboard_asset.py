"""The competition's table, from every team's reports, order records and fills, beside the house teams. It only reads."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import dagster as dg

from my_dagster_project.domain.chance import evidence
from my_dagster_project.domain.evaluation import evaluate
from my_dagster_project.domain.leaderboard import BUY_AND_HOLD, Leaderboard, TradingSummary, assemble, to_json
from my_dagster_project.domain.performance import (
    EquityCurve,
    buy_and_hold,
    buying_costs,
    performance,
    return_interval,
)
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.pipeline.alarming import (
    NO_ALARM,
    OPEN,
    blocking_checks,
    scored_sessions,
    standing_alarms,
    table_window,
)
from my_dagster_project.pipeline.assets.keys import leaderboard_key, model_key
from my_dagster_project.pipeline.assets.outputs import files_output, picture, shown
from my_dagster_project.pipeline.assets.stamp import stamped
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.chain import Place
from my_dagster_project.pipeline.partitions import last_session, replay_sessions
from my_dagster_project.pipeline.resources import AssetStoreResource, TrackingResource
from my_dagster_project.pipeline.retries import explained, network_retries
from my_dagster_project.reports.leaderboard_columns import TEAM_COLUMNS, alarm_lines, leaderboard_markdown
from my_dagster_project.reports.plots import equity_plot
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.stored_bars import all_bars
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.replays import counted
from my_dagster_project.trading.results import Result, expected_sessions, result_of

if TYPE_CHECKING:
    import pandas as pd


def leaderboard_asset(
    platform: Platform, teams: list[TeamContext], made: list[dg.AssetsDefinition | dg.AssetSpec]
) -> dg.AssetsDefinition:
    """The asset `[competition, leaderboard]`; a failure of the checks that guard what was `made` for it costs a rank."""
    guards = blocking_checks(made)

    key = leaderboard_key()

    @dg.asset(
        description="Every team's forecasts and money, each figure beside its baseline.",
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
        curves = explained(lambda: _curves(platform, results, bars))
        window = table_window(platform, results)
        scored = explained(lambda: scored_sessions(assets, platform, window))
        evidences = {name: evidence(frame) for name, frame in scored.items()}
        alarms = explained(lambda: standing_alarms(context.instance, assets, platform, guards, evidences))
        money = explained(lambda: _summaries(platform, teams, results, bars, curves))
        money = explained(lambda: _with_tries(platform, assets, teams, money))
        figures = {name: evaluate(frame) for name, frame in scored.items()}
        replayed = _is_replay(platform)
        board = replace(assemble(figures, money, evidences, alarms), **_dates(window), replayed=replayed)
        context.log.info(f"{len(board.teams)} teams on the table")
        yield _alarm_result(board)
        _note_figures(context, tracking, board)
        yield files_output({"leaderboard.json": to_json(board).encode()}, _metadata(board, curves))

    return leaderboard


def _dates(window: list[date]) -> dict[str, Any]:
    return {"first": window[0].isoformat(), "last": window[-1].isoformat()} if window else {}


@shown
def _note_figures(context: dg.AssetExecutionContext, tracking: TrackingResource, board: Leaderboard) -> None:
    """Tell MLflow how the models in the table did; without MLflow the table is as good."""
    returns = {row.team: row.trading.total_return for row in board.teams}
    figures = {}
    for row in board.symbols:
        event = context.instance.get_latest_materialization_event(model_key(row.team, row.symbol))
        made = event.asset_materialization if event else None
        if made and (run := made.metadata.get("mlflow_run")):
            one = row.metrics
            figures[str(run.value)] = {
                "mase": one.mase, "direction": one.direction, "ic": one.ic, "team_return": returns[row.team]
            }  # fmt: skip
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


def _results(platform: Platform, assets: AssetStore, teams: list[TeamContext]) -> dict[str, Result]:
    spread = Decimal(str(platform.registry.competition.cost_bps))
    return {team.name: result_of(assets, team.name, spread) for team in teams}


def _curves(
    platform: Platform, results: Mapping[str, Result], bars: "dict[str, pd.DataFrame]"
) -> dict[str, EquityCurve]:
    """Each team's equity at every close on record, and what holding would have been worth up to the newest one."""
    newest = last_session(platform)
    curves = {team: _curve(result) for team, result in results.items()}
    if spans := [curve for curve in curves.values() if curve]:
        curves[BUY_AND_HOLD] = _held(platform, bars, min(curve[0][0] for curve in spans), newest)
    return curves


def _curve(result: Result) -> EquityCurve:
    return [(session, float(equity)) for session, equity in result.curve]


def _held(
    platform: Platform,
    bars: "dict[str, pd.DataFrame]",
    first: date,
    last: date,
    largest_share: float = 1.0,
) -> EquityCurve:
    """Buying and holding what has bars, for a start after the close of `first`: cash until the next open, as for a team."""
    cash, opened = platform.registry.competition.starting_cash, platform.calendar.next_session(first)
    # On the day a team starts there is no next open yet, and a symbol whose source broke before has no bars since.
    costs = _buying_bps(platform, bars, opened, last)
    if not costs:
        return [(first, cash)]
    return buy_and_hold({symbol: bars[symbol] for symbol in costs}, opened, last, cash, costs, largest_share)


def _buying_bps(
    platform: Platform, bars: "dict[str, pd.DataFrame]", first: date, last: date
) -> dict[str, float]:
    """What buying each symbol with bars costs at its first open, hundredths of a per cent: half spread and commission."""
    import pandas as pd

    competition, found = platform.registry.competition, {}
    for symbol, frame in bars.items():
        opens = frame.loc[frame["session"].between(pd.Timestamp(first), pd.Timestamp(last)), "open"]
        if len(opens):
            commission = competition.commission / float(opens.iloc[0]) * 10_000
            found[symbol] = competition.costs_of(symbol)[0] + commission
    return found


def _summaries(
    platform: Platform,
    teams: list[TeamContext],
    results: Mapping[str, Result],
    bars: "dict[str, pd.DataFrame]",
    curves: dict[str, EquityCurve],
) -> dict[str, TradingSummary]:
    cash = platform.registry.competition.starting_cash
    summaries = {}
    for team in teams:
        result, curve = results[team.name], curves[team.name]
        money = TradingSummary(orders=result.orders, fills=result.fills, **_sessions(platform, result))
        if curve:
            own = {symbol: bars[symbol] for symbol in team.config.symbols if symbol in bars}
            span = (curve[0][0], curve[-1][0])
            capped = _held(platform, own, *span, _largest_share(team))
            money = _with_figures(money, _after_the_start(curve), cash, float(result.costs))
            money = replace(
                money,
                buy_and_hold_return=_held(platform, own, *span)[-1][1] / cash - 1,
                capped_hold_return=capped[-1][1] / cash - 1,
            )
        summaries[team.name] = money
    if house := curves.get(BUY_AND_HOLD):
        every = _buying_bps(platform, bars, house[0][0], house[-1][0])
        costs = sum(buying_costs(cash / len(every), bps) for bps in every.values())
        money = _with_figures(TradingSummary(), house, cash, costs)
        summaries[BUY_AND_HOLD] = replace(money, buy_and_hold_return=money.total_return)
    return summaries


def _is_replay(platform: Platform) -> bool:
    """Whether the sessions had long been when they were traded; in a season they are lived, also in a lapse."""
    return platform.registry.market.end is not None and platform.registry.season is None


def _with_tries(
    platform: Platform, assets: AssetStore, teams: list[TeamContext], money: dict[str, TradingSummary]
) -> dict[str, TradingSummary]:
    """The same with how often each team has tried on these sessions; where they are lived nobody can try twice."""
    window = replay_sessions(platform)
    if not (window and _is_replay(platform)):
        return money
    found = dict(money)
    for team in teams:
        one = found[team.name]
        come_to = None if math.isnan(one.total_return) or one.part else one.total_return
        told = (team.config.trial_fingerprint(), platform.origin(team.name), come_to)
        if known := counted(assets, team.name, window, *told):
            first = known[0].total_return
            first = math.nan if first is None else first
            found[team.name] = replace(one, edits=len(known) - 1, first_return=first)
    return found


def _after_the_start(curve: EquityCurve) -> EquityCurve:
    """From the session of the first fills on, as buying and holding is judged: the close before them is no return yet."""
    return curve[1:] or curve


def _largest_share(team: TeamContext) -> float:
    """The fraction of its equity that a team may and would put into one symbol."""
    trading = team.config.trading
    # With a volatility target it is where the scaling begins, no bound.
    own = None if trading.volatility_target else trading.position_share
    shares = (own, trading.limits.position_share, team.entry.limits.position_share)
    return min(share for share in shares if share is not None)


def _sessions(platform: Platform, result: Result) -> dict[str, int]:
    """How many of the sessions that are to be on record are, up to their fills."""
    expected = expected_sessions(platform.calendar, replay_sessions(platform), result)
    return {"sessions": len(result.settled.intersection(expected)), "expected": len(expected)}


def _with_figures(money: TradingSummary, curve: EquityCurve, cash: float, costs: float) -> TradingSummary:
    figures = performance(curve, starting_cash=cash)
    low, high = return_interval(curve, starting_cash=cash)
    return replace(
        money,
        return_low=low,
        return_high=high,
        equity=curve[-1][1],
        total_return=figures.total_return,
        sharpe=figures.sharpe,
        max_drawdown=figures.max_drawdown,
        costs=costs,
    )


@shown
def _metadata(board: Leaderboard, curves: dict[str, EquityCurve]) -> dict:
    # One session alone is a point, not a curve; matplotlib warns that it finds no scale for it.
    drawn = any(len(curve) > 1 for curve in curves.values())
    plots: dict[str, Any] = {"equity": picture(equity_plot(curves), "equity of every team")} if drawn else {}
    # Dagit shows a table in place, as wide as half its page; Markdown only behind a click.
    columns = [column for column in TEAM_COLUMNS if column.key or column.main]
    standings = [dg.TableRecord({column.name: column.cell(row) for column in columns}) for row in board.teams]
    table = {"teams": dg.MetadataValue.table(standings)}
    return {**table, "table": dg.MetadataValue.md(leaderboard_markdown(board)), **plots}
