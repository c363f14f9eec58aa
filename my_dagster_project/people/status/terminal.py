"""The page in a terminal: what is wrong comes first and last, with what to do; in between how everything stands."""

from datetime import datetime
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from my_dagster_project.foundation.console import Console
from my_dagster_project.foundation.pool_settings import everything_due
from my_dagster_project.people.status.page import (
    CHAIN,
    Check,
    RunStatus,
    ScheduleStatus,
    State,
    StatusPage,
    TeamStatus,
)
from my_dagster_project.people.status.words import next_tick, run_words, session_word
from my_dagster_project.reports.markdown import NONE

_SIGNS: dict[State, Text] = {
    "ok": Text("✓", "green"),
    "warn": Text("!", "yellow"),
    "red": Text("✗", "bold red"),
    "off": Text("·", "dim"),
}


def print_page(console: Console, page: StatusPage) -> None:
    """Everything, widest tables cut to the terminal's width by rich itself."""
    _addresses(console, page)
    _services(console, page)
    _schedules(console, page)
    _chain(console, page)
    _last_runs(console, page)
    _verdict(console, page)


def _addresses(console: Console, page: StatusPage) -> None:
    for name, where in page.addresses.items():
        console.say(f"{name:10} {where}")
    for team in page.teams:
        trading = f"; trading: {team.trading.said}" if team.trading else ""
        console.say(f"{team.name:10} {team.file.name}: {team.origin}{trading}")
    console.print()


def _services(console: Console, page: StatusPage) -> None:
    table = _table("Services", "", "service", "found")
    for check in (*page.services, *page.sensors):
        table.add_row(_SIGNS[check.state], check.name, Text(_found(check)))
    console.print(table)


def _found(check: Check) -> str:
    # What is wrong is told with what to do at the end of the page; how to start what is grey is told nowhere else.
    return f"{check.said}; {check.todo}" if check.state == "off" and check.todo else check.said


def _schedules(console: Console, page: StatusPage) -> None:
    zone = ZoneInfo(page.zone)
    owned = [("", page.schedules), *((team.name, team.schedules) for team in page.teams)]
    table = _table(f"Schedules ({page.zone} · UTC)", "", "team", "job", "next tick", "last tick")
    for owner, schedules in owned:
        for one in schedules:
            table.add_row(
                _SIGNS[one.check.state], owner, one.job, next_tick(one, zone), Text(_last_tick(one, page.at))
            )
    if table.row_count:
        console.print(table)


def _last_tick(one: ScheduleStatus, now: datetime) -> str:
    if one.last_tick is None:
        return "never" if one.running else "stopped"
    return f"{one.last_tick.at:%d %b %H:%M} {one.last_tick.said or one.last_tick.outcome}"


def _chain(console: Console, page: StatusPage) -> None:
    span = f"Sessions {page.sessions[0]} to {page.sessions[1]}" if page.sessions else "No sessions"
    table = _table(span, "team", "symbol", *CHAIN, "up to", "MASE")
    for team in page.teams:
        for symbol in team.symbols:
            marks = [_mark(symbol.marks.get(name)) for name in CHAIN]
            mase = NONE if symbol.mase is None else f"{symbol.mase:.3f}"
            table.add_row(team.name, symbol.symbol, *marks, session_word(symbol.last_session), mase)
    if table.row_count:
        console.print(table)


def _mark(fresh: bool | None) -> Text:
    if fresh is None:
        return Text("?", "dim")
    return Text("✓", "green") if fresh else Text("due", "yellow")


def _last_runs(console: Console, page: StatusPage) -> None:
    table = _table("Last runs", "", "team", "job", "when", "session traded")
    for run in page.runs:
        table.add_row(*_run_row("", run, page.at), "")
    for team in page.teams:
        for run in team.runs:
            traded = session_word(team.last_traded) if run.job.endswith("_trade") else ""
            table.add_row(*_run_row(team.name, run, page.at), traded)
    if table.row_count:
        console.print(table)


def _run_row(owner: str, run: RunStatus, now: datetime) -> tuple[Text, str, str, str]:
    return _SIGNS[run.check.state], owner, run.job, run_words(run, now)


def _verdict(console: Console, page: StatusPage) -> None:
    for where, check in page.lines("red"):
        if check.name.startswith("configs/"):
            console.say((f"team {where} has to mend its file:", "red"), f"\n{check.said}\n    → {check.todo}")
        else:
            _say(console, "red", where, check)
    for where, check in _worth_a_look(page):
        _say(console, "yellow", where, check)
    waiting = [team.name for team in page.teams if team.versions]
    if waiting:
        console.print(
            f"versions not committed yet: {', '.join(waiting)} (the next {everything_due()} does it)"
        )
    if not any(symbol.marks for team in page.teams for symbol in team.symbols):
        return
    console.print(
        f"{everything_due()} computes what is due." if _is_due(page.teams) else "Everything is up to date."
    )


def _worth_a_look(page: StatusPage) -> list[tuple[str, Check]]:
    """What is due has a table of its own, and waiting versions a line of their own."""
    told = {check for team in page.teams for check in (team.due, team.versions)}
    return [line for line in page.lines("warn") if line[1] not in told]


def _is_due(teams: tuple[TeamStatus, ...]) -> bool:
    return any(not fresh for team in teams for symbol in team.symbols for fresh in symbol.marks.values())


def _say(console: Console, colour: str, where: str, check: Check) -> None:
    console.say((f"{where} {check.name}".strip(), colour), f": {check.said}")
    if check.todo:
        console.say(f"    → {check.todo}")


def _table(title: str, *head: str) -> Table:
    table = Table(
        *head, title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False
    )
    table.padding = (0, 1, 0, 0)
    return table
