"""The competition's table from what is stored: the asset stores it, and whoever doubts a figure makes it again."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.alarms import Alarm
from my_dagster_project.domain.chance import evidence
from my_dagster_project.domain.evaluation import Metrics, evaluate
from my_dagster_project.domain.latecomers import latecomers
from my_dagster_project.domain.leaderboard import Leaderboard, TradingSummary
from my_dagster_project.domain.performance import EquityCurve
from my_dagster_project.domain.ranking import assemble, beside
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.pipeline.alarming import scored_sessions, table_window
from my_dagster_project.pipeline.assets.money import (
    equity_curves,
    from_one_start,
    is_replay,
    trading_summaries,
    with_tries,
)
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.stored_bars import all_bars
from my_dagster_project.teams.deployment import season_book
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.results import Result, result_of

if TYPE_CHECKING:
    import pandas as pd

type Evidences = "Mapping[tuple[str, str], pd.DataFrame]"
type Alarms = dict[str, tuple[Alarm, ...]]


@dataclass(frozen=True)
class CompetitionTable:
    """The table, and the equity curves as they are drawn beside it."""

    board: Leaderboard
    curves: dict[str, EquityCurve]


def competition_table(
    platform: Platform,
    assets: AssetStore,
    teams: list[TeamContext],
    alarms_of: Callable[[Evidences], Alarms],
    *,
    noting: bool = True,
) -> CompetitionTable:
    """Make the table of what is stored; `alarms_of` gives what is said about the evidence of each team's symbols.

    With `noting` what a replay has come to goes on record as a try; without it nothing is written. Raises StorageError and its like.
    """
    bars = all_bars(assets, platform.symbols)
    results = _results(platform, assets, teams)
    house = _of_the_house(platform, bars)
    curves = equity_curves(platform, results, house)
    window = table_window(platform, results)
    scored = scored_sessions(assets, platform, window)
    evidences = {name: evidence(frame) for name, frame in scored.items()}
    alarms = alarms_of(evidences)
    money = trading_summaries(platform, teams, results, bars, house, curves)
    money = with_tries(platform, assets, teams, money, noting=noting)
    ranked = assemble(_figures(platform, scored), money, evidences, alarms, latecomers(scored))
    before = _session_before(platform, scored, curves, alarms)
    board = replace(beside(ranked, before), **_dates(window), replayed=is_replay(platform))
    return CompetitionTable(board, from_one_start(curves, platform.registry.competition.starting_cash))


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
    alarms: Alarms,
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
