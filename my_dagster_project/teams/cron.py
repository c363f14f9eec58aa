"""Cron strings, checked without Dagster: its parser costs a second to import, and a team file must load in milliseconds.

A field holds *, numbers, names (mon, jan), ranges, lists and steps over a range; every string accepted here, Dagster accepts.
"""

import re
from datetime import date

_NAMES = {
    "month": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "day of the week": ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
_FIELDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 7),
)
# A file has room for 100 000 times `*,`, which is valid and makes every look at the schedule slow.
_LONGEST = 200
_PART = re.compile(r"^(\*|[0-9a-z]{1,3}(?:-[0-9a-z]{1,3})?)(?:/([0-9]{1,2}))?$")


def cron_problem(expression: str) -> str | None:
    """Why a five-field cron expression is not valid, or None when it is (and fires at least once in a leap year)."""
    if len(expression) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    fields = expression.lower().split()
    if len(fields) != len(_FIELDS):
        return f'needs 5 fields (minute hour day month weekday, like "30 6 * * *"), has {len(fields)}'
    values: list[set[int]] = []
    for text, (name, low, high) in zip(fields, _FIELDS, strict=True):
        try:
            values.append(_field_values(text, name, low, high))
        except ValueError as error:
            return str(error)
    # Also beside a weekday, which cron takes as "or": Dagster looks for the day itself and fails ("30 feb mon").
    if not _has_a_date(days=values[2], months=values[3]):
        return "never happens: no month has such a day"
    return None


def times_a_day(expression: str) -> int:
    """How often a valid expression fires on a day on which it fires."""
    fields = expression.lower().split()
    minutes, hours = (
        len(_field_values(text, *spec)) for text, spec in zip(fields, _FIELDS[:2], strict=False)
    )
    return minutes * hours


def _field_values(text: str, name: str, low: int, high: int) -> set[int]:
    """All values one field stands for. Raises ValueError with the reason when it stands for none."""
    values: set[int] = set()
    for part in text.split(","):
        match = _PART.match(part)
        if not match:
            raise ValueError(f"the {name} field cannot be {part[:20]!r}")
        first, last = _range(match[1], name, low, high)
        step = int(match[2] or 1)
        if step < 1 or (match[2] and match[1] != "*" and "-" not in match[1]):
            raise ValueError(
                f"the {name} field cannot be {part[:20]!r}: a step needs a range, like */5 or 0-30/5"
            )
        values.update(range(first, last + 1, step))
    return values


def _range(text: str, name: str, low: int, high: int) -> tuple[int, int]:
    """First and last value of `*`, `5` or `5-10`."""
    if text == "*":
        return low, high
    first_text, _, last_text = text.partition("-")
    first = _number(first_text, name, low, high)
    last = _number(last_text, name, low, high) if last_text else first
    if last < first:
        raise ValueError(f"the {name} field goes backwards: {text}")
    return first, last


def _number(text: str, name: str, low: int, high: int) -> int:
    names = _NAMES.get(name, ())
    if text in names:
        return names.index(text) + low
    if not text.isdigit() or not low <= int(text) <= high:
        raise ValueError(f"the {name} field is {low} to {high}, not {text}")
    return int(text)


def _has_a_date(days: set[int], months: set[int]) -> bool:
    leap_year = 2024
    return any(_exists(leap_year, month, day) for month in months for day in days)


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
