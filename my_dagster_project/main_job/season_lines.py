"""What a person sees of a season that is lived in a terminal: a line for each session, the table at the end, what comes next."""

from my_dagster_project.domain.leaderboard import Leaderboard, TeamRow
from my_dagster_project.foundation.console import Console, Part
from my_dagster_project.main_job.season_driver import Lived
from my_dagster_project.reports.leaderboard_columns import alarm_words, rank_words
from my_dagster_project.reports.markdown import dollars, signed
from my_dagster_project.storage.season import State

_MOVED = {1: ("▲", "green"), 0: (" ", ""), -1: ("▼", "red")}
AND_THEN = """
To live it again: `trading season reset`, then `trading season start`. To begin a real one: `trading season plan` says what to
change in the registry and checks keys, bars, calendar and accounts before anything is ordered."""


def standing(state: State) -> str:
    """Where a season stands, in a sentence."""
    if state.ended:
        return f"Season {state.name} has ended with session {state.session}."
    pace = f", a session every {state.session_every:g} s" if state.session_every else ""
    how = "is paused" if state.paused else f"goes on{pace}"
    end = f" of those up to {state.last}" if state.last else ""
    return f"Season {state.name} {how}; at work is session {state.session}{end}."


def print_lived(
    console: Console, lived: Lived, board: Leaderboard | None, before: Leaderboard | None
) -> None:
    """A closed session: the teams in the order of the table, what went wrong, and which alarms it opened."""
    parts: list[Part] = [f"{lived.state.session}  "]
    for row in board.teams if board else ():
        if row.house and row.trading.equity != row.trading.equity:
            continue  # who has forecasts alone stands in the table
        parts += [_MOVED[(row.rose > 0) - (row.rose < 0)], *_of_team(row), "   "]
    console.say(*parts, (f"{lived.seconds:.1f} s", "dim"))
    for team, why in lived.missed.items():
        console.say((f"    {team} missed it: {why}", "yellow"))
    for team, message in lived.platform.problems.items():
        console.say((f"    {team} has to mend its file: ", "yellow"), message)
    for warning in lived.untold:
        console.say((f"    not told: {warning}", "yellow"))
    for problem in lived.problems:
        console.say((f"    ✗ {problem.step}: ", "red"), problem.message)
    told = {alarm.id for _, alarm in before.open_alarms} if before else set()
    for team, alarm in board.open_alarms if board else ():
        if alarm.id not in told:
            console.say((f"    {alarm_words(team, alarm)}", "red"))


def _of_team(row: TeamRow) -> list[Part]:
    rank = rank_words(row.rank, len(row.open_alarms))
    money = row.trading
    worth = f" {dollars(money.equity)} ({signed(money.total_return)})" if money.equity == money.equity else ""
    return [f"{rank} ", (row.team, "" if row.house else "bold"), worth]
