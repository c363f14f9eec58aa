"""The competition's table from what is stored: the asset stores it, and whoever doubts a figure makes it again."""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.alarms import Alarm
from my_dagster_project.domain.chance import evidence
from my_dagster_project.domain.evaluation import Metrics, evaluate
from my_dagster_project.domain.house import house_forecasts, originals_of
from my_dagster_project.domain.latecomers import latecomers
from my_dagster_project.domain.leaderboard import Leaderboard, Standing
from my_dagster_project.domain.performance import EquityCurve
from my_dagster_project.domain.ranking import assemble, beside, carried, ranked
from my_dagster_project.domain.scores.money_scores import MoneyScores
from my_dagster_project.domain.scores.originality import Original
from my_dagster_project.domain.scores.trials import Tries, tries_of
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.pipeline.alarming import scored_sessions, stored_leaderboard, table_window
from my_dagster_project.pipeline.assets.money import (
    equity_curves,
    from_one_start,
    is_replay,
    money_of,
    returns_of,
    trading_summaries,
    with_tries,
)
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.partitions import is_looked_at
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.stored_bars import all_bars
from my_dagster_project.teams.deployment import season_book
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.replays import trials
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
    money = with_tries(platform, assets, teams, money, curves, noting=noting)
    before = _table_before(assets)
    if is_looked_at(platform) or not (before and before.ranked):
        late = latecomers(scored)
        standings = _standings(
            platform, assets, scored, money_of(platform, assets, teams, bars, curves), curves
        )
        doubtful = {team for team, one in alarms.items() if any(not alarm.cleared for alarm in one)}
        house_scored = house_forecasts(scored, bars, _positions(platform) | doubtful)
        scored |= house_scored
        evidences |= {name: evidence(frame) for name, frame in house_scored.items()}
        board = ranked(
            assemble(_figures(platform, scored), money, evidences, alarms), evidences, standings, late
        )
        board = replace(board, ranked=_dates(window).get("last", ""))
    else:
        board = carried(assemble(_figures(platform, scored), money, evidences, alarms), before)
    board = beside(board, before or board, _worth_before(curves))
    board = replace(board, **_dates(window), replayed=is_replay(platform))
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
    told = _positions(platform)
    return {of: replace(one, mase=math.nan) if of[0] in told else one for of, one in found.items()}


def _standings(
    platform: Platform,
    assets: AssetStore,
    scored: "dict[tuple[str, str], pd.DataFrame]",
    money: dict[str, MoneyScores],
    curves: dict[str, EquityCurve],
) -> dict[str, Standing]:
    """By team what takes many draws: its money, what its forecasts add, what its tries do to its record."""
    original = originals_of(scored)
    tried = {
        team: tries_of(returns_of(platform, curves[team]), trials(assets, team))
        for team in platform.teams
        if curves.get(team)
    }
    return {
        team: Standing(
            money=money.get(team, MoneyScores()),
            original=original.get(team, Original()),
            tries=tried.get(team, Tries()),
        )
        for team in {*money, *original}
    }


def _positions(platform: Platform) -> set[str]:
    return {team for team, config in platform.teams.items() if config.answers == "position"}


def _table_before(assets: AssetStore) -> Leaderboard | None:
    """The table that is stored; None where there is none that this version can read."""
    with suppress(ObjectMissingError, ValueError, KeyError):
        return stored_leaderboard(assets)
    return None


def _worth_before(curves: dict[str, EquityCurve]) -> dict[str, float]:
    """What each team was worth a session before the newest one of all."""
    last = max((curve[-1][0] for curve in curves.values() if curve), default=date.max)
    earlier = {team: [worth for day, worth in curve if day < last] for team, curve in curves.items()}
    return {team: worth[-1] for team, worth in earlier.items() if worth}


def _dates(window: list[date]) -> dict[str, Any]:
    return {"first": window[0].isoformat(), "last": window[-1].isoformat()} if window else {}
