"""The status page's tables: which rows they have and which columns, for the terminal and for the pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from my_dagster_project.people.status.page import (
    Check,
    RunStatus,
    ScheduleStatus,
    State,
    StatusPage,
    SymbolStatus,
    TeamStatus,
    chain_of_symbols,
)
from my_dagster_project.people.status.words import last_tick, next_tick, run_words, session_word
from my_dagster_project.pipeline.chain import maker
from my_dagster_project.reports.columns import Column
from my_dagster_project.reports.markdown import NONE, number

_SIGNS: dict[State, str] = {"ok": "✓", "warn": "!", "red": "✗", "off": "·"}


def state_sign(state: State) -> str:
    """A state as one sign."""
    return _SIGNS[state]


def fresh_word(fresh: bool | None) -> str:
    """Whether an asset is up to date; a question mark where Dagster could not be asked."""
    return "?" if fresh is None else "✓" if fresh else "due"


def mase_word(mase: float | None) -> str:
    """A MASE; a dash without a report."""
    return NONE if mase is None else number(mase)


@dataclass(frozen=True)
class ScheduleRow:
    """A schedule of a team, or of the platform (''); times are told in `zone` and as of `at`."""

    team: str
    schedule: ScheduleStatus
    zone: tzinfo
    at: datetime


@dataclass(frozen=True)
class RunRow:
    """The newest run of a job; `traded` is the last session traded where it is a trading job's."""

    team: str
    run: RunStatus
    at: datetime
    traded: str


@dataclass(frozen=True)
class ChainRow:
    """A team's chain for a symbol."""

    team: str
    symbol: SymbolStatus


def _found(check: Check) -> str:
    # What is wrong is told with what to do at the end of the page; how to start what is grey is told nowhere else.
    return f"{check.said}; {check.todo}" if check.state == "off" and check.todo else check.said


SERVICE_COLUMNS: tuple[Column[Check], ...] = (
    Column("", lambda check: check.state, state_sign, key=True, text=True, mark=lambda check: check.state),
    Column("service", lambda check: check.name, key=True, text=True),
    Column("found", _found, text=True, long=True),
)

SCHEDULE_COLUMNS: tuple[Column[ScheduleRow], ...] = (
    Column(
        "", lambda row: row.schedule.check.state, state_sign, key=True, text=True,
        mark=lambda row: row.schedule.check.state,
    ),
    Column("team", lambda row: row.team, key=True, text=True),
    Column("job", lambda row: row.schedule.job, key=True, text=True),
    Column(
        "next tick", lambda row: (row.schedule, row.zone), next_tick,
        "The exchange's time · UTC; in brackets while the schedule is stopped.", text=True,
    ),
    Column("last tick", lambda row: row.schedule, last_tick, "UTC, and what came of it.", text=True, long=True),
)  # fmt: skip

RUN_COLUMNS: tuple[Column[RunRow], ...] = (
    Column("", lambda row: row.run.check.state, state_sign, key=True, text=True, mark=lambda row: row.run.check.state),
    Column("team", lambda row: row.team, key=True, text=True),
    Column("job", lambda row: row.run.job, key=True, text=True),
    Column("when", lambda row: (row.run, row.at), run_words, "How the newest run ended, and when.", text=True, long=True),
    Column("session traded", lambda row: row.traded, text=True),
)  # fmt: skip

CHAIN_COLUMNS: tuple[Column[ChainRow], ...] = (
    Column("team", lambda row: row.team, key=True, text=True),
    Column("symbol", lambda row: row.symbol.symbol, key=True, text=True),
    *(
        Column[ChainRow](
            name, lambda row, name=name: row.symbol.marks.get(name), fresh_word, text=True,  # type: ignore[misc]
            mark=lambda row, name=name: _freshness(row.symbol.marks.get(name)),  # type: ignore[misc]
        )
        for name in chain_of_symbols()
    ),
    Column("up to", lambda row: row.symbol.last_session, session_word, "The newest predicted session.", text=True),
    Column("MASE", lambda row: row.symbol.mase, mase_word, "Of the report; 1.000 is “no change tomorrow”."),
)  # fmt: skip


def _freshness(fresh: bool | None) -> State:
    return "off" if fresh is None else "ok" if fresh else "warn"


def schedule_rows(page: StatusPage, team: TeamStatus | None) -> list[ScheduleRow]:
    """The schedules of a team; of the platform without one."""
    zone, schedules = ZoneInfo(page.zone), team.schedules if team else page.schedules
    return [ScheduleRow(team.name if team else "", schedule, zone, page.at) for schedule in schedules]


def run_rows(page: StatusPage, team: TeamStatus | None) -> list[RunRow]:
    """The newest runs of a team's jobs; of the platform's without one."""
    name, runs = (team.name, team.runs) if team else ("", page.runs)
    traded = session_word(team.last_traded) if team else ""
    trades = maker("orders").of(name)
    return [RunRow(name, run, page.at, traded if run.job == trades else "") for run in runs]


def chain_rows(team: TeamStatus) -> list[ChainRow]:
    """A team's symbols."""
    return [ChainRow(team.name, symbol) for symbol in team.symbols]


def of_one_team[Row](columns: Sequence[Column[Row]]) -> list[Column[Row]]:
    """The columns of a table under a team's own heading."""
    return [column for column in columns if column.name != "team"]
