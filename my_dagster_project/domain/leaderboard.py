"""The competition's table: its rows, what they say of forecasts and money, and the table as JSON. `ranking` makes it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain import plain_json
from my_dagster_project.domain.alarms import Alarm
from my_dagster_project.domain.chance import Chances
from my_dagster_project.domain.evaluation import Metrics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

NAIVE = "naive"
BUY_AND_HOLD = "buy-and-hold"
HOUSE_TEAMS = (NAIVE, BUY_AND_HOLD)
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
class TeamRow:
    """One line of the table; `rank` is None without a MASE or with an open alarm, `house` marks the reference teams.

    `drift_mase` is the MASE of "as always so far" on the same rows; `chances` are the p values over all symbols. `since` is the
    first scored session (ISO) of a team that came when others had begun, whose rank is of the sessions it shares with each.
    `rose` says how many lines it stands higher than in the table of the session before (0 where it had none), and
    `equity_before` what it was worth then.
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

    @property
    def open_alarms(self) -> tuple[Alarm, ...]:
        """The alarms that nobody has cleared."""
        return tuple(alarm for alarm in self.alarms if not alarm.cleared)


@dataclass(frozen=True)
class Leaderboard:
    """The whole table, best team first, with the rows per symbol behind it.

    `first` and `last` are the sessions that forecasts and money are judged on (ISO, '' where that is not known); `replayed` says
    that they had long been when they were traded.
    """

    teams: tuple[TeamRow, ...]
    symbols: tuple[SymbolRow, ...]
    first: str = ""
    last: str = ""
    replayed: bool = False

    @property
    def span(self) -> str:
        """Say what the table is about, in a sentence; '' where that is not known."""
        how = ", replayed, not lived" if self.replayed else ""
        return f"Sessions {self.first} to {self.last}{how}; forecasts and money alike." if self.first else ""

    @property
    def open_alarms(self) -> list[tuple[str, Alarm]]:
        """Every alarm that nobody has cleared, with its team."""
        return [(row.team, alarm) for row in self.teams for alarm in row.open_alarms]


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
    """The table back from `to_json`; ValueError or KeyError when the text is not one."""
    data = json.loads(text)
    return Leaderboard(
        tuple(_team_from(row) for row in data["teams"]),
        tuple(
            SymbolRow(row["team"], row["symbol"], _build(Metrics, row["metrics"])) for row in data["symbols"]
        ),
        data.get("first", ""),
        data.get("last", ""),
        bool(data.get("replayed")),
    )


def _team_from(row: dict[str, Any]) -> TeamRow:
    """A row; one from before there were alarms has none."""
    parts = {
        "trading": _build(TradingSummary, row["trading"]),
        "chances": _build(Chances, row.get("chances", {})),
        "alarms": tuple(Alarm(**alarm) for alarm in row.get("alarms", ())),
    }
    return _build(TeamRow, {**row, **parts})


def _build(kind: type[Any], data: dict[str, Any]) -> Any:
    """A dataclass from its JSON; null is NaN everywhere except in `rank`, which may truly be None."""
    return kind(
        **{name: math.nan if value is None and name != "rank" else value for name, value in data.items()}
    )
