"""What the competition's table says of money: each team's equity, and the house teams' beside it. It only reads."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from my_dagster_project.domain.leaderboard import BUY_AND_HOLD, TradingSummary
from my_dagster_project.domain.performance import (
    EquityCurve,
    buy_and_hold,
    buying_costs,
    performance,
    return_interval,
)
from my_dagster_project.domain.scores.money_scores import MoneyScores, money_scores
from my_dagster_project.pipeline.assets.team_context import TeamContext
from my_dagster_project.pipeline.partitions import last_session, replay_sessions
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.teams.platform import Platform
from my_dagster_project.trading.replays import counted
from my_dagster_project.trading.results import Result, expected_sessions
from my_dagster_project.trading.session_money import SessionMoney, session_money

if TYPE_CHECKING:
    import pandas as pd


def equity_curves(
    platform: Platform, results: Mapping[str, Result], house: "dict[str, pd.DataFrame]"
) -> dict[str, EquityCurve]:
    """Each team's equity at every close on record, and what holding the `house` would have been worth up to the newest one."""
    newest = last_session(platform)
    curves = {team: _curve(result) for team, result in results.items()}
    if spans := [curve for curve in curves.values() if curve]:
        curves[BUY_AND_HOLD] = _held(platform, house, min(curve[0][0] for curve in spans), newest)
    return curves


def from_one_start(curves: dict[str, EquityCurve], cash: float) -> dict[str, EquityCurve]:
    """The curves as they are drawn: who buys and holds has its cash (dollars) at the close before its first open, as teams have."""
    held = curves.get(BUY_AND_HOLD)
    first = min((curve[0][0] for curve in curves.values() if curve), default=None)
    if not held or first is None or held[0][0] == first:
        return curves
    return {**curves, BUY_AND_HOLD: [(first, cash), *held]}


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


def trading_summaries(
    platform: Platform,
    teams: list[TeamContext],
    results: Mapping[str, Result],
    bars: "dict[str, pd.DataFrame]",
    house: "dict[str, pd.DataFrame]",
    curves: dict[str, EquityCurve],
) -> dict[str, TradingSummary]:
    """What each team did with its money, and what holding would have come to, beside each curve."""
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
    if held := curves.get(BUY_AND_HOLD):
        every = _buying_bps(platform, house, held[0][0], held[-1][0])
        costs = sum(buying_costs(cash / len(every), bps) for bps in every.values())
        money = _with_figures(TradingSummary(), held, cash, costs)
        summaries[BUY_AND_HOLD] = replace(money, buy_and_hold_return=money.total_return)
    return summaries


def money_of(
    platform: Platform,
    assets: AssetStore,
    teams: list[TeamContext],
    bars: "dict[str, pd.DataFrame]",
    curves: dict[str, EquityCurve],
) -> dict[str, MoneyScores]:
    """What each team's money was worth beside its own buy-and-hold (its symbols, all of its cash), with intervals; the house's too."""
    cash, found = platform.registry.competition.starting_cash, {}
    spread = Decimal(str(platform.registry.competition.cost_bps))
    for team in teams:
        if curve := _after_the_start(curves[team.name]):
            own = {symbol: bars[symbol] for symbol in team.config.symbols if symbol in bars}
            held = _held(platform, own, curves[team.name][0][0], curve[-1][0])
            found[team.name] = _money(curve, held, cash, session_money(assets, team.name, spread))
    if BUY_AND_HOLD in curves:
        found[BUY_AND_HOLD] = _money(curves[BUY_AND_HOLD], curves[BUY_AND_HOLD], cash, ())
    return found


def _money(curve: EquityCurve, held: EquityCurve, cash: float, rows: Sequence[SessionMoney]) -> MoneyScores:
    """Scores of an equity curve; what was traded, paid and at risk as far as it is on record."""
    import pandas as pd

    equity = pd.Series(dict(curve))
    before = equity.shift(fill_value=cash)
    beside = pd.Series(dict(held)).reindex(equity.index, method="ffill").fillna(cash)
    told = {row.session: (row.traded, row.costs, row.exposure) for row in rows}
    known = pd.DataFrame(told, index=["traded", "costs", "exposure"], dtype=float).T.reindex(equity.index)
    return money_scores(
        equity / before - 1,
        beside / beside.shift(fill_value=cash) - 1,
        traded=known["traded"].fillna(0.0) / before,
        costs=known["costs"].fillna(0.0) / before,
        exposure=known["exposure"].ffill(),  # the plan after the newest close is still to come
    )


def is_replay(platform: Platform) -> bool:
    """Whether the sessions had long been when they were traded; in a season they are lived, also in a lapse."""
    return platform.registry.market.end is not None and platform.registry.season is None


def with_tries(
    platform: Platform,
    assets: AssetStore,
    teams: list[TeamContext],
    money: dict[str, TradingSummary],
    curves: Mapping[str, EquityCurve],
    *,
    noting: bool = True,
) -> dict[str, TradingSummary]:
    """The same with how often each team has tried on these sessions; where they are lived nobody can try twice.

    With `noting` what the newest try has come to goes on record first.
    """
    window = replay_sessions(platform)
    if not (window and is_replay(platform)):
        return money
    found = dict(money)
    for team in teams:
        one = found[team.name]
        known_whole = noting and not math.isnan(one.total_return) and not one.part
        come_to = returns_of(platform, curves[team.name]) if known_whole else {}
        told = (team.config.trial_fingerprint(), platform.origin(team.name), come_to)
        if known := counted(assets, team.name, window, *told):
            first = known[0].total_return
            first = math.nan if first is None else first
            found[team.name] = replace(one, edits=len(known) - 1, first_return=first)
    return found


def returns_of(platform: Platform, curve: EquityCurve) -> dict[str, float]:
    """A team's return of each session (ISO), from that of its first fills on."""
    lived = _after_the_start(curve)
    worth = [platform.registry.competition.starting_cash, *(value for _, value in lived)]
    return {
        day.isoformat(): after / before - 1 for (day, after), before in zip(lived, worth[:-1], strict=True)
    }


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
