"""What the status page says, as plain data: nothing here reads, fetches or prints.

Every line is a `Check`: a state, what is the case, and what to do about it. `red` needs somebody, `warn` is worth knowing,
`off` is not running and need not run here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from my_dagster_project.domain.plain_json import plain
from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.pipeline import chain

type State = Literal["ok", "warn", "red", "off"]

_MOST_NAMES = 12


def chain_of_symbols() -> tuple[str, ...]:
    """The stages that a team's symbol goes through, those of the whole team among them."""
    return tuple(row.noun for row in chain.STAGES if row.scope != "competition")


def how_due_is_made() -> str:
    """What to do about something that is due, where this is read."""
    return f"{everything_due()} computes it, or materialize it in Dagit; the schedules do what is new, each at its next tick"


@dataclass(frozen=True)
class Check:
    """One line of the page; `todo` is never empty when `state` is red."""

    name: str
    state: State
    said: str
    todo: str = ""


@dataclass(frozen=True)
class Tick:
    """The last evaluation of a schedule: when (UTC), how it ended (`success`, `skipped`, `failure`, `started`), in words."""

    at: datetime
    outcome: str
    said: str = ""


@dataclass(frozen=True)
class ScheduleStatus:
    """One schedule. `next_tick` is UTC; for a stopped schedule it is when it would tick."""

    name: str
    job: str
    cron: str
    running: bool
    next_tick: datetime | None
    last_tick: Tick | None
    check: Check


@dataclass(frozen=True)
class RunStatus:
    """The newest run of a job; `began` and `ended` are UTC, None while it waits or works."""

    job: str
    run_id: str
    status: str
    began: datetime | None
    ended: datetime | None
    check: Check


@dataclass(frozen=True)
class SymbolStatus:
    """A team's chain for a symbol: by asset whether it is up to date, the newest predicted session, how good it was.

    `mase` is None without a report, `report_run` is the run that made it; `marks` is empty where Dagster's storage could not be read.
    """

    symbol: str
    marks: Mapping[str, bool]
    last_session: date | None
    mase: float | None
    scored: int
    check: Check
    report_run: str = ""


@dataclass(frozen=True)
class TeamStatus:
    """One team: its file in force, its trading, its schedules, its last runs and its symbols."""

    name: str
    origin: str
    file: Check
    last_traded: date | None = None
    schedules: tuple[ScheduleStatus, ...] = ()
    runs: tuple[RunStatus, ...] = ()
    symbols: tuple[SymbolStatus, ...] = ()
    trading: Check | None = None
    versions: Check | None = None
    alarms: tuple[Check, ...] = ()
    stopped: tuple[Check, ...] = ()

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every line about this team; symbols that are merely due share one, or 50 of them would hide the rest."""
        own = (self.file, *self.alarms, self.trading, *self.stopped, self.versions, self.due)
        lines = [schedule.check for schedule in self.schedules] + [run.check for run in self.runs]
        lines += [symbol.check for symbol in self.symbols if symbol.check.state != "warn"]
        return (*(check for check in own if check), *lines)

    @property
    def due(self) -> Check | None:
        """One line for the symbols that are not up to date."""
        due = [symbol.symbol for symbol in self.symbols if symbol.check.state == "warn"]
        if not due:
            return None
        shown = ", ".join(due[:_MOST_NAMES]) + (
            f" and {len(due) - _MOST_NAMES} more" if len(due) > _MOST_NAMES else ""
        )
        return Check("is not up to date", "warn", f"due for {shown}", how_due_is_made())

    @property
    def state(self) -> State:
        """The worst of its lines; stopped schedules do not make a team grey."""
        return worst(self.checks)


@dataclass(frozen=True)
class StatusPage:
    """The whole page as of `at` (UTC); `zone` is the exchange's time zone, `sessions` the first and last replayed one."""

    at: datetime
    zone: str
    sessions: tuple[date, date] | None
    services: tuple[Check, ...]
    schedules: tuple[ScheduleStatus, ...] = ()
    sensors: tuple[Check, ...] = ()
    runs: tuple[RunStatus, ...] = ()
    teams: tuple[TeamStatus, ...] = ()
    seconds: float = 0.0
    """How long it took to find all this out."""
    addresses: Mapping[str, str] = field(default_factory=dict)

    @property
    def platform_checks(self) -> tuple[Check, ...]:
        """Every line that belongs to no team."""
        lines = [schedule.check for schedule in self.schedules] + [run.check for run in self.runs]
        return (*self.services, *self.sensors, *lines)

    def lines(self, state: State) -> list[tuple[str, Check]]:
        """Where and what, for every line in this state."""
        return [(where, check) for where, check in self._all() if check.state == state]

    @property
    def state(self) -> State:
        """The worst line of all."""
        return worst([check for _, check in self._all()])

    @property
    def verdict(self) -> str:
        """The page in one sentence."""
        red, warn = len(self.lines("red")), len(self.lines("warn"))
        if red:
            return f"{_count(red, 'thing needs', 'things need')} somebody now."
        if warn:
            return f"Nothing is broken; {_count(warn, 'thing is', 'things are')} worth a look."
        return "Everything is well."

    def to_plain(self) -> dict[str, Any]:
        """The page as JSON's own types: times in ISO 8601 and UTC, sessions as dates."""
        told: dict[str, Any] = plain(asdict(self))
        told |= {"state": self.state, "verdict": self.verdict}
        for team, raw in zip(self.teams, told["teams"], strict=True):
            raw["state"] = team.state
        return told

    def _all(self) -> Iterator[tuple[str, Check]]:
        for check in self.platform_checks:
            yield "", check
        for team in self.teams:
            for check in team.checks:
                yield team.name, check


def worst(checks: tuple[Check, ...] | list[Check]) -> State:
    """`red` before `warn` before `ok`; what is off counts as well."""
    states = {check.state for check in checks}
    return "red" if "red" in states else "warn" if "warn" in states else "ok"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
