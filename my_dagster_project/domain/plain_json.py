"""Figures as JSON that every reader accepts: no NaN or infinity (null instead), sorted keys, so the same figures give the
same bytes and a version of a file changes only when a figure does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache
from typing import Any

from pydantic import TypeAdapter

_OWN = frozenset({str, int, bool, type(None)})


def to_text(value: Any) -> str:
    """Indented JSON text of dicts, lists, tuples, strings and numbers (numpy's too), ending in a newline."""
    return json.dumps(plain(value), indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def plain(value: Any) -> Any:
    """The value in JSON's own types; a dataclass by its fields, dates and times in ISO 8601, anything else unknown as its text."""
    if type(value) in _OWN:  # most of what there is, and each of the questions below costs a record its time
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # a numpy scalar or array
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, (str, int)) else str(value)


def from_text[Kind](kind: type[Kind], text: str | bytes) -> Kind:
    """A dataclass back from its text; null is NaN but in a rank, which may truly be None. Raises ValueError when it is not one."""
    known: Any = kind
    found: Kind = _adapter(known).validate_python(json.loads(text, object_hook=_with_nan))
    return found


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _with_nan(data: dict[str, Any]) -> dict[str, Any]:
    return {
        name: math.nan if value is None and not name.endswith("rank") else value
        for name, value in data.items()
    }
