"""Times and runs as words for people: the exchange's time and UTC side by side, ages instead of dates where they say more."""

from datetime import UTC, date, datetime, timedelta, tzinfo

from my_dagster_project.people.status.page import RunStatus, ScheduleStatus
from my_dagster_project.reports.markdown import NONE
from my_dagster_project.storage.season import State


def next_tick(schedule: ScheduleStatus, zone: tzinfo) -> str:
    """`Mon 2 Dec 06:30 · 11:30 UTC`; in brackets for a schedule that is stopped."""
    if schedule.next_tick is None:
        return NONE
    local = schedule.next_tick.astimezone(zone)
    said = f"{local:%a} {local.day} {local:%b %H:%M} · {schedule.next_tick.astimezone(UTC):%H:%M} UTC"
    return said if schedule.running else f"({said})"


def last_tick(schedule: ScheduleStatus) -> str:
    """When a schedule last ticked (UTC) and what came of it; `never` before the first tick, `stopped` if none will come."""
    tick = schedule.last_tick
    if tick is None:
        return "never" if schedule.running else "stopped"
    return f"{tick.at:%d %b %H:%M} {tick.said or tick.outcome}"


def run_words(run: RunStatus, now: datetime) -> str:
    """`success 5 min ago, took 12 s`; a run that works says since when."""
    if run.ended and run.began:
        return f"{run.status} {age(now - run.ended)} ago, took {_length(run.ended - run.began)}"
    if run.ended:
        return f"{run.status} {age(now - run.ended)} ago"
    return f"{run.status} for {age(now - run.began)}" if run.began else run.status


def age(span: timedelta) -> str:
    """A length of time in its largest whole unit."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def season_words(state: State | None, now: datetime, *, lapse: bool) -> str:
    """How far a season is, and what time it is at its exchange (UTC)."""
    clock = f"the exchange's clock is at {now:%Y-%m-%d %H:%M} UTC"
    if state is None:
        return f"not begun; {clock}; `trading season start` begins it"
    does = "has ended" if state.ended else "is paused" if state.paused else "is going on"
    pace = f", a session every {state.session_every:g} s" if lapse and not state.ended else ""
    until = f" of {state.first} to {state.last}" if state.last else ""
    missed = {team for teams in state.missed.values() for team in teams}
    late = f"; sessions were missed by {', '.join(sorted(missed))}" if missed else ""
    return f"{state.name} {does} at session {state.session}{until}; {clock}{pace}{late}"


def session_word(session: date | None) -> str:
    """A session as a date; a dash where there is none."""
    return NONE if session is None else session.isoformat()


def _length(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds:.1f} s" if seconds < 10 else age(span)
