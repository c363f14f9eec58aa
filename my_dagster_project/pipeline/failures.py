"""What a failed step says to people, from the event that Dagster keeps of it."""

import re
from dataclasses import dataclass

import dagster as dg

# Wherever the module lay when the event was stored: Dagster keeps a class by its path, and events for months.
_OURS = re.compile(r"my_dagster_project\.(\w+\.)?errors\.")


@dataclass(frozen=True)
class Problem:
    """A step that failed: which, and its message for people."""

    step: str
    message: str


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
    return bool(_OURS.match(message))


def _without_class(message: str) -> str:
    """Dagster puts the class in front; of an error of ours (a full disk met by the IO manager) the text says it all."""
    return message.partition(": ")[2] if _is_ours(message) else message
