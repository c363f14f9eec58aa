"""What a person sees while the main job works: one line per phase, with what is going on right now."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster import DagsterEventType
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

_ENDS = (DagsterEventType.STEP_SUCCESS, DagsterEventType.STEP_FAILURE, DagsterEventType.STEP_SKIPPED)


class Phase:
    """One line of progress."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task
        self.failures = 0

    def heard(self, event: dg.DagsterEvent | None, text: str) -> None:
        """Show what our own code says; Dagster's own events are not news to people."""
        if event is None:
            self._progress.update(self._task, now=text.splitlines()[0][:70])

    def heard_step(self, event: dg.DagsterEvent | None, text: str) -> None:
        """As `heard`, and count finished steps."""
        self.heard(event, text)
        if event is not None and event.event_type in _ENDS:
            self.failures += event.event_type != DagsterEventType.STEP_SUCCESS
            self._progress.advance(self._task)

    def advance(self, now: str) -> None:
        """Count one more piece of work."""
        self._progress.update(self._task, advance=1, now=now)


class Screen:
    """The console; without a terminal it prints one line when a phase begins and one when it ends."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def up_to_date(self, title: str) -> None:
        """Say that there is nothing to do."""
        self.console.print(f"[dim]✓ {title}: up to date[/dim]")

    @contextmanager
    def phase(self, title: str, total: int) -> Iterator[Phase]:
        """A phase of `total` pieces of work."""
        started = time.monotonic()
        progress = Progress(
            SpinnerColumn(),
            TextColumn(title),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[now]}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        with progress:
            phase = Phase(progress, progress.add_task(title, total=total, now=""))
            yield phase
        mark = (
            f"[red]✗ {phase.failures} of {total} not done[/red]"
            if phase.failures
            else f"[green]✓[/green] {total}"
        )
        self.console.print(f"{mark} {title} [dim]{time.monotonic() - started:.1f} s[/dim]")
