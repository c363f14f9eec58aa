"""What Dagster knows about finished runs, as news: how each ended, why, and which inputs had drifted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import dagster as dg
from dagster import DagsterEventType
from pydantic import BaseModel

from my_dagster_project.notifications.messages import (
    ORGANISER,
    Message,
    RunFacts,
    alarmed,
    drifted,
    failed,
    succeeded,
    unalarmed,
)
from my_dagster_project.pipeline.alarming import NO_ALARM, OPEN
from my_dagster_project.pipeline.failures import problem_of
from my_dagster_project.reports.report_tests import DRIFT
from my_dagster_project.teams.registry import Registry

type _End = Literal[DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_FAILURE]

_ENDS: dict[str, _End] = {
    "success": DagsterEventType.RUN_SUCCESS,
    "failure": DagsterEventType.RUN_FAILURE,
}
_RUNS_PER_LOOK = 50
# Dagster stores the event first, then the run's status and whether it will be tried again.
_SETTLING_SECONDS = 60
_ERROR = dg.AssetCheckSeverity.ERROR
_BY_HAND = "__ASSET_JOB"


class RunsSeen(BaseModel):
    """How far the event log was read, by kind of end; which symbols were drifting when a team's report was last made,
    and the ids of the alarms that were open on the last table, by team."""

    upto: dict[str, int] = {}
    drifting: dict[str, list[str]] = {}
    open_alarms: dict[str, list[str]] = {}

    def messages(self, instance: dg.DagsterInstance, registry: Registry, dagit: str) -> Iterator[Message]:
        """Messages about the runs that ended since the last look, and remembers them; the first look tells nothing."""
        for kind, event_type in _ENDS.items():
            if kind not in self.upto:
                latest = instance.fetch_run_status_changes(event_type, limit=1).records
                self.upto[kind] = latest[0].storage_id if latest else 0
                continue
            yield from self._ended(kind, instance, registry, dagit)

    def _ended(
        self, kind: str, instance: dg.DagsterInstance, registry: Registry, dagit: str
    ) -> Iterator[Message]:
        wanted = dg.RunStatusChangeRecordsFilter(_ENDS[kind], after_storage_id=self.upto[kind])
        found = instance.fetch_run_status_changes(wanted, limit=_RUNS_PER_LOOK, ascending=True)
        for one in found.records:
            record = instance.get_run_record_by_id(one.run_id)
            if record is not None:
                if not _settled(record, instance, one.timestamp):
                    return
                yield from self._told(kind, record, instance, registry, dagit)
            self.upto[kind] = one.storage_id

    def _told(
        self, kind: str, record: dg.RunRecord, instance: dg.DagsterInstance, registry: Registry, dagit: str
    ) -> Iterator[Message]:
        facts = facts_of(record, registry, dagit)
        if kind == "success":
            yield succeeded(facts)
        elif record.dagster_run.tags.get("dagster/will_retry") != "true":
            yield failed(replace(facts, causes=causes_of(instance, record.dagster_run.run_id)))
        for team, found in drift_of(instance, record.dagster_run.run_id).items():
            before = set(self.drifting.get(team, ()))
            moved = {symbol: text for symbol, text in found.items() if text}
            self.drifting[team] = sorted((before - found.keys()) | moved.keys())
            if new := {symbol: text for symbol, text in moved.items() if symbol not in before}:
                yield drifted(replace(facts, team=team), new)
        yield from self._alarmed(instance, facts)

    def _alarmed(self, instance: dg.DagsterInstance, facts: RunFacts) -> Iterator[Message]:
        found = alarms_of(instance, facts.run_id)
        if found is None:
            return
        before, self.open_alarms = self.open_alarms, {team: one.ids for team, one in found.items()}
        for team, one in found.items():
            # By id: the figures in the words are others every day.
            if not set(one.ids) <= set(before.get(team, ())):
                yield alarmed(replace(facts, team=team), one.said)
        for team in before.keys() - found.keys():
            yield unalarmed(replace(facts, team=team))


def facts_of(record: dg.RunRecord, registry: Registry, dagit: str) -> RunFacts:
    """A run's own account of itself; without a tag it is the team's whose assets it was asked for."""
    run = record.dagster_run
    asked = {key.path[0] for key in run.asset_selection or ()}
    team = run.tags.get("team") or (asked.pop() if len(asked) == 1 else "")
    first = run.tags.get("dagster/asset_partition_range_start") or run.tags.get("dagster/partition", "")
    last = run.tags.get("dagster/asset_partition_range_end", first)
    sessions = f"sessions {first} to {last}" if last != first else f"session {first}" if first else ""
    known = record.start_time is not None and record.end_time is not None
    return RunFacts(
        run_id=run.run_id,
        team=team if team in registry.teams else ORGANISER,
        job="materialized by hand" if run.job_name.startswith(_BY_HAND) else run.job_name,
        sessions=sessions,
        config=run.tags.get("config", ""),
        link=f"{dagit.rstrip('/')}/runs/{run.run_id}",
        seconds=float(record.end_time or 0) - float(record.start_time or 0) if known else None,
    )


def causes_of(instance: dg.DagsterInstance, run_id: str) -> list[tuple[str, str]]:
    """Which steps failed and why, in our words; of a run that never came to a step, why the run failed."""
    failures = instance.all_logs(run_id, of_type=DagsterEventType.STEP_FAILURE)
    problems = [problem_of(event.get_dagster_event()) for event in failures]
    if problems:
        return [(problem.step, problem.message) for problem in problems]
    ends = instance.all_logs(run_id, of_type=DagsterEventType.RUN_FAILURE)
    return [
        ("", str(event.get_dagster_event().message or "the run ended without a reason"))
        for event in ends[-1:]
    ]


def failed_checks_of(instance: dg.DagsterInstance, run_id: str) -> Iterator[str]:
    """The checks that failed in a run that went on all the same, each with its reason's first line; no mere warnings.

    The table's own check is told by team, from what it says of each.
    """
    for check in _checks_of(instance, run_id):
        if not (check.passed or check.blocking or check.check_name == NO_ALARM) and check.severity == _ERROR:
            said = (check.description or "no reason given").partition("\n")[0]
            yield f"a failed check {check.check_name} of {' '.join(check.asset_key.path)}: {said}"


def drift_of(instance: dg.DagsterInstance, run_id: str) -> Mapping[str, dict[str, str]]:
    """By team and symbol what the run's reports say of drift: '' where there is none."""
    found: dict[str, dict[str, str]] = {}
    for check in _checks_of(instance, run_id):
        if check.check_name == DRIFT.name:
            team, symbol = check.asset_key.path[:2]
            found.setdefault(team, {})[symbol] = "" if check.passed else check.description or "drifted"
    return found


@dataclass(frozen=True)
class OpenAlarms:
    """What is open about a team: a line for each alarm, and their ids."""

    said: str
    ids: list[str]


def alarms_of(instance: dg.DagsterInstance, run_id: str) -> dict[str, OpenAlarms] | None:
    """By team what alarms are open on the table that the run made; None where it made none."""
    for check in _checks_of(instance, run_id):
        if check.check_name == NO_ALARM:
            told = dict(check.metadata)
            # A table of an earlier version names none.
            ids: Any = told.pop(OPEN).value if OPEN in told else {}
            return {team: OpenAlarms(str(said.value), ids.get(team, [])) for team, said in told.items()}
    return None


def _checks_of(instance: dg.DagsterInstance, run_id: str) -> Iterator[dg.AssetCheckEvaluation]:
    for event in instance.all_logs(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION):
        yield event.get_dagster_event().asset_check_evaluation_data


def _settled(record: dg.RunRecord, instance: dg.DagsterInstance, at: float) -> bool:
    """Whether the run's record has caught up with the event that it ended."""
    run = record.dagster_run
    decided = run.is_success or not instance.run_retries_enabled or "dagster/will_retry" in run.tags
    old = datetime.now(UTC).timestamp() - at > _SETTLING_SECONDS
    return old or (run.is_finished and decided)
