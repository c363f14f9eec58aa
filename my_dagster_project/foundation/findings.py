"""pydantic's findings in words a student can act on."""

import re
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic_core import ErrorDetails

from my_dagster_project.foundation.problems import Loc, Problem, nearest, show, suggestion
from my_dagster_project.foundation.strict import Strict

_EXPONENT = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]{1,2})?")

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "date_type": "a date like 2012-11-30",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping (`key: value` lines)",
    "model_type": "a mapping (`key: value` lines)",
    "model_attributes_type": "a mapping (`key: value` lines)",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


def to_problem(model: type[Strict], error: ErrorDetails) -> Problem:
    """One pydantic error of `model` as a Problem with the same place."""
    # pydantic marks a problem of a mapping's key with a last part of its own.
    loc = tuple(part for part in error["loc"] if part != "[key]")
    return Problem(loc, _message(model, loc, error))


def _message(model: type[Strict], loc: Loc, error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unexpected_key(model_at(model, loc[:-1]), str(loc[-1]))
    if kind == "missing":
        return "is missing" + _words_of(model_at(model, loc[:-1]), str(loc[-1]))
    if kind in _EXPECTED:
        return wrong_type(_EXPECTED[kind], error["input"])
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"must be {words} {context[key]}, not {show(error['input'])}"
    if kind == "literal_error":
        return _no_such_word(error["input"], context["expected"])
    if kind == "value_error":
        return str(context["error"])
    if kind == "too_short":
        return "needs at least one entry"
    if kind == "too_long":
        return f"has {context['actual_length'] or 'too many'} entries; {context['max_length']} are allowed"
    return f"{error['msg']}, not {show(error['input'])}"


def wrong_type(expected: str, value: Any) -> str:
    """`must be <expected>, not <value>`, with the reason when YAML read something else than the person wrote."""
    text = f"must be {expected}, not {show(value)}"
    if "number" in expected and isinstance(value, str):
        return text + _number_hint(value)
    if expected == "text" and isinstance(value, bool):
        return text + "; YAML reads yes, no, on, off, true and false that way: put the word in quotes"
    if expected == "text" and isinstance(value, int | float):
        return text + f'; put it in quotes: "{value}"'
    if expected.startswith("a date") and isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d?-\d\d?", value):
        return text + "; write it without quotes"
    return text


def _number_hint(value: str) -> str:
    """How to write a number that YAML read as text: it knows 1.0e-3 and 0.001, but not 1e-3."""
    if not _EXPONENT.fullmatch(value):
        return ""
    number = float(value.replace("_", ""))
    if "e" in value.lower():
        return f"; YAML reads {value} as text: write {plain_number(number)}"
    return f"; remove the quotes: {value}"


def plain_number(number: float) -> str:
    """The number without an exponent: 1e-3 is 0.001."""
    text = f"{number:.12f}".rstrip("0").rstrip(".")
    return text if float(text) == number else repr(number)


def _no_such_word(value: Any, expected: str) -> str:
    best = nearest(value, re.findall(r"'([^']*)'", expected)) if isinstance(value, str) else None
    choice = f" (did you mean {best}?)" if best else f"; one of {expected}".replace("'", "")
    return f"cannot be {show(value)}{choice}"


def _unexpected_key(model: type[Strict] | None, key: str) -> str:
    """Why a known word cannot stand here; else the nearest one that can."""
    if model is None:
        return "unknown key"
    if key in model.not_here:
        return f"cannot be set here: {model.not_here[key]}"
    return "unknown key" + suggestion(key, model.model_fields)


def _words_of(model: type[Strict] | None, key: str) -> str:
    """` (valid: ...)` where a key takes one of a few words."""
    extra = model.model_fields[key].json_schema_extra if model and key in model.model_fields else None
    words = extra.get("enum") if isinstance(extra, dict) else None
    return suggestion("", map(str, words)) if isinstance(words, list) else ""


def model_at(model: type[Strict], loc: Loc) -> type[Strict] | None:
    """The model of the mapping at a place of the file."""
    current: Any = model
    for part in loc:
        if isinstance(current, type) and issubclass(current, Strict):
            field = current.model_fields.get(str(part))
            current = _given(field.annotation) if field else None
        else:  # dict[str, Model]: every key leads to the value's model
            current = (get_args(current) or (None,))[-1]
    return current if isinstance(current, type) and issubclass(current, Strict) else None


def _given(annotation: Any) -> Any:
    """What an optional value is when it is given."""
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    return next(one for one in get_args(annotation) if one is not NoneType)
