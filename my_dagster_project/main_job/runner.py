"""Runs Dagster jobs in this process, one after the other, and keeps what went wrong for the end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg
from dagster import DagsterEventType

from my_dagster_project.main_job.abandoned import PROCESS_TAG, this_process
from my_dagster_project.pipeline.failures import Problem, problem_of
from my_dagster_project.pipeline.progress import listen

_RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


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
        tags: Mapping[str, str] | None = None,
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
                tags={**(tags or {}), **_tags(sessions)},
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


def _tags(sessions: Sequence[str]) -> dict[str, str]:
    ends = dict(zip(_RANGE, (sessions[0], sessions[-1]), strict=True)) if len(sessions) > 1 else {}
    return {PROCESS_TAG: this_process(), **ends}


def _failed(event: dg.DagsterEvent) -> bool:
    return event.event_type == DagsterEventType.STEP_FAILURE
