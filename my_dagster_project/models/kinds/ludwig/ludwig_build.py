"""Generates `ludwig_keys.json` from the installed Ludwig: `python -m my_dagster_project.models.kinds.ludwig.ludwig_build`.

Ludwig's own JSON schema is 8.5 MB and needs Ludwig (1 GB, 9 s) to be read. What the linter needs of it, tabular
features without downloads, is a table of small nodes that refer to each other by number, each distinct node once:

    {"t": ["number"], "min": 0, "max": 1}   a value: its JSON types, range, words ("e"), items ("item")
    {"t": ["object"], "keys": {name: node}} a mapping with these keys only ("need": those that must be there)
    {..., "by": {"concat": node}, "default": "concat"}
                                            more keys, depending on the value of its key `type`; a text in place of
                                            a node is the reason why that type cannot be used here
    {"any": [node, node]}                   one of several forms
"""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from my_dagster_project.models.kinds.ludwig import ludwig_overrides as overrides

type Schema = dict[str, Any]

FILE = "ludwig_keys.json"
INPUT_TYPES = ("number", "category", "binary", "text", "timeseries", "vector", "set", "bag", "sequence")
OUTPUT_TYPES = ("number", "binary", "category")
_RANGE = {"minimum": "min", "maximum": "max", "exclusiveMinimum": "above"}


class NodeTable:
    """Distinct nodes in order of appearance; equal nodes get one number."""

    def __init__(self) -> None:
        self.nodes: list[Schema] = []
        self._numbers: dict[str, int] = {}

    def add(self, node: Schema) -> int:
        """The number of this node."""
        spelling = json.dumps(node, sort_keys=True)
        if spelling not in self._numbers:
            self._numbers[spelling] = len(self.nodes)
            self.nodes.append(node)
        return self._numbers[spelling]

    def compile(self, schema: Schema, key: str = "") -> int:
        """A node of Ludwig's schema, and everything below it, as a number of this table."""
        schema = overrides.for_key(key, schema)
        node: Schema = {}
        if "type" in schema:
            node["t"] = _types(schema)
        if "enum" in schema:
            node["e"] = sorted((value for value in schema["enum"] if value is not None), key=str)
        node |= {short: schema[name] for name, short in _RANGE.items() if name in schema}
        forms = schema.get("oneOf") or schema.get("anyOf")
        if forms:
            node["any"] = [self.compile(form) for form in forms]
        if isinstance(schema.get("items"), dict):
            node["item"] = self.compile(schema["items"])
        if schema.get("properties"):
            node |= self._mapping(schema, key)
        return self.add(node)

    def _mapping(self, schema: Schema, key: str) -> Schema:
        variants = _variants(schema)
        properties = {
            name: value for name, value in schema["properties"].items() if not (variants and name == "type")
        }
        node: Schema = {"keys": self._keys(properties)}
        if schema.get("required"):
            node["need"] = sorted(schema["required"])
        if variants:
            node["by"] = {name: self._variant(key, name, keys) for name, keys in sorted(variants.items())}
            node["keys"]["type"] = self.add({"t": ["string"]})
            default = schema["properties"]["type"].get("default")
            if isinstance(node["by"].get(default), int):
                node["default"] = default
        return node

    def _variant(self, key: str, name: str, keys: Schema) -> int | str:
        reason = _why_unavailable(key, name, keys)
        return reason or self.add({"keys": self._keys(keys)})

    def _keys(self, properties: Schema) -> dict[str, int]:
        shown = sorted(key for key in properties if key not in overrides.INTERNAL)
        return {key: self.compile(properties[key], key) for key in shown}


def _types(schema: Schema) -> list[str]:
    """The JSON types; `null` only where the list of words, if there is one, has it too."""
    types = {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])
    if "enum" in schema and None not in schema["enum"]:
        types -= {"null"}
    return sorted(types)


def _variants(schema: Schema) -> dict[str, Schema]:
    """The `allOf: [{if: type is X, then: keys}]` of Ludwig's schema as {X: keys}."""
    return {
        branch["if"]["properties"]["type"]["const"]: branch["then"].get("properties", {})
        for branch in schema.get("allOf", [])
    }


def _why_unavailable(key: str, name: str, keys: Schema) -> str | None:
    if "pretrained_model_name_or_path" in keys:
        return "downloads pretrained weights"
    return overrides.UNAVAILABLE.get(key, {}).get(name)


def build() -> str:
    """The content of `ludwig_keys.json` for the installed Ludwig."""
    from importlib.metadata import version

    from ludwig.config_validation.validation import get_schema

    sections = get_schema("ecd")["properties"]
    table = NodeTable()
    root = {
        "input_features": _features(table, sections, "input_features", INPUT_TYPES),
        "output_features": _features(table, sections, "output_features", OUTPUT_TYPES),
        "defaults": table.compile(_only(sections["defaults"], set(INPUT_TYPES) | set(OUTPUT_TYPES))),
        **{
            key: table.compile(sections[key], key)
            for key in ("combiner", "trainer", "preprocessing", "model_type")
        },
    }
    top = table.add(
        {"t": ["object"], "keys": root, "need": ["combiner", "input_features", "output_features"]}
    )
    content = {"ludwig": version("ludwig"), "metrics": _metrics(), "root": top, "nodes": table.nodes}
    return json.dumps(content, sort_keys=True, separators=(",", ":")).replace('},{"', '},\n{"') + "\n"


def _features(table: NodeTable, sections: Schema, key: str, types: tuple[str, ...]) -> int:
    """A list of features; which other keys one may have depends on its type."""
    items, known = dict(sections[key]["items"]), {*types, *overrides.UNAVAILABLE.get(key, {})}
    items["allOf"] = [x for x in items["allOf"] if x["if"]["properties"]["type"]["const"] in known]
    return table.add({"t": ["array"], "item": table.compile(items, key), "least": 1})


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
