"""Checks every key and value of a Ludwig section against a committed table, without importing Ludwig.

Ludwig accepts most mistakes silently: an unknown section, a misspelt key of a combiner, encoder, optimizer or
preprocessing, a parameter of another combiner, a learning rate of -1. Two teams once tuned layers that were never read.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from my_dagster_project.foundation.findings import wrong_type
from my_dagster_project.foundation.problems import MOST_PROBLEMS, Loc, Problem, nearest, show, suggestion
from my_dagster_project.models.kinds.ludwig.ludwig_rules import refused, setting_problems

type Node = dict[str, Any]

_TYPE_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a mapping (`key: value` lines)",
}


def lint_ludwig(section: dict[str, Any]) -> list[Problem]:
    """Everything wrong with a Ludwig section by itself; places are relative to it."""
    table = load_table()
    not_allowed = refused(section)
    settled = {problem.loc for problem in not_allowed}
    malformed = list(
        islice(_check(table["nodes"], table["nodes"][table["root"]], section, ()), MOST_PROBLEMS)
    )
    found = [
        problem
        for problem in malformed or setting_problems(section)
        if not any(problem.loc[:end] in settled for end in range(len(problem.loc) + 1))
    ]
    return [*not_allowed, *found]


@cache
def load_table() -> dict[str, Any]:
    """The table that `ludwig_build` wrote; its docstring explains the nodes."""
    text = (files("my_dagster_project.models.kinds.ludwig") / "ludwig_keys.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def metrics_of(output_type: str) -> list[str]:
    """What `trainer.validation_metric` may be for an output feature of this type."""
    return list(load_table()["metrics"][output_type])


def usable_input_types() -> list[str]:
    """The types an input feature can have here; others are reported by the linter itself."""
    nodes, root = load_table()["nodes"], load_table()["root"]
    feature = nodes[nodes[nodes[root]["keys"]["input_features"]]["item"]]
    return [name for name, entry in feature["by"].items() if isinstance(entry, int)]


def _check(nodes: list[Node], node: Node, value: Any, loc: Loc) -> Iterator[Problem]:
    if "any" in node:
        yield from _check_forms(nodes, [nodes[form] for form in node["any"]], value, loc)
        return
    kinds = node.get("t", ["object"] if "keys" in node else [])
    if kinds and not _is_one_of(kinds, value):
        yield Problem(loc, wrong_type(_describe(kinds), value))
    elif isinstance(value, dict) and "keys" in node:
        yield from _check_mapping(nodes, node, value, loc)
    elif isinstance(value, list):
        yield from _check_list(nodes, node, value, loc)
    else:
        yield from _check_value(node, value, loc)


def _check_forms(nodes: list[Node], forms: list[Node], value: Any, loc: Loc) -> Iterator[Problem]:
    """A value that may have one of several forms: judged by the form whose type it has."""
    kinds = [kind for form in forms for kind in form["t"]]
    numeric = "number" in kinds or "integer" in kinds
    for form in forms:
        # `1e-3` is text to YAML: where a number is meant, say so instead of listing the words that would do as well.
        meant_as_number = numeric and isinstance(value, str) and value not in form.get("e", [value])
        if _is_one_of(form["t"], value) and not meant_as_number:
            yield from _check(nodes, form, value, loc)
            return
    yield Problem(
        loc, wrong_type(_describe([kind for kind in kinds if not (numeric and kind == "string")]), value)
    )


def _check_list(nodes: list[Node], node: Node, value: list[Any], loc: Loc) -> Iterator[Problem]:
    if len(value) < node.get("least", 0):
        yield Problem(loc, "needs at least one entry")
    if "item" in node:
        for index, item in enumerate(value):
            yield from _check(nodes, nodes[node["item"]], item, (*loc, index))


def _check_value(node: Node, value: Any, loc: Loc) -> Iterator[Problem]:
    words = node.get("e")
    if words and value is not None and value not in words:
        yield Problem(loc, f"cannot be {show(value)}" + suggestion(str(value), [str(word) for word in words]))
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value < node.get("min", value):
            yield Problem(loc, f"must be at least {node['min']}, not {show(value)}")
        if value > node.get("max", value):
            yield Problem(loc, f"must be at most {node['max']}, not {show(value)}")
        if "above" in node and value <= node["above"]:
            yield Problem(loc, f"must be above {node['above']}, not {show(value)}")


def _check_mapping(nodes: list[Node], node: Node, value: dict[str, Any], loc: Loc) -> Iterator[Problem]:
    keys: dict[str, int] = dict(node["keys"])
    for name in node.get("need", []):
        if name not in value:
            yield Problem((*loc, name), "is missing")
    variant = None
    if "by" in node:
        variant = value.get("type", node.get("default"))
        entry = node["by"].get(variant) if isinstance(variant, str) else None
        if not isinstance(entry, int):
            yield from _bad_variant(node, value, entry, loc)
            return
        keys |= nodes[entry]["keys"]
    for key, item in value.items():
        if key in keys:
            yield from _check(nodes, nodes[keys[key]], item, (*loc, key))
        else:
            yield Problem((*loc, key), _unknown_key(nodes, node, key, list(keys), variant))


def _bad_variant(node: Node, value: dict[str, Any], reason: str | None, loc: Loc) -> Iterator[Problem]:
    """The key `type` is missing, of another type, unknown, or names what cannot be used here."""
    if "type" not in value:
        return  # reported as missing already
    given = value["type"]
    if reason:
        yield Problem((*loc, "type"), f"cannot be {show(given)}: it {reason}")
    elif not isinstance(given, str):
        yield Problem((*loc, "type"), wrong_type("text", given))
    else:
        usable = [name for name, entry in node["by"].items() if isinstance(entry, int)]
        yield Problem((*loc, "type"), f"cannot be {show(given)}" + suggestion(given, usable))


def _unknown_key(nodes: list[Node], node: Node, key: str, valid: list[str], variant: str | None) -> str:
    """Says which other type has the key; else the nearest valid one."""
    owners = [
        name
        for name, entry in node.get("by", {}).items()
        if isinstance(entry, int) and key in nodes[entry]["keys"]
    ]
    if owners:
        return f"type {variant} has no such key; it belongs to type {', '.join(owners)}"
    best = nearest(key, valid)
    return "unknown key" + (f" (did you mean {best}?)" if best else suggestion(key, sorted(valid)))


def _is_one_of(kinds: list[str], value: Any) -> bool:
    if value is None:
        return "null" in kinds
    if isinstance(value, bool):
        return "boolean" in kinds
    if isinstance(value, int):
        return "integer" in kinds or "number" in kinds
    if isinstance(value, float):
        return "number" in kinds
    if isinstance(value, str):
        return "string" in kinds
    return (isinstance(value, dict) and "object" in kinds) or (isinstance(value, list) and "array" in kinds)


def _describe(kinds: list[str]) -> str:
    names = [_TYPE_NAMES[kind] for kind in dict.fromkeys(kinds) if kind != "null"]
    return " or ".join(names) or "null"
