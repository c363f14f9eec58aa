"""Makes the competition's table: a row for each team and for the house teams it must beat, in the order of their ranks.

Ranking rule. Teams are ordered by their MASE over all symbols, smallest first, and a team shares the rank of the one
above when the difference is too small to mean anything: less than `TIE_MASE`, with overlapping 95 % intervals of
direction. Return is shown but does not rank: over 60 sessions it is mostly luck, while a forecast is judged on every row.
Telling a 53 % caller from a coin takes about 2,200 sessions, so ties are the normal case and not a weakness.

The house team `naive` predicts no change (MASE exactly 1, no calls) and is ranked like any other; `buy-and-hold` makes no
forecast of the size of a move, so it stands unranked below, with the share of up sessions as its direction.

A team that came when others had begun is placed after all who were better on the sessions from its first one on, and ties are
judged on these too: a month of calm is no better forecast than a year with a crash in it.

A team with an open alarm has no rank and stands below the ranked ones, whatever its figures: they are what is in doubt.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.chance import Chances, chances, pooled
from my_dagster_project.domain.evaluation import Metrics, wilson_interval
from my_dagster_project.domain.leaderboard import (
    BUY_AND_HOLD,
    HOUSE_TEAMS,
    NAIVE,
    Leaderboard,
    SymbolRow,
    TeamRow,
    TradingSummary,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pandas import DataFrame

    from my_dagster_project.domain.alarms import Alarm
    from my_dagster_project.domain.latecomers import Latecomer

TIE_MASE = 0.01


def assemble(
    metrics: Mapping[tuple[str, str], Metrics],
    trading: Mapping[str, TradingSummary],
    found: Mapping[tuple[str, str], DataFrame] | None = None,
    alarms: Mapping[str, tuple[Alarm, ...]] | None = None,
    late: Mapping[str, Latecomer] | None = None,
) -> Leaderboard:
    """The table from metrics by (team, symbol) and trading summaries by team, evidence (`chance`) and alarms.

    `trading` may hold the house teams too: give `buy-and-hold` its own summary; without one a house team shows no money.
    A team found in only one of the two mappings still gets its row. `late` are the teams that are ranked on common sessions.
    """
    teams = sorted(({team for team, _ in metrics} | set(trading)) - set(HOUSE_TEAMS))
    rows = [
        _team_row(
            team,
            [figures for (owner, _), figures in sorted(metrics.items()) if owner == team],
            trading.get(team),
            chances(pooled([one for (owner, _), one in (found or {}).items() if owner == team])),
            (alarms or {}).get(team, ()),
        )
        for team in teams
    ]
    symbols = tuple(SymbolRow(team, symbol, figures) for (team, symbol), figures in sorted(metrics.items()))
    came = late or {}
    on_time = [row for row in rows if row.team not in came]
    ranked = _ranked([*on_time, *_house_rows(metrics, trading)])
    for team, one in came.items():
        row = next(row for row in rows if row.team == team)
        ranked = _placed(ranked, replace(row, since=one.since), _on_common(one.common))
    return Leaderboard(ranked, symbols)


def beside(board: Leaderboard, before: Leaderboard) -> Leaderboard:
    """The table with how each team stands to that of the session before: lines it rose, and its equity then."""
    then = {row.team: (place, row.trading.equity) for place, row in enumerate(before.teams)}
    return replace(
        board,
        teams=tuple(
            replace(row, rose=then[row.team][0] - place, equity_before=then[row.team][1])
            if row.team in then
            else row
            for place, row in enumerate(board.teams)
        ),
    )


def _team_row(
    team: str,
    figures: list[Metrics],
    trading: TradingSummary | None,
    chance: Chances,
    alarms: tuple[Alarm, ...],
) -> TeamRow:
    calls = [(one.direction, one.direction_n) for one in figures]
    return TeamRow(
        rank=None,
        team=team,
        house=False,
        symbols=len(figures),
        n=sum(one.n for one in figures),
        mase=pooled_mase(figures),
        **_pooled_direction(calls),
        trading=trading or TradingSummary(),
        drift_mase=_weighted([(one.n, one.drift_mase) for one in figures]),
        chances=chance,
        alarms=alarms,
    )


def _house_rows(
    metrics: Mapping[tuple[str, str], Metrics], trading: Mapping[str, TradingSummary]
) -> list[TeamRow]:
    """Both house teams, measured on the symbols in play: for each the team with the most scored sessions gives the rows."""
    widest: dict[str, Metrics] = {}
    for (_, symbol), figures in sorted(metrics.items()):
        if symbol not in widest or figures.n > widest[symbol].n:
            widest[symbol] = figures
    n = sum(figures.n for figures in widest.values())
    ups = _pooled_direction([(figures.up_share, figures.moved_n) for figures in widest.values()])
    no_calls = _pooled_direction([])
    money = {team: trading.get(team, TradingSummary()) for team in HOUSE_TEAMS}
    return [
        TeamRow(None, NAIVE, True, len(widest), n, 1.0 if n else math.nan, **no_calls, trading=money[NAIVE]),
        TeamRow(None, BUY_AND_HOLD, True, len(widest), n, math.nan, **ups, trading=money[BUY_AND_HOLD]),
    ]


def pooled_mase(figures: Iterable[Metrics]) -> float:
    """Geometric mean of the symbols' MASE, weighted by their sessions (Davydenko & Fildes 2013, AvgRelMAE).

    In this mean a symbol twice as bad as naive and one twice as good cancel; pooling dollars instead would let the symbol
    with the highest price decide. Symbols without a MASE are left out; NaN when none has one.
    """
    return _weighted([(one.n, one.mase) for one in figures])


def _weighted(figures: list[tuple[int, float]]) -> float:
    known = [(n, mase) for n, mase in figures if n and not math.isnan(mase)]
    if not known:
        return math.nan
    if any(mase == 0 for _, mase in known):
        return 0.0
    return math.exp(math.fsum(n * math.log(mase) for n, mase in known) / sum(n for n, _ in known))


def _pooled_direction(shares: Iterable[tuple[float, int]]) -> dict[str, Any]:
    """Share of right calls with its interval from (share, number of calls) per symbol."""
    known = [(round(share * n), n) for share, n in shares if n and not math.isnan(share)]
    hits, n = sum(hits for hits, _ in known), sum(n for _, n in known)
    low, high = wilson_interval(hits, n)
    return {"direction": hits / n if n else math.nan, "direction_low": low, "direction_high": high}


def _ranked(rows: list[TeamRow]) -> tuple[TeamRow, ...]:
    """Rows in order with ranks 1, 1, 3, ...; a tie is measured against the best of its group, so ties do not chain."""
    ordered = sorted(rows, key=_place)
    ranked: list[TeamRow] = []
    best: TeamRow | None = None
    for place, row in enumerate(ordered, start=1):
        if math.isnan(row.mase) or row.open_alarms:
            ranked.append(row)
            continue
        if best is None or not _tied(best, row):
            best = replace(row, rank=place)
        ranked.append(replace(row, rank=best.rank))
    return tuple(ranked)


def _on_common(metrics: Mapping[tuple[str, str], Metrics]) -> dict[str, TeamRow]:
    """Everybody's row on some of the sessions, for comparing; the house team that makes no forecast compares with nobody."""
    teams = sorted({team for team, _ in metrics})
    figures = {team: [one for (owner, _), one in metrics.items() if owner == team] for team in teams}
    rows = [_team_row(team, found, None, Chances(), ()) for team, found in figures.items()]
    return {row.team: row for row in [*rows, *_house_rows(metrics, {})]}


def _placed(ranked: tuple[TeamRow, ...], row: TeamRow, common: Mapping[str, TeamRow]) -> tuple[TeamRow, ...]:
    """The table with one more team, behind as many as were better than it on the common sessions."""
    with_rank = [one for one in ranked if one.rank is not None]
    rest = ranked[len(with_rank) :]
    if math.isnan(row.mase) or row.open_alarms:
        return (*with_rank, *sorted([*rest, row], key=_place))
    own = common[row.team]
    better = sum(common[one.team].mase < own.mase for one in with_rank if one.team in common)
    above = with_rank[better - 1] if better else None
    # Those who share a rank stay together.
    index = max(
        (place for place, one in enumerate(with_rank, 1) if above and one.rank == above.rank), default=0
    )
    rank = above.rank if above and _alike(common[above.team], own) else index + 1
    below = with_rank[index:]
    shares = bool(below) and rank == index + 1 and _alike(own, common[below[0].team])
    moved = [one if shares and one.rank == rank else replace(one, rank=(one.rank or 0) + 1) for one in below]
    return (*with_rank[:index], replace(row, rank=rank), *moved, *rest)


def _place(row: TeamRow) -> tuple[bool, bool, float, str]:
    unknown = math.isnan(row.mase)
    return unknown, bool(row.open_alarms), 0.0 if unknown else row.mase, row.team


def _tied(best: TeamRow, row: TeamRow) -> bool:
    apart = best.direction_low > row.direction_high or row.direction_low > best.direction_high
    return row.mase - best.mase < TIE_MASE and not apart


def _alike(one: TeamRow, other: TeamRow) -> bool:
    return _tied(*sorted((one, other), key=lambda row: row.mase))
