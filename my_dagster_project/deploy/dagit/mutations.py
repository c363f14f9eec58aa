"""What may be changed through GraphQL: Dagster asks who may (`permissions.py`), and here is decided what a team may ask for at all.

A mutation that is in no list is refused: Dagster answers five of its mutations (those that give a Boolean) and whatever forgot
to check with HTTP 500 and its own stack. Of what a team asks for nothing is left that decides about others: no tags but those that say
which sessions, no run configuration (it reaches the addresses and costs of every resource), no run of another's as parent.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import dagster as dg

from my_dagster_project.deploy.dagit.on_record import in_words, keep_on_record
from my_dagster_project.deploy.dagit.permissions import PersonsContext, context_of
from my_dagster_project.foundation.dagster_private import (
    GrapheneUnauthorizedError,
    Permissions,
    has_permission_for_run,
)
from my_dagster_project.foundation.errors import RefusedError

# What the page sends by itself: that a hint was read, what was clicked (never sent anywhere: telemetry is off).
HARMLESS = frozenset({"setNuxSeen", "logTelemetry"})
OF_TEAMS = frozenset(
    {
        "launchRun",
        "launchPipelineExecution",
        "launchMultipleRuns",
        "launchRunReexecution",
        "launchPipelineReexecution",
        "launchPartitionBackfill",
        "resumePartitionBackfill",
        "reexecutePartitionBackfill",
        "cancelPartitionBackfill",
        "terminateRun",
        "terminateRuns",
        "terminatePipelineExecution",
    }
)
_SESSIONS = ("dagster/partition", "dagster/asset_partition_range")
_HOW = frozenset({"dagster/is_resume_retry", "dagster/step_selection", "dagster/from_ui"})
_NO_CONFIGURATION = (
    "A team's runs take no configuration: the file on its branch says everything. Launch it as it stands."
)
_NO_FORCE = (
    "A team cannot mark a run as ended while it goes on; terminate it without force, or ask the organiser."
)


def guard(schema: Any) -> None:
    """Put the rules in front of every mutation of a GraphQL schema."""
    for name, field in schema.mutation_type.fields.items():
        field.resolve = _guarded(name, field.resolve, _gives_unauthorized(field.type))


def _guarded(name: str, resolve: Any, unauthorized: bool) -> Any:
    def guarded(root: Any, info: Any, **asked: Any) -> Any:
        person = context_of(info)
        told = partial(_told, person, name, in_words(asked))
        try:
            _require(person, name)
            if person.is_team:
                _keep_what_a_team_may_say(info, asked)
        except RefusedError as error:
            refused = GrapheneUnauthorizedError(str(error))
            keep_on_record(person, f"{name} {in_words(asked)}", refused)
            if unauthorized:
                return refused
            raise
        answer = resolve(root, info, **asked)
        return _later(answer, told) if inspect.isawaitable(answer) else told(answer)

    return guarded


def _require(person: PersonsContext, name: str) -> None:
    if person.may_everything or name in HARMLESS or (person.is_team and name in OF_TEAMS):
        return
    raise RefusedError(person.reason)


async def _later(answer: Any, told: Callable[[Any], Any]) -> Any:
    return told(await answer)


def _told(person: PersonsContext, name: str, asked: str, answer: Any) -> Any:
    """The answer as the person gets it; what was asked for, and how it went, is on record."""
    answer = _in_a_sentence(answer, person)
    if name not in HARMLESS:
        keep_on_record(person, f"{name} {asked}".rstrip(), answer)
    return answer


def _in_a_sentence(answer: Any, person: PersonsContext) -> Any:
    """Dagster's own refusal says "Authorization failed"."""
    for one in (answer, *(getattr(answer, "launchMultipleRunsResult", None) or ())):
        if isinstance(one, GrapheneUnauthorizedError):
            one.message = person.reason
    return answer


def _gives_unauthorized(kind: Any) -> bool:
    types = getattr(getattr(kind, "of_type", kind), "types", ())
    return any(one.name == "UnauthorizedError" for one in types)


def _keep_what_a_team_may_say(info: Any, asked: dict[str, Any]) -> None:
    """Drop what a team may not set; raises RefusedError for what changes the meaning of the request."""
    for part in _parts(asked):
        for tags in {"tags", "extraTags"} & part.keys():
            part[tags] = [tag for tag in part[tags] or () if _says_what(tag["key"])]
        part.pop("forceSynchronousSubmission", None)
        if not _is_empty(part.get("runConfigData")):
            raise RefusedError(_NO_CONFIGURATION)
        if "IMMEDIATELY" in str(part.get("terminatePolicy")):
            raise RefusedError(_NO_FORCE)
        if "path" in part:
            _require_own_asset(context_of(info), dg.AssetKey(part["path"]))
        _require_own_runs(info, {run for name in ("rootRunId", "parentRunId") if (run := part.get(name))})


def _parts(asked: Any) -> Iterator[dict[str, Any]]:
    """Every mapping of a mutation's arguments, at any depth."""
    if isinstance(asked, dict):
        yield asked
        asked = list(asked.values())
    if isinstance(asked, list):
        for one in asked:
            yield from _parts(one)


def _says_what(tag: str) -> bool:
    return tag.startswith(_SESSIONS) or tag in _HOW


def _is_empty(config: Any) -> bool:
    import yaml

    if isinstance(config, str):
        try:
            config = yaml.safe_load(config)
        except yaml.YAMLError:
            return False
    return config is None or (isinstance(config, Mapping) and all(map(_is_empty, config.values())))


def _require_own_asset(person: PersonsContext, key: dg.AssetKey) -> None:
    """Dagster asks for the job's owner alone, and lets a selection of any asset be launched under its name."""
    if not person.has_permission_for_selector(Permissions.LAUNCH_PIPELINE_EXECUTION, key):
        raise RefusedError(person.reason)


def _require_own_runs(info: Any, runs: set[str]) -> None:
    """A run under another team's would count as a repetition of it, and use up those that it has after a crash."""
    for run_id in runs:
        run = info.context.instance.get_run_by_id(run_id)
        if run and not has_permission_for_run(info, Permissions.LAUNCH_PIPELINE_REEXECUTION, run):
            raise RefusedError(context_of(info).reason)
