"""The page in a terminal: what is wrong comes first and last, with what to do; in between how everything stands."""

from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.console import Console
from my_dagster_project.people.status.page import Check, StatusPage, TeamStatus
from my_dagster_project.people.status.status_columns import (
    CHAIN_COLUMNS,
    RUN_COLUMNS,
    SCHEDULE_COLUMNS,
    SERVICE_COLUMNS,
    chain_rows,
    run_rows,
    schedule_rows,
)
from my_dagster_project.reports.terminal_tables import print_table


def print_page(console: Console, page: StatusPage) -> None:
    """Everything, tables folded where the terminal is narrower."""
    _addresses(console, page)
    _services(console, page)
    _tables(console, page)
    _verdict(console, page)


def _addresses(console: Console, page: StatusPage) -> None:
    for name, where in page.addresses.items():
        console.say(f"{name:10} {where}")
    for team in page.teams:
        trading = f"; trading: {team.trading.said}" if team.trading else ""
        console.say(f"{team.name:10} {team.file.name}: {team.origin}{trading}")
    console.print()


def _services(console: Console, page: StatusPage) -> None:
    print_table(console, "Services", SERVICE_COLUMNS, [*page.services, *page.sensors])


def _tables(console: Console, page: StatusPage) -> None:
    owners = [None, *page.teams]
    span = f"Sessions {page.sessions[0]} to {page.sessions[1]}" if page.sessions else "No sessions"
    schedules = [row for owner in owners for row in schedule_rows(page, owner)]
    runs = [row for owner in owners for row in run_rows(page, owner)]
    chain = [row for team in page.teams for row in chain_rows(team)]
    if schedules:
        print_table(console, f"Schedules ({page.zone} · UTC)", SCHEDULE_COLUMNS, schedules)
    if chain:
        print_table(console, span, CHAIN_COLUMNS, chain)
    if runs:
        print_table(console, "Last runs", RUN_COLUMNS, runs)


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
