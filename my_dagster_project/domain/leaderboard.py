"""The competition's table: its rows, what they say of forecasts and money, and the table as JSON. `ranking` makes it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from my_dagster_project.domain import plain_json
from my_dagster_project.domain.alarms import Alarm
from my_dagster_project.domain.chance import Chances
from my_dagster_project.domain.evaluation import Metrics
from my_dagster_project.domain.scores.money_scores import MoneyScores
from my_dagster_project.domain.scores.originality import Original
from my_dagster_project.domain.scores.trials import Tries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

NAIVE, DRIFT, ALWAYS_UP, CONSENSUS = "naive", "drift so far", "always up", "mean of all"
BUY_AND_HOLD = "buy-and-hold"
HOUSE_TEAMS = (NAIVE, DRIFT, ALWAYS_UP, CONSENSUS, BUY_AND_HOLD)
"""Who is judged beside every team; a name with a space is none that a team could have had before."""
type Curves = dict[str, list[tuple[str, float]]]
"""By team its equity (dollars) at the close of each session (ISO)."""


@dataclass(frozen=True)
class TradingSummary:
    """What a team did with its money: counts, dollars (`equity`, `costs`) and fractions; NaN where it did not trade.

    `buy_and_hold_return` is that of holding its symbols with all the money, `capped_hold_return` with no more of it in a
    symbol than the team may put there. `sessions` of the `expected` ones are on record with their fills: with fewer the
    figures are those of a part. `return_low` and `return_high` are the 95 % interval of `total_return`. `edits` of the
    team's configuration were replayed on these sessions besides the first one, whose return is `first_return`.
    """

    orders: int = 0
    fills: int = 0
    equity: float = math.nan
    total_return: float = math.nan
    buy_and_hold_return: float = math.nan
    sharpe: float = math.nan
    max_drawdown: float = math.nan
    costs: float = math.nan
    sessions: int = 0
    expected: int = 0
    capped_hold_return: float = math.nan
    return_low: float = math.nan
    return_high: float = math.nan
    edits: int = 0
    first_return: float = math.nan

    @property
    def part(self) -> str:
        """Say how much of the competition the figures are of: `47 of 60 sessions`; '' when of all of it."""
        return f"{self.sessions} of {self.expected} sessions" if self.sessions < self.expected else ""


@dataclass(frozen=True)
class SymbolRow:
    """One team's figures for one symbol."""

    team: str
    symbol: str
    metrics: Metrics


@dataclass(frozen=True)
class Standing:
    """What a team's record proves beside those of others; what takes many draws, so of a lapse it is made once a week.

    `money_rank` is the tier by `money.excess`, the return over the own buy-and-hold; None of fewer than 20 sessions. `original`
    is what the forecast adds to those of the others, and whose it is like, `tries` what the tries that led here do to the Sharpe ratio.
    """

    money_rank: int | None = None
    money: MoneyScores = field(default_factory=MoneyScores)
    original: Original = field(default_factory=Original)
    tries: Tries = field(default_factory=Tries)


@dataclass(frozen=True)
class TeamRow:
    """One line of the table; `rank` is the tier of its forecast, None without a MASE, with an open alarm or of few sessions.

    `house` marks the reference teams, `sessions` is how many were scored. `drift_mase` is the MASE of "as always so far" on the same rows; `chances` are the p values
    over all symbols. `since` is the first scored session (ISO) of a team that came when others had begun, whose rank is of the
    sessions it shares with each. `rose` says how many tiers it stands higher than in the table of the session before (0 where it
    had none), and `equity_before` what it was worth then.
    """

    rank: int | None
    team: str
    house: bool
    symbols: int
    n: int
    mase: float
    direction: float
    direction_low: float
    direction_high: float
    trading: TradingSummary
    drift_mase: float = math.nan
    chances: Chances = field(default_factory=Chances)
    alarms: tuple[Alarm, ...] = ()
    since: str = ""
    rose: int = 0
    equity_before: float = math.nan
    standing: Standing = field(default_factory=Standing)
    sessions: int = 0

    @property
    def open_alarms(self) -> tuple[Alarm, ...]:
        """The alarms that nobody has cleared."""
        return tuple(alarm for alarm in self.alarms if not alarm.cleared)


@dataclass(frozen=True)
class Leaderboard:
    """The whole table, best team first, with the rows per symbol behind it.

    `first` and `last` are the sessions that forecasts and money are judged on (ISO, '' where that is not known); `replayed` says
    that they had long been when they were traded. Tiers and what else takes many draws are of the sessions up to `ranked`.
    """

    teams: tuple[TeamRow, ...]
    symbols: tuple[SymbolRow, ...]
    first: str = ""
    last: str = ""
    replayed: bool = False
    ranked: str = ""

    @property
    def span(self) -> str:
        """Say what the table is about, in a sentence; '' where that is not known."""
        how = ", replayed, not lived" if self.replayed else ""
        return f"Sessions {self.first} to {self.last}{how}; forecasts and money alike." if self.first else ""

    @property
    def by_forecast(self) -> list[TeamRow]:
        """Who is judged by forecasts, the best tier first: all teams, and the house teams that make some."""
        return [row for row in self.teams if row.n or not row.house]

    @property
    def by_money(self) -> list[TeamRow]:
        """Who is judged by money, the best tier first; within a tier the order says nothing."""
        rows = [row for row in self.teams if not (row.house and math.isnan(row.trading.total_return))]
        return sorted(rows, key=_by_money)

    @property
    def open_alarms(self) -> list[tuple[str, Alarm]]:
        """Every alarm that nobody has cleared, with its team."""
        return [(row.team, alarm) for row in self.teams for alarm in row.open_alarms]


def _by_money(row: TeamRow) -> tuple[bool, int, bool, float, str]:
    rank, excess = row.standing.money_rank, row.standing.money.excess.value
    unknown = math.isnan(excess)
    return rank is None, rank or 0, unknown, 0.0 if unknown else -excess, row.team


def to_json(board: Leaderboard) -> str:
    """The table as JSON text with sorted keys; a figure that does not exist is null. Same table, same text."""
    return plain_json.to_text(asdict(board))


def curves_to_json(curves: Mapping[str, Sequence[tuple[date, float]]]) -> str:
    """Equity curves by team as JSON text."""
    return plain_json.to_text(
        {team: [[str(day), value] for day, value in one] for team, one in curves.items()}
    )


def curves_from_json(text: str) -> Curves:
    """The curves back from `curves_to_json`, sessions as ISO; ValueError or TypeError when the text is none."""
    return {team: [(str(day), float(value)) for day, value in one] for team, one in json.loads(text).items()}


def from_json(text: str) -> Leaderboard:
    """The table back from `to_json`, also one of before a figure was there; ValueError when the text is not one."""
    return plain_json.from_text(Leaderboard, text)
