"""A team's Ludwig section against the rest of its file: inputs are features, the output is the target, types fit."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from my_dagster_project.domain.indicators import FEATURE_KINDS
from my_dagster_project.foundation.problems import MOST_PROBLEMS, Problem, show, suggestion
from my_dagster_project.models.kinds.ludwig.ludwig_build import INPUT_TYPES
from my_dagster_project.models.kinds.ludwig.ludwig_input import OUTPUT_TYPE
from my_dagster_project.models.kinds.ludwig.ludwig_keys import metrics_of
from my_dagster_project.models.kinds.port import Task

_OTHER_METRICS = (
    ("trainer", "increase_batch_size_eval_metric"),
    ("trainer", "learning_rate_scheduler", "reduce_eval_metric"),
)
_NORMALIZED = ("zscore", "minmax")


def ludwig_problems(section: dict[str, Any], task: Task) -> list[Problem]:
    """Every problem of the section; places are relative to `ludwig`."""
    problems = list(validation_problems(section, task))
    for key, check in (("input_features", input_problems), ("output_features", output_problems)):
        entries = section.get(key)
        if isinstance(entries, list) and entries and all(isinstance(entry, dict) for entry in entries):
            problems += islice(check(task, entries), MOST_PROBLEMS)
    return problems


def input_problems(task: Task, inputs: list[dict[str, Any]]) -> Iterator[Problem]:
    """Each input must be a feature of this file, once, with the Ludwig type its kind has."""
    seen: set[str] = set()
    for index, entry in enumerate(inputs):
        name, loc = entry.get("name"), ("input_features", index)
        if not isinstance(name, str):
            continue
        if name in seen:
            yield Problem((*loc, "name"), f"{show(name)} is an input twice")
        elif name == task.target:
            yield Problem((*loc, "name"), f"{name} is the target; a model cannot read what it predicts")
        elif name not in task.features:
            yield Problem(
                (*loc, "name"), f"{show(name)} is no feature of this file" + suggestion(name, task.features)
            )
        else:
            yield from _type_problems(task.features[name], entry, loc)
        seen.add(name)
        if entry.get("column", name) != name:
            yield Problem((*loc, "column"), f"must be {name} or left out; the column has the feature's name")


def _type_problems(kind_name: str, entry: dict[str, Any], loc: tuple[str, int]) -> Iterator[Problem]:
    kind, given = FEATURE_KINDS.get(kind_name), entry.get("type")
    if kind is None or not isinstance(given, str):
        return
    wanted = "category" if kind.category else "number"
    if given != wanted and given in INPUT_TYPES:  # others are reported by the linter itself
        yield Problem(
            (*loc, "type"), f"{kind_name} gives a {wanted}: type must be {wanted}, not {show(given)}"
        )


def output_problems(task: Task, outputs: list[dict[str, Any]]) -> Iterator[Problem]:
    """Exactly one output: the target, with its type, and normalized when it is a number."""
    if len(outputs) > 1:
        yield Problem(
            ("output_features",), f"has {len(outputs)} outputs; the one output is the target, {task.target}"
        )
        return
    output, loc = outputs[0], ("output_features", 0)
    name, given, wanted = output.get("name"), output.get("type"), OUTPUT_TYPE[task.target]
    if isinstance(name, str) and name != task.target:
        yield Problem((*loc, "name"), f"must be the target, {task.target}, not {show(name)}")
    if isinstance(given, str) and given != wanted:
        yield Problem((*loc, "type"), f"must be {wanted} for target {task.target}, not {show(given)}")
    elif given == "number" and not _is_normalized(output):
        yield Problem(
            (*loc, "preprocessing"),
            "needs normalization: zscore (or minmax); a network cannot learn returns of 0.001 as they are",
        )
    metric, metrics = output.get("default_validation_metric"), metrics_of(wanted)
    if isinstance(metric, str) and metric not in metrics:
        text = f"cannot be {show(metric)}" + suggestion(metric, metrics)
        yield Problem((*loc, "default_validation_metric"), text)
    if output.get("column", name) != name:
        yield Problem((*loc, "column"), f"must be {task.target} or left out; the platform names the column")


def _is_normalized(output: dict[str, Any]) -> bool:
    """Whether the output itself says so; `defaults.number` would do for Ludwig, but is easily changed for the inputs."""
    own = output.get("preprocessing")
    return isinstance(own, dict) and own.get("normalization") in _NORMALIZED


def validation_problems(section: dict[str, Any], task: Task) -> Iterator[Problem]:
    """What early stopping watches must exist: the target (or `combined`), by a metric of its type."""
    trainer = section.get("trainer")
    if not isinstance(trainer, dict):
        return
    field, metric = trainer.get("validation_field"), trainer.get("validation_metric")
    fields = [task.target, "combined"]
    if isinstance(field, str) and field not in fields:
        yield Problem(("trainer", "validation_field"), f"cannot be {show(field)}" + suggestion(field, fields))
    known = metrics_of(OUTPUT_TYPE[task.target])
    metrics = ["loss"] if field == "combined" else known
    if isinstance(metric, str) and metric not in metrics:
        yield Problem(
            ("trainer", "validation_metric"), f"cannot be {show(metric)}" + suggestion(metric, metrics)
        )
    for loc in _OTHER_METRICS:
        value: Any = section
        for part in loc:
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, str) and value not in known:
            yield Problem(loc, f"cannot be {show(value)}" + suggestion(value, known))
