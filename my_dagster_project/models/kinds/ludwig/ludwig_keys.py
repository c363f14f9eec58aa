"""Checks every key and value of a Ludwig section against a committed JSON schema, without importing Ludwig.

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

type Schema = dict[str, Any]

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
    not_allowed = refused(section)
    settled = {problem.loc for problem in not_allowed}
    malformed = list(islice(_check(ludwig_schema(), section, ()), MOST_PROBLEMS))
    found = [
        problem
        for problem in malformed or setting_problems(section)
        if not any(problem.loc[:end] in settled for end in range(len(problem.loc) + 1))
    ]
    return [*not_allowed, *found]


@cache
def ludwig_schema() -> Schema:
    """What `ludwig_build` wrote, a JSON schema of the section; `jsonschema` walks it in 10 ms, this module in 0.5."""
    text = (files("my_dagster_project.models.kinds.ludwig") / "ludwig_schema.json").read_text(
        encoding="utf-8"
    )
    schema: Schema = json.loads(text)
    return schema


def part_of(schema: Schema) -> Schema:
    """The part that a reference names; any other schema is the part itself."""
    if "$ref" not in schema:
        return schema
    part: Schema = ludwig_schema()["definitions"][schema["$ref"].rpartition("/")[2]]
    return part


def metrics_of(output_type: str) -> list[str]:
    """What `trainer.validation_metric` may be for an output feature of this type."""
    return list(ludwig_schema()["x-metrics"][output_type])


def variants_of(node: Schema) -> dict[str, Schema]:
    """By type: the keys of a mapping whose keys depend on its `type`; empty for another one."""
    branches = [one for one in node.get("allOf", []) if "properties" in one["if"]]
    return {one["if"]["properties"]["type"]["const"]: part_of(one["then"])["properties"] for one in branches}


def _check(schema: Schema, value: Any, loc: Loc) -> Iterator[Problem]:
    node = part_of(schema)
    if "anyOf" in node:
        yield from _check_forms([part_of(form) for form in node["anyOf"]], value, loc)
        return
    kinds = types_of(node)
    if kinds and not _is_one_of(kinds, value):
        yield Problem(loc, wrong_type(_describe(kinds), value))
    elif isinstance(value, dict) and "properties" in node:
        yield from _check_mapping(node, value, loc)
    elif isinstance(value, list):
        yield from _check_list(node, value, loc)
    else:
        yield from _check_value(node, value, loc)


def types_of(node: Schema) -> list[str]:
    """The JSON types a part may have; empty where it says none."""
    kinds = node.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def _check_forms(forms: list[Schema], value: Any, loc: Loc) -> Iterator[Problem]:
    """A value that may have one of several forms: judged by the form whose type it has."""
    kinds = [kind for form in forms for kind in types_of(form)]
    numeric = "number" in kinds or "integer" in kinds
    for form in forms:
        # `1e-3` is text to YAML: where a number is meant, say so instead of listing the words that would do as well.
        meant_as_number = numeric and isinstance(value, str) and value not in form.get("enum", [value])
        if _is_one_of(types_of(form), value) and not meant_as_number:
            yield from _check(form, value, loc)
            return
    yield Problem(
        loc, wrong_type(_describe([kind for kind in kinds if not (numeric and kind == "string")]), value)
    )


def _check_list(node: Schema, value: list[Any], loc: Loc) -> Iterator[Problem]:
    if len(value) < node.get("minItems", 0):
        yield Problem(loc, "needs at least one entry")
    if "items" in node:
        for index, item in enumerate(value):
            yield from _check(node["items"], item, (*loc, index))


def _check_value(node: Schema, value: Any, loc: Loc) -> Iterator[Problem]:
    words = [word for word in node.get("enum", []) if word is not None]
    if words and value is not None and value not in words:
        yield Problem(loc, f"cannot be {show(value)}" + suggestion(str(value), [str(word) for word in words]))
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value < node.get("minimum", value):
            yield Problem(loc, f"must be at least {node['minimum']}, not {show(value)}")
        if value > node.get("maximum", value):
            yield Problem(loc, f"must be at most {node['maximum']}, not {show(value)}")
        if "exclusiveMinimum" in node and value <= node["exclusiveMinimum"]:
            yield Problem(loc, f"must be above {node['exclusiveMinimum']}, not {show(value)}")


def _check_mapping(node: Schema, value: dict[str, Any], loc: Loc) -> Iterator[Problem]:
    for name in node.get("required", []):
        if name not in value:
            yield Problem((*loc, name), "is missing")
    keys, variants, variant = node["properties"], variants_of(node), None
    if variants:
        variant = value.get("type", keys["type"].get("default"))
        if not isinstance(variant, str) or variant not in variants:
            yield from _bad_variant(node, value, list(variants), loc)
            return
        keys = variants[variant]
    for key, item in value.items():
        if key in keys:
            yield from _check(keys[key], item, (*loc, key))
        else:
            yield Problem((*loc, key), _unknown_key(variants, key, list(keys), variant))


def _bad_variant(node: Schema, value: dict[str, Any], usable: list[str], loc: Loc) -> Iterator[Problem]:
    """The key `type` is missing, of another type, unknown, or names what cannot be used here."""
    if "type" not in value:
        return  # reported as missing already
    given = value["type"]
    if not isinstance(given, str):
        yield Problem((*loc, "type"), wrong_type("text", given))
    elif reason := node.get("x-unavailable", {}).get(given):
        yield Problem((*loc, "type"), f"cannot be {show(given)}: it {reason}")
    else:
        yield Problem((*loc, "type"), f"cannot be {show(given)}" + suggestion(given, usable))


def _unknown_key(variants: dict[str, Schema], key: str, valid: list[str], variant: str | None) -> str:
    """Says which other type has the key; else the nearest valid one."""
    owners = [name for name, keys in variants.items() if key in keys]
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
