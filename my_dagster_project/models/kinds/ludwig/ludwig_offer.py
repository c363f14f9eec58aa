"""Ludwig's schema as editors should offer it: without what the platform refuses, which a team would only be told afterwards."""

from typing import Any

from my_dagster_project.models.kinds.ludwig.ludwig_build import INPUT_TYPES, OUTPUT_TYPES
from my_dagster_project.models.kinds.ludwig.ludwig_keys import Schema, ludwig_schema
from my_dagster_project.models.kinds.ludwig.ludwig_rules import REFUSED, REFUSED_ANYWHERE

# Keys that are refused, and the types of inputs that no feature has.
_NOT_HERE = {
    *(str(loc[-1]) for loc in REFUSED),
    *REFUSED_ANYWHERE,
    *(set(INPUT_TYPES) - {"number", "category"} - set(OUTPUT_TYPES)),
}


def offered_schema() -> Schema:
    """A JSON schema (draft 7) of the section, with `definitions` of its own."""
    schema = {key: value for key, value in ludwig_schema().items() if not key.startswith("$")}
    offered: Schema = _offered(schema)
    return offered


def _offered(part: Any) -> Any:
    if isinstance(part, list):
        return [_offered(one) for one in part if not _is_branch_of_a_refused_type(one)]
    if not isinstance(part, dict):
        return part
    kept = {key: _offered(value) for key, value in part.items() if not key.startswith("x-")}
    for name in _NOT_HERE & kept.get("properties", {}).keys():
        del kept["properties"][name]
    kind = kept.get("properties", {}).get("type", {})
    if "enum" in kind:
        kind["enum"] = [word for word in kind["enum"] if word not in _NOT_HERE]
    return kept


def _is_branch_of_a_refused_type(one: Any) -> bool:
    properties = one.get("if", {}).get("properties", {}) if isinstance(one, dict) else {}
    return properties.get("type", {}).get("const") in _NOT_HERE
