"""Generates `ludwig_schema.json` from the installed Ludwig: `python -m my_dagster_project.models.kinds.ludwig.ludwig_build`.

Ludwig's own JSON schema is 8.5 MB and needs Ludwig (1 GB, 9 s) to be read. This one has what is there for tabular features
without downloads, says what Ludwig's leaves open, and has each distinct part once: linter and editors walk the same. Beside
the vocabulary of draft 7 it has, for people, `x-unavailable` (types that cannot be used here, and why) and `x-metrics`.
"""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from my_dagster_project.models.kinds.ludwig import ludwig_overrides as overrides
from my_dagster_project.models.kinds.ludwig.ludwig_rules import REFUSED, REFUSED_ANYWHERE

type Schema = dict[str, Any]

FILE = "ludwig_schema.json"
INPUT_TYPES = ("number", "category")
OUTPUT_TYPES = ("number", "binary", "category")
# Keys that a team is told it may not set, wherever they stand; editors should not offer them.
_NOT_HERE = {*overrides.INTERNAL, *REFUSED_ANYWHERE, *(str(loc[-1]) for loc in REFUSED)}
_RANGE = ("minimum", "maximum", "exclusiveMinimum")
_TEXT: Schema = {"type": "string"}


class Definitions:
    """Distinct parts in order of appearance; equal parts get one name."""

    def __init__(self) -> None:
        self._parts: dict[str, Schema] = {}

    def add(self, part: Schema) -> Schema:
        """A reference to this part."""
        spelling = json.dumps(part, sort_keys=True)
        self._parts.setdefault(spelling, part)
        return {"$ref": f"#/definitions/ludwig{list(self._parts).index(spelling)}"}

    def all(self) -> dict[str, Schema]:
        """All by name."""
        return {f"ludwig{number}": part for number, part in enumerate(self._parts.values())}

    def compile(self, schema: Schema, key: str = "") -> Schema:
        """A reference to a part of Ludwig's schema, with everything below it."""
        schema = overrides.for_key(key, schema)
        forms = schema.get("oneOf") or schema.get("anyOf")
        if forms:
            return self.add({"anyOf": [self.compile(form) for form in forms]})
        part: Schema = {name: schema[name] for name in _RANGE if name in schema}
        types = _types(schema)
        if types:
            part["type"] = types if len(types) > 1 else types[0]
        if "enum" in schema:
            words = sorted((value for value in schema["enum"] if value is not None), key=str)
            part["enum"] = [*words, None] if "null" in types else words
        if isinstance(schema.get("items"), dict):
            part["items"] = self.compile(schema["items"])
        if schema.get("properties"):
            part |= self._mapping(schema, key)
        return self.add(part)

    def _mapping(self, schema: Schema, key: str) -> Schema:
        need = {"required": sorted(schema["required"])} if schema.get("required") else {}
        variants = _variants(schema)
        if not variants:
            return need | _only_these(self._keys(schema["properties"]))
        reasons = overrides.UNAVAILABLE.get(key, {})
        shared = self._keys(schema["properties"]) | {"type": self.add(_TEXT)}
        branches = {
            name: self.add(_only_these(shared | self._keys(keys)))
            for name, keys in sorted(variants.items())
            if name not in reasons
        }
        kind: Schema = {"enum": list(branches)}
        part: Schema = {
            "properties": {"type": kind},
            "allOf": [_if_type(*branch) for branch in branches.items()],
        }
        default = schema["properties"]["type"].get("default")
        if default in branches:
            kind["default"] = default
            part["allOf"].append({"if": {"not": {"required": ["type"]}}, "then": branches[default]})
        return need | part | ({"x-unavailable": reasons} if reasons else {})

    def _keys(self, properties: Schema) -> Schema:
        shown = sorted(key for key in properties if key not in _NOT_HERE)
        return {key: self.compile(properties[key], key) for key in shown}


def _only_these(keys: Schema) -> Schema:
    return {"properties": keys, "additionalProperties": False}


def _if_type(name: str, then: Schema) -> Schema:
    return {"if": {"properties": {"type": {"const": name}}, "required": ["type"]}, "then": then}


def _types(schema: Schema) -> list[str]:
    """The JSON types; `null` only where the list of words, if there is one, has it too."""
    given = schema.get("type", [])
    types = {given} if isinstance(given, str) else set(given)
    if "enum" in schema and None not in schema["enum"]:
        types -= {"null"}
    return sorted(types)


def _variants(schema: Schema) -> dict[str, Schema]:
    """The `allOf: [{if: type is X, then: keys}]` of Ludwig's schema as {X: keys}."""
    return {
        branch["if"]["properties"]["type"]["const"]: branch["then"].get("properties", {})
        for branch in schema.get("allOf", [])
    }


def build() -> str:
    """The content of the file for the installed Ludwig."""
    from importlib.metadata import version

    from ludwig.config_validation.validation import get_schema

    sections = get_schema("ecd")["properties"]
    definitions = Definitions()
    keys = {
        "input_features": _features(definitions, sections, "input_features", INPUT_TYPES),
        "output_features": _features(definitions, sections, "output_features", OUTPUT_TYPES),
        "defaults": definitions.compile(_only(sections["defaults"], set(INPUT_TYPES) | set(OUTPUT_TYPES))),
        **{
            key: definitions.compile(sections[key], key)
            for key in ("combiner", "trainer", "preprocessing", "model_type")
        },
    }
    content = {
        "$comment": f"Of Ludwig {version('ludwig')}, by ludwig_build.",
        "type": "object",
        **_only_these(keys),
        "required": ["combiner", "input_features", "output_features"],
        "x-metrics": _metrics(),
        "definitions": definitions.all(),
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":")).replace(',"ludwig', ',\n"ludwig') + "\n"


def _features(definitions: Definitions, sections: Schema, key: str, types: tuple[str, ...]) -> Schema:
    """A list of features; which other keys one may have depends on its type."""
    items, known = dict(sections[key]["items"]), {*types, *overrides.UNAVAILABLE.get(key, {})}
    items["allOf"] = [x for x in items["allOf"] if x["if"]["properties"]["type"]["const"] in known]
    return definitions.add({"type": "array", "items": definitions.compile(items, key), "minItems": 1})


def _only(schema: Schema, names: set[str]) -> Schema:
    return {
        **schema,
        "properties": {key: value for key, value in schema["properties"].items() if key in names},
    }


def _metrics() -> dict[str, list[str]]:
    """What `trainer.validation_metric` may be for each type of output."""
    from ludwig.modules.metric_registry import get_metrics_for_type

    return {name: sorted({"loss", *get_metrics_for_type(name)}) for name in OUTPUT_TYPES}


def main() -> None:
    """Write the file beside this module."""
    path = Path(str(files("my_dagster_project.models.kinds.ludwig") / FILE))
    path.write_text(build(), encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
