"""Rows that somebody gave, judged field by field."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.problems import show, suggestion
from my_dagster_project.models.encoding import PlainRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from my_dagster_project.models.manifest import Input, Manifest

_MOST_SAID = 20


class Wrong(NamedTuple):
    """A value that a model cannot take: where it stands, and why."""

    row: int
    field: str
    why: str


class WrongRowsError(TradingError):
    """Rows that the model cannot take."""

    def __init__(self, wrong: Sequence[Wrong]) -> None:
        super().__init__("; ".join(f"row {one.row}, {one.field}: {one.why}" for one in wrong))
        self.wrong = wrong


def plain_rows(manifest: Manifest, rows: Sequence[Mapping[str, Any]]) -> PlainRows:
    """The rows as a model takes them; raises WrongRowsError naming the first fields that are wrong."""
    wrong = [one for place, row in enumerate(rows) for one in _problems(manifest, place, row)]
    if wrong:
        raise WrongRowsError(wrong[:_MOST_SAID])
    columns = {entry.name: [row[entry.name] for row in rows] for entry in manifest.inputs}
    return PlainRows(columns, len(rows))


def _problems(manifest: Manifest, place: int, row: Mapping[str, Any]) -> Iterator[Wrong]:
    known = [entry.name for entry in manifest.inputs]
    for name in row:
        if name not in known:
            yield Wrong(
                place,
                name,
                f"the model has no such input{suggestion(name, known)}; it reads {', '.join(known)}",
            )
    for entry in manifest.inputs:
        if entry.name not in row:
            yield Wrong(
                place,
                entry.name,
                "it is missing; give null where it is not known, which is filled as in training",
            )
        elif why := _why_not(entry, row[entry.name]):
            yield Wrong(place, entry.name, why)


def _why_not(entry: Input, value: Any) -> str:
    """Why an input cannot take a value, '' if it can."""
    if value is None:
        return ""
    if entry.type == "number":
        return "" if _is_finite(value) else f"a finite number or null is wanted, not {show(value)}"
    if entry.type == "binary":
        return "" if value in (0, 1) else f"true, false or null is wanted, not {show(value)}"
    if not isinstance(value, str):
        return f"a text or null is wanted, not {show(value)}"
    return ""


def _is_finite(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False
