"""Generates `configs/schema/team.schema.json`: `python -m my_dagster_project.teams.json_schema`.

Editors complete and check a team's file with it (YAML language server, PyCharm). It comes from what the loader checks
against: the models, the feature catalogue and the schema of each kind of model. It knows one file at a time, so limits of the
registry, and whether an input is a feature, stay with `trading validate`. Draft 7, the newest that editors know well.
"""

import json
from pathlib import Path
from typing import Any, get_args

from my_dagster_project.domain.indicators import FEATURE_KINDS, FeatureKind, Parameter
from my_dagster_project.foundation.strict import Strict
from my_dagster_project.models.kinds.table import KINDS
from my_dagster_project.teams.layers import Layer, merged
from my_dagster_project.teams.loading import FROM_REGISTRY, load_defaults
from my_dagster_project.teams.model_forms import LONG_FORM, OF_ALL_KINDS, SHORT_FORM
from my_dagster_project.teams.schema import FEATURE_NAME, SYMBOL, TEAM_NAME, Target, TeamConfig
from my_dagster_project.teams.sections import Model, Schedule, SymbolOverride, Trading, Training

type Schema = dict[str, Any]

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
FILE = CONFIGS / "schema" / "team.schema.json"


def build(defaults: Layer | None) -> str:
    """The content of the file. What the shared defaults give is not required of a team's own file."""
    shapes = {name: kind.schema() for name, kind in KINDS.items()}
    definitions = {"feature": _feature()}
    for shape in shapes.values():
        definitions |= shape.pop("definitions", {})
    whole = {
        "team": _pattern(TEAM_NAME.pattern),
        "symbols": {"type": "array", "items": _pattern(SYMBOL.pattern), "minItems": 1, "uniqueItems": True},
        "features": _features({"$ref": "#/definitions/feature"}),
        "target": {"enum": list(get_args(Target.__value__))},
        **{
            name: _section(model)
            for name, model in (("training", Training), ("trading", Trading), ("schedule", Schedule))
        },
        SHORT_FORM: shapes[SHORT_FORM],
        LONG_FORM: _model(shapes),
    }
    described = _fields(TeamConfig)
    properties = {name: _described(schema, described[name]) for name, schema in whole.items()}
    properties["overrides"] = {
        "type": "object",
        "description": described["overrides"]["description"],
        "propertyNames": _pattern(SYMBOL.pattern),
        "additionalProperties": _override(),
    }
    top = {"type": "object", "properties": properties, "additionalProperties": False}
    top["required"] = [
        name for name in TeamConfig.model_fields if TeamConfig.model_fields[name].is_required()
    ]
    top["oneOf"] = [{"required": [form]} for form in (LONG_FORM, SHORT_FORM)]
    given = FROM_REGISTRY if defaults is None else merged(FROM_REGISTRY, defaults.data)
    top = _without(top, definitions, given)
    content = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A team's file, configs/<team>.yaml",
        **top,
        "definitions": {name: definitions[name] for name in sorted(_used(top, definitions))},
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _pattern(pattern: str) -> Schema:
    return {"type": "string", "pattern": f"^{pattern}$"}


def _described(schema: Schema, field: Schema) -> Schema:
    text = field.get("description")
    return {"description": text, **schema} if text and "$ref" not in schema else schema


def _fields(model: type[Strict]) -> dict[str, Schema]:
    return dict(model.model_json_schema()["properties"])


def _section(model: type[Strict]) -> Schema:
    """A model as pydantic's schema of it, less its titles; a part of its own that is a model stands in its place."""
    schema = model.model_json_schema()
    for name, field in schema["properties"].items():
        field.pop("title", None)
        part = model.model_fields[name].annotation
        if isinstance(part, type) and issubclass(part, Strict):
            schema["properties"][name] = _described(_section(part), {"description": field["description"]})
    return {
        key: schema[key] for key in ("description", "type", "properties", "required") if key in schema
    } | {"additionalProperties": False}


def _features(one: Schema) -> Schema:
    return {"type": "object", "propertyNames": _pattern(FEATURE_NAME.pattern), "additionalProperties": one}


def _feature() -> Schema:
    """One feature: which keys it may have besides `kind` depends on the kind."""
    kinds = [{"const": kind.name, "description": kind.description} for kind in FEATURE_KINDS.values()]
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"anyOf": kinds}},
        "allOf": [_if("kind", kind.name, _kind(kind)) for kind in FEATURE_KINDS.values()],
    }


def _model(shapes: dict[str, Schema]) -> Schema:
    """A model of any kind: which keys it may have besides `kind` depends on the kind."""
    kinds = [{"const": kind.name, "description": kind.says} for kind in KINDS.values()]
    return {
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"anyOf": kinds}, "scope": _untitled(_fields(Model)["scope"])},
        "allOf": [_if("kind", name, _shape(schema)) for name, schema in shapes.items() if schema],
    }


def _shape(schema: Schema) -> Schema:
    own = {name: _untitled(field) for name, field in schema["properties"].items()}
    return {
        "properties": {**{name: {} for name in OF_ALL_KINDS}, **own},
        "required": schema.get("required", []),
        "additionalProperties": False,
    }


def _untitled(field: Schema) -> Schema:
    return {key: value for key, value in field.items() if key != "title"}


def _if(key: str, value: str, then: Schema) -> Schema:
    return {"if": {"properties": {key: {"const": value}}, "required": [key]}, "then": then}


def _kind(kind: FeatureKind) -> Schema:
    properties: Schema = {
        "kind": {},
        "lag": {"type": "integer", "minimum": 0, "maximum": 250, "description": "Delay in sessions."},
        **{name: _parameter(parameter) for name, parameter in kind.parameters.items()},
    }
    if len(kind.outputs) > 1:
        properties["output"] = {"enum": list(kind.outputs)}
    return {"properties": properties, "additionalProperties": False}


def _parameter(parameter: Parameter) -> Schema:
    return {
        "type": "integer" if parameter.type is int else "number",
        "minimum": parameter.minimum,
        "maximum": parameter.maximum,
        "default": parameter.default,
    }


def _override() -> Schema:
    """What a symbol may have: parts of the sections, so nothing is required; the whole is judged by the loader."""
    described = _fields(SymbolOverride)
    training = _section(Training)
    training.pop("required")
    parts = {"features": _features({"type": "object"}), "training": training}
    parts |= {form: {"type": "object"} for form in (SHORT_FORM, LONG_FORM)}
    properties = {name: _described(schema, described[name]) for name, schema in parts.items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _without(schema: Schema, definitions: dict[str, Schema], given: dict[str, Any]) -> Schema:
    """The schema less the requirements that the given values fulfil."""
    schema = dict(definitions[_name(schema["$ref"])] if "$ref" in schema else schema)
    known = schema.get("properties", {})
    inside = {
        key: _without(known[key], definitions, value)
        for key, value in given.items()
        if isinstance(value, dict) and key in known
    }
    if inside:
        schema["properties"] = known | inside
    if "required" in schema:
        # A section given in part is still required while something in it is.
        missing = {name for name in schema["required"] if name not in given}
        missing |= {name for name, part in inside.items() if part.get("required")}
        schema["required"] = [name for name in schema["required"] if name in missing]
    return schema


def _used(schema: Any, definitions: dict[str, Schema]) -> set[str]:
    """The definitions that the schema refers to, also by way of others."""
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        name = _name(part["$ref"]) if isinstance(part, dict) and "$ref" in part else None
        if name is not None and name not in found:
            found.add(name)
            waiting.append(definitions[name])
        waiting += part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    return found


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def main() -> None:
    """Write the file."""
    path = CONFIGS / "defaults.yaml"
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(build(load_defaults(path) if path.exists() else None), encoding="utf-8")
    print(f"{FILE}: {FILE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
