"""Makes the competition's table: a row for each team and for the house teams it must beat, with two ranks that are never mixed.

Forecasts are ranked by tiers of daily losses (`scores/tiers.py`): who stands in a tier is surely worse than somebody in the one
above, and nobody in it can be told apart. A daily loss is the mean over the team's symbols of its error by naive's, so that
`naive` has 0; a session that a team missed counts as "no change". Money is ranked by the interval of the return over
the team's own buy-and-hold, never by the return itself: over 60 sessions that is mostly luck, and rewards who risks most. Telling a
53 % caller from a coin takes about 2,200 sessions, so ties are the normal case and not a weakness.

A team that came when others had begun is in the tier behind all who were surely better on the sessions from its first one on:
a month of calm is no better forecast than a year with a crash in it.

A team with an open alarm has no rank and stands below the ranked ones, whatever its figures: they are what is in doubt.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.chance import Chances, chances, pooled
from my_dagster_project.domain.evaluation import Metrics, wilson_interval
from my_dagster_project.domain.leaderboard import (
    HOUSE_TEAMS,
    NAIVE,
    Leaderboard,
    Standing,
    SymbolRow,
    TeamRow,
    TradingSummary,
)
from my_dagster_project.domain.scores.tiers import forecast_tiers, money_tiers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pandas import DataFrame, Timestamp

    from my_dagster_project.domain.alarms import Alarm

type Evidences = Mapping[tuple[str, str], DataFrame]
"""By (team, symbol) what each session says (`chance.evidence`)."""


def assemble(
    metrics: Mapping[tuple[str, str], Metrics],
    trading: Mapping[str, TradingSummary],
    found: Evidences | None = None,
    alarms: Mapping[str, tuple[Alarm, ...]] | None = None,
) -> Leaderboard:
    """The table without ranks, from metrics and evidence (`chance`) by (team, symbol), trading summaries and alarms by team.

    House teams are in the same mappings; who is in one of them alone still gets a row.
    """
    teams = sorted({team for team, _ in metrics} | set(trading))
    rows = [
        _team_row(
            team,
            [figures for (owner, _), figures in sorted(metrics.items()) if owner == team],
            trading.get(team),
            Chances() if team == NAIVE else chances(_evidence_of(team, found or {})),
            (alarms or {}).get(team, ()),
        )
        for team in teams
    ]
    symbols = (
        SymbolRow(team, symbol, figures)
        for (team, symbol), figures in sorted(metrics.items())
        if team not in HOUSE_TEAMS
    )
    return Leaderboard(tuple(sorted(rows, key=_place)), tuple(symbols))


def ranked(
    board: Leaderboard,
    found: Evidences,
    standings: Mapping[str, Standing],
    late: Mapping[str, Timestamp] | None = None,
) -> Leaderboard:
    """The table with both ranks, from evidence by (team, symbol) and what else is proven by team; `late` came when others had begun."""
    judged = [row.team for row in board.teams if not math.isnan(row.mase) and not row.open_alarms]
    tiers = _forecast_ranks({team: -_evidence_of(team, found)["loss"] for team in judged}, late or {})
    told = [row.team for row in board.teams if row.team in standings and not row.open_alarms]
    by_money = money_tiers({team: standings[team].money.excess for team in told})
    rows = [
        replace(
            row,
            rank=tiers.get(row.team),
            since=late[row.team].date().isoformat() if late and row.team in late else "",
            standing=replace(standings.get(row.team, row.standing), money_rank=by_money.get(row.team)),
        )
        for row in board.teams
    ]
    return replace(board, teams=tuple(sorted(rows, key=_place)))


def carried(board: Leaderboard, before: Leaderboard) -> Leaderboard:
    """The table with the ranks of one before; a house team's row is the one of then, and an alarm costs its rank at once."""
    then = {row.team: row for row in before.teams}
    rows = [
        replace(
            row,
            rank=None if row.open_alarms else then[row.team].rank,
            since=then[row.team].since,
            standing=replace(then[row.team].standing, money_rank=None)
            if row.open_alarms
            else then[row.team].standing,
        )
        if row.team in then
        else row
        for row in board.teams
    ]
    here = {row.team for row in rows}
    rows += [row for row in before.teams if row.house and row.team not in here]
    return replace(board, teams=tuple(sorted(rows, key=_place)), ranked=before.ranked)


def beside(board: Leaderboard, before: Leaderboard, equity_before: Mapping[str, float]) -> Leaderboard:
    """The table with how many tiers each team has risen since the ranking before, and what it was worth a session ago."""
    then = {row.team: row for row in before.teams}

    def rose(row: TeamRow) -> int:
        was = then.get(row.team)
        if was is None or row.rank is None or was.rank is None:
            return 0
        return was.rose if before.ranked == board.ranked else was.rank - row.rank

    return replace(
        board,
        teams=tuple(
            replace(row, rose=rose(row), equity_before=equity_before.get(row.team, math.nan))
            for row in board.teams
        ),
    )


def _forecast_ranks(losses: Mapping[str, Any], late: Mapping[str, Timestamp]) -> dict[str, int]:
    import pandas as pd

    table = pd.DataFrame(losses).fillna(0.0)
    on_time = forecast_tiers(table[[team for team in table if team not in late]])
    found = dict(on_time)
    for team, since in late.items():
        common = forecast_tiers(table[table.index >= since]) if team in table else {}
        if team in common:
            better = [tier for one, tier in found.items() if common[one] < common[team]]
            found[team] = max(better, default=0) + 1
    return found


def _evidence_of(team: str, found: Evidences) -> DataFrame:
    return pooled([one for (owner, _), one in found.items() if owner == team])


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
        house=team in HOUSE_TEAMS,
        symbols=len(figures),
        n=sum(one.n for one in figures),
        mase=pooled_mase(figures),
        **_pooled_direction(calls),
        trading=trading or TradingSummary(),
        drift_mase=_weighted([(one.n, one.drift_mase) for one in figures]),
        chances=chance,
        alarms=alarms,
        sessions=max((one.n for one in figures), default=0),
    )


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


def _place(row: TeamRow) -> tuple[bool, int, bool, bool, float, str]:
    """Whom a rank, then a MASE puts first; within a tier the order says nothing."""
    unknown = math.isnan(row.mase)
    return (
        row.rank is None,
        row.rank or 0,
        unknown,
        bool(row.open_alarms),
        0.0 if unknown else row.mase,
        row.team,
    )
