"""The columns of the competition's two tables, for every place that shows them: terminal, Dagit, front page, CSV.

A new column is one line here; a figure that a page draws in its own way is told by its `words`.
"""

import math
from collections.abc import Sequence

from my_dagster_project.domain.alarms import Alarm
from my_dagster_project.domain.chance import SIGNIFICANT
from my_dagster_project.domain.leaderboard import Leaderboard, SymbolRow, TeamRow, TradingSummary
from my_dagster_project.domain.scores.blocks import LEAST_SESSIONS, Figure
from my_dagster_project.reports.columns import Column, markdown_table
from my_dagster_project.reports.markdown import (
    NONE,
    direction,
    dollars,
    markdown_text,
    number,
    percent,
    signed,
)

RANKING_RULE = (
    "Two rankings, never mixed, both in tiers: who shares one cannot be told apart. Forecasts by daily losses beside naive's (model "
    "confidence sets, 95 %), money by the interval of the return over the team's own buy-and-hold, never by the return. "
    f"Of fewer than {LEAST_SESSIONS} sessions nobody is ranked."
)


def ranking_rule(board: Leaderboard) -> str:
    """How the table ranks, as of when, and on which sessions a team that came when others had begun."""
    as_of = (
        [f"Tiers and intervals are as of {board.ranked}."]
        if board.ranked and board.ranked != board.last
        else []
    )
    late = [
        f"{row.team} came later: its rank is of the sessions from {row.since} on, which it shares with each."
        for row in board.teams
        if row.since
    ]
    return " ".join([RANKING_RULE, *as_of, *late])


def rank_words(rank: int | None, alarms: int) -> str:
    """A rank; for a team that is not ranked `alarm` where it has open ones, else a dash."""
    if alarms:
        return "alarm"
    return NONE if rank is None else str(rank)


def rose_words(tiers: int) -> str:
    """How many tiers a team rose or fell, such as `▲2`; '' where it stands as it stood."""
    return f"{'▲' if tiers > 0 else '▼'}{abs(tiers)}" if tiers else ""


def alarm_lines(board: Leaderboard) -> list[str]:
    """What is open about which team, and what to do about it; what was cleared, by whom and why."""
    return [alarm_words(team, alarm) for team, alarm in board.open_alarms] + [
        f"{row.team}: {alarm.said} ({alarm.cleared})"
        for row in board.teams
        for alarm in row.alarms
        if alarm.cleared
    ]


def alarm_words(team: str, alarm: Alarm) -> str:
    """What an open alarm of a team says and costs, and what to do about it."""
    return f"{team} has no rank: {alarm.said}. `trading clear {team} --reason ...` gives it back once that is explained."


def team_words(team: str, house: bool, sessions: int, expected: int) -> str:
    """A team; with the sessions behind its money where these are too few: `red (47 of 60 sessions)`."""
    part = part_words(sessions, expected)
    return f"{team} ({part})" if part else team


def part_words(sessions: int, expected: int) -> str:
    """How much of the competition figures are of; '' when of all of it."""
    return TradingSummary(sessions=sessions, expected=expected).part


LUCK, TOO_FEW = "could be luck", "too few sessions"
COPY = 0.95
"""Correlation above which forecasts are marked as those of somebody else."""


def ratio(value: float) -> str:
    """A ratio with two decimals."""
    return number(value, 2)


def with_interval(total: float, low: float, high: float) -> str:
    """A return with its 95 % interval, such as `+1.6% [-3.1, +6.9]`; of few sessions the return alone."""
    return signed(total) if math.isnan(low) else f"{signed(total)} [{low * 100:+.1f}, {high * 100:+.1f}]"


def tries_words(edits: int, first: float) -> str:
    """How many edits were replayed, and what the first try returned, such as `3 [-0.9%]`; a dash where nothing was."""
    return NONE if math.isnan(first) and not edits else f"{edits} [{signed(first)}]"


def verdict(loss_p: float, timing_p: float) -> str:
    """What Diebold-Mariano's and Pesaran-Timmermann's tests say of a forecast, in words; a dash where there is none."""
    if math.isnan(loss_p) and math.isnan(timing_p):
        return NONE
    proofs = {"smaller errors than naive": loss_p, "better timing than luck": timing_p}
    said = ", ".join(words for words, p in proofs.items() if p < SIGNIFICANT) or LUCK
    return f"{said} (p {ratio(loss_p)}, {ratio(timing_p)})"


def team_verdict(sessions: int, loss_p: float, timing_p: float) -> str:
    """The same of a team; of few sessions that they are too few."""
    return TOO_FEW if 0 < sessions < LEAST_SESSIONS else verdict(loss_p, timing_p)


def money_verdict(excess: Figure) -> str:
    """What the interval of the return over the own buy-and-hold supports, in words; a dash of who has no money."""
    if math.isnan(excess.value):
        return NONE
    if math.isnan(excess.low):
        return TOO_FEW
    if excess.low == excess.high == 0:
        return "it is holding"
    return "beats holding" if excess.low > 0 else "behind holding" if excess.high < 0 else LUCK


def like_words(team: str, likeness: float) -> str:
    """The most similar rival and how much, such as `blue 0.31`; a near copy is marked."""
    if math.isnan(likeness):
        return NONE
    return f"{team} {ratio(likeness)}{' (a copy?)' if likeness > COPY else ''}"


def deflated_words(deflated: float, trials: int, effective: float) -> str:
    """A deflated Sharpe ratio and the tries behind it, such as `61.0% [3, like 2.1]`; a dash where there is none."""
    if math.isnan(deflated):
        return NONE
    alike = f", like {number(effective, 1)}" if trials > 1 else ""
    return f"{percent(deflated)} [{trials}{alike}]"


def times(value: float) -> str:
    """How many times, such as `4.2 x`; a dash where there is none."""
    return NONE if math.isnan(value) else f"{value:.1f} x"


def plain_interval(value: float, low: float, high: float) -> str:
    """A ratio with its 95 % interval, such as `0.10 [-1.20, 1.40]`."""
    return ratio(value) if math.isnan(low) else f"{ratio(value)} [{ratio(low)}, {ratio(high)}]"


_VERDICT_MEANS = (
    "How often luck alone makes errors so much smaller than naive's (Diebold-Mariano), and so many right directions with "
    f"this share of up calls (Pesaran-Timmermann); at {SIGNIFICANT:.0%} it is more than chance. On a stock that rises an "
    "interval without 50 % is not."
)
_DRIFT_MEANS = "MASE of “as always so far”, the mean of all returns up to the session."
_INTERVAL = ("direction", "direction_low", "direction_high")
_DIRECTION_MEANS = (
    "Share of right calls of up or down, with its 95 % interval; one that holds 50 % may be a coin's."
)


def _three(figure: Figure) -> tuple[float, float, float]:
    return figure.value, figure.low, figure.high


def _named(name: str) -> tuple[str, str, str]:
    return name, f"{name}_low", f"{name}_high"


_RANK: Column[TeamRow] = Column(
    "#",
    lambda row: (row.rank, len(row.open_alarms)),
    rank_words,
    "Tier of the forecast: who shares one cannot be told apart. None while an alarm is open, nor for positions, which are judged "
    "by their money, nor of few sessions.",
    figures=("rank", "open_alarms"),
    key=True,
)
_MONEY_RANK: Column[TeamRow] = Column(
    "#",
    lambda row: (row.standing.money_rank, len(row.open_alarms)),
    rank_words,
    "Tier by the interval of the return over the team's own buy-and-hold: above it, perhaps luck, below it.",
    figures=("money_rank", "money_open_alarms"),
    key=True,
)
_TEAM: Column[TeamRow] = Column(
    "team",
    lambda row: (row.team, row.house, row.trading.sessions, row.trading.expected),
    team_words,
    "The team; in italics the house teams that every team must beat.",
    figures=("team", "house", "sessions", "expected_sessions"),
    text=True,
    key=True,
    mark=lambda row: "italic" if row.house else "bold",
)

BY_FORECAST: tuple[Column[TeamRow], ...] = (
    _RANK,
    _TEAM,
    Column(
        "MASE",
        lambda row: row.mase,
        number,
        "Mean error divided by that of “no change tomorrow” on the same sessions: below 1.000 beats it.",
        main=True,
    ),
    Column(
        "direction [95 %]",
        lambda row: (row.direction, row.direction_low, row.direction_high),
        direction,
        _DIRECTION_MEANS,
        figures=_INTERVAL,
        main=True,
    ),
    Column(
        "says",
        lambda row: (row.sessions, row.chances.loss_p, row.chances.timing_p),
        team_verdict,
        _VERDICT_MEANS,
        figures=("scored_sessions", "loss_p", "timing_p"),
        text=True,
        main=True,
    ),
    Column(
        "adds [95 %]",
        lambda row: _three(row.standing.original.adds),
        plain_interval,
        "What the forecast says that the mean of the others does not, and came (numerai's MMC, a correlation); nothing new while 0 is "
        "in the interval.",
        figures=_named("adds"),
    ),
    Column(
        "most like",
        lambda row: (row.standing.original.like, row.standing.original.likeness),
        like_words,
        f"The rival whose forecasts are most like it, with their rank correlation; above {COPY} it may be a copy.",
        figures=("like", "likeness"),
        text=True,
    ),
)

BY_MONEY: tuple[Column[TeamRow], ...] = (
    _MONEY_RANK,
    _TEAM,
    Column(
        "over holding [95 %]",
        lambda row: _three(row.standing.money.excess),
        with_interval,
        "Return over that of the team's own buy-and-hold, with the 95 % interval of luck: both on the same sessions, drawn anew in "
        "blocks.",
        figures=_named("excess"),
        main=True,
    ),
    Column(
        "says",
        lambda row: money_verdict(row.standing.money.excess),
        means="What that interval supports.",
        figures=("money_says",),
        text=True,
        main=True,
    ),
    Column(
        "return [95 %]",
        lambda row: (row.trading.total_return, row.trading.return_low, row.trading.return_high),
        with_interval,
        "Equity over the starting cash, with the 95 % interval of luck (stationary bootstrap of the sessions' returns).",
        figures=("return", "return_low", "return_high"),
        main=True,
    ),
    Column(
        "held",
        lambda row: row.trading.buy_and_hold_return,
        signed,
        "What buying the team's symbols at the start and holding them would have returned.",
        mark=lambda _: "quiet",
    ),
    Column(
        "held, capped",
        lambda row: row.trading.capped_hold_return,
        signed,
        "The same with no more in one symbol than the team may put there.",
        figures=("held_capped",),
        mark=lambda _: "quiet",
    ),
    Column(
        "edits [first]",
        lambda row: (row.trading.edits, row.trading.first_return),
        tries_words,
        "Edits of the team that were replayed on these very sessions, each from the starting cash, and what the first try "
        "returned: the best of several tries is luck as well.",
        figures=("edits", "first_return"),
    ),
    Column(
        "deflated [tries]",
        lambda row: (row.standing.tries.deflated, row.standing.tries.trials, row.standing.tries.effective),
        deflated_words,
        "How likely the true Sharpe ratio is above what luck alone makes of the best of so many tries on these sessions (Bailey and "
        "Lopez de Prado), and how many there were; tries that are alike count less.",
        figures=("deflated", "trials", "effective_trials"),
    ),
    Column(
        "overfit",
        lambda row: row.standing.tries.overfit,
        percent,
        "How likely the best of the tries is below their middle on other sessions (CSCV); none of a single try.",
    ),
    Column("equity", lambda row: row.trading.equity, dollars, "Cash and positions at the last close."),
    Column(
        "Sharpe [95 %]",
        lambda row: (row.trading.sharpe, row.standing.money.sharpe.low, row.standing.money.sharpe.high),
        plain_interval,
        "Mean return over its deviation, a year's.",
        figures=_named("sharpe"),
    ),
    Column("drawdown", lambda row: row.trading.max_drawdown, percent, "Deepest fall from a high before."),
    Column("turnover", lambda row: row.standing.money.turnover.value, times, "Traded by equity, a year's."),
    Column("costs", lambda row: row.trading.costs, dollars, "Paid for spread and fees."),
    Column("orders", lambda row: row.trading.orders, str, "Orders sent to the broker."),
    Column("fills", lambda row: row.trading.fills, str, "Executions of these orders."),
)

TEAM_COLUMNS = (*BY_FORECAST, *(column for column in BY_MONEY if column is not _TEAM))
"""All of a team's figures, for a spreadsheet and for who asks for one by its name."""

MOVED: Column[TeamRow] = Column(
    "±",
    lambda row: row.rose,
    rose_words,
    "Tiers the team stands higher or lower than a session ago.",
)
DAY: Column[TeamRow] = Column(
    "day",
    lambda row: row.trading.equity / row.equity_before - 1 if row.equity_before else math.nan,
    signed,
    "What the equity has become since the close a session ago.",
)


def living(columns: Sequence[Column[TeamRow]]) -> list[Column[TeamRow]]:
    """The columns of teams for who watches a season: what counts first, with what has moved since the session before."""
    beside = {"rank": MOVED, "equity": DAY}
    ordered = sorted(columns, key=lambda column: not (column.key or column.main or column.name == "equity"))
    return [
        one for column in ordered for one in (column, beside.get(column.figure_names[0])) if one is not None
    ]


SYMBOL_COLUMNS: tuple[Column[SymbolRow], ...] = (
    Column("team", lambda row: row.team, text=True, key=True),
    Column("symbol", lambda row: row.symbol, text=True, key=True),
    Column("n", lambda row: row.metrics.n, str, "Sessions whose prediction has been scored."),
    Column("MAE", lambda row: row.metrics.mae, dollars, "Mean absolute error of the predicted close."),
    Column(
        "naive",
        lambda row: row.metrics.naive_mae,
        dollars,
        "The same for “no change tomorrow”.",
        figures=("naive_mae",),
        mark=lambda _: "quiet",
    ),
    Column("MASE", lambda row: row.metrics.mase, number, "The error divided by that of “no change”."),
    Column(
        "direction [95 %]",
        lambda row: (row.metrics.direction, row.metrics.direction_low, row.metrics.direction_high),
        direction,
        _DIRECTION_MEANS,
        figures=_INTERVAL,
    ),
    Column(
        "ups",
        lambda row: row.metrics.up_share,
        percent,
        "Share of sessions that rose: what “always up” scores.",
        figures=("up_share",),
        mark=lambda _: "quiet",
    ),
    Column("IC", lambda row: row.metrics.ic, number, "Rank correlation of predicted and actual return."),
    Column(
        "drift",
        lambda row: row.metrics.drift_mase,
        number,
        _DRIFT_MEANS,
        figures=("drift_mase",),
        mark=lambda _: "quiet",
    ),
    Column(
        "says",
        lambda row: (row.metrics.loss_p, row.metrics.timing_p),
        verdict,
        _VERDICT_MEANS,
        figures=("loss_p", "timing_p"),
        text=True,
    ),
)


def leaderboard_markdown(board: Leaderboard) -> str:
    """Both rankings and the table per team and symbol, with the ranking rule between them."""
    return "\n\n".join(
        [
            markdown_table(BY_FORECAST, board.by_forecast),
            markdown_table(BY_MONEY, board.by_money),
            f"{board.span} {ranking_rule(board)} *Italic*: house teams.".strip(),
            *(f"**{markdown_text(line)}**" for line in alarm_lines(board)),
            markdown_table(SYMBOL_COLUMNS, board.symbols),
        ]
    )
