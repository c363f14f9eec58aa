"""What a person sees while the main job works: a live line per running phase, and a lasting one when it has ended."""

from dataclasses import dataclass

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from my_dagster_project.foundation.console import Console, Part, styled
from my_dagster_project.main_job.phases import PhaseEvent


@dataclass
class _Line:
    task: TaskID
    total: int
    done: int = 0


class Screen:
    """Shows events of phases on a console; without a terminal only the lasting lines. Use with `with`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lines: dict[str, _Line] = {}
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}", style="dim", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> "Screen":
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def show(self, event: PhaseEvent) -> None:
        """Take in one message."""
        if event.kind == "begin":
            task = self._progress.add_task(event.phase, total=event.number, now="")
            self._lines[event.phase] = _Line(task, int(event.number))
            return
        line = self._lines[event.phase]
        if event.kind == "now":
            self._progress.update(line.task, now=event.text)
        elif event.kind == "end":
            self._progress.remove_task(line.task)
            self._console.print(styled(*_lasting(event, self._lines.pop(event.phase))))
        else:
            line.done += event.kind == "step"
            self._progress.advance(line.task)


def _lasting(event: PhaseEvent, line: _Line) -> list[Part]:
    if not line.total:
        return [(f"✓ {event.phase}: up to date", "dim")]
    # What a failure kept from being begun is not done either: a replay that stops at its 14th session of 60 has 47 to go.
    if (left := line.total - line.done) > 0:
        return [
            (f"✗ {event.phase}: {left} of {line.total} not done ", "red"),
            (f"{event.number:.1f} s", "dim"),
        ]
    note = f"; {event.text}" if event.text else ""
    return [("✓", "green"), f" {event.phase} ", (f"{line.total} done, {event.number:.1f} s", "dim"), note]
