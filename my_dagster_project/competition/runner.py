"""Runs Dagster jobs in this process, one after the other, and keeps what went wrong for the end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import dagster as dg
from dagster import DagsterEventType

from my_dagster_project.automation.progress import listen
from my_dagster_project.errors import TradingError

_RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


@dataclass(frozen=True)
class Problem:
    """A step that failed: which, and its message for people."""

    step: str
    message: str


@dataclass
class Runner:
    """Executes jobs against the instance, so that Dagit shows them like any other run."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    problems: list[Problem] = field(default_factory=list)
    _jobs: dict[str, dg.JobDefinition] = field(default_factory=dict)

    def run(
        self,
        job: str,
        selection: Sequence[dg.AssetKey],
        on_event: Callable[[dg.DagsterEvent | None, str], None],
        sessions: Sequence[str] = (),
    ) -> bool:
        """Run the selected assets of a job, for one session or a range of them; False when something failed.

        A failing step stops only what depends on it; its message joins `problems`.
        """
        stop = listen(on_event)
        try:
            result = self._job(job).execute_in_process(
                instance=self.instance,
                asset_selection=list(selection),
                partition_key=sessions[0] if len(sessions) == 1 else None,
                tags=dict(zip(_RANGE, (sessions[0], sessions[-1]), strict=True))
                if len(sessions) > 1
                else None,
                run_config={"loggers": {"progress": {}}},
                raise_on_error=False,
            )
        finally:
            stop()
        self.problems += [problem_of(event) for event in result.all_events if _failed(event)]
        return result.success

    def _job(self, name: str) -> dg.JobDefinition:
        # Resolving a job walks the whole asset graph; a replay asks for the same one 60 times.
        if name not in self._jobs:
            self._jobs[name] = self.definitions.resolve_job_def(name)
        return self._jobs[name]


def _failed(event: dg.DagsterEvent) -> bool:
    return event.event_type == DagsterEventType.STEP_FAILURE


def problem_of(event: dg.DagsterEvent) -> Problem:
    """What a step's failure event says to people: our own text where the cause is ours, else the exception's."""
    data = event.step_failure_data
    said = data.user_failure_data.description if data.user_failure_data else None
    error = data.error
    while error is not None and not _is_ours(error.message) and error.cause is not None:
        error = error.cause
    if said is None:
        said = _without_class(error.message.strip()) if error else "failed without a message"
    return Problem(str(event.step_key).replace("__", "/"), said)


def _is_ours(message: str) -> bool:
    return message.startswith(f"{TradingError.__module__}.")


def _without_class(message: str) -> str:
    """Dagster puts the class in front; of an error of ours (a full disk met by the IO manager) the text says it all."""
    return message.partition(": ")[2] if _is_ours(message) else message
