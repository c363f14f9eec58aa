"""Reading single values out of a file or an answer, with errors that say where they stood."""

import math
from datetime import date
from typing import Any

from my_dagster_project.foundation.errors import MalformedDataError


def to_number(value: Any, field: str, where: str) -> float:
    """A finite number, from text or a number; anything else raises MalformedDataError."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    # float() reads "nan", "inf" and "10_5"; no exchange has quoted any of them.
    if isinstance(value, bool) or not math.isfinite(number) or "_" in str(value):
        raise MalformedDataError(f"{where}: {field} is {value!r}, not a number.")
    return number


def to_session(value: Any, field: str, where: str) -> date:
    """A session from text like 2013-02-28; anything else, a date with a time too, raises MalformedDataError."""
    try:
        # Python reads 20130228 and 2013-W09-4 as well; a column of volumes must not pass for dates.
        if len(value) == len("2013-02-28") and value[4] == value[7] == "-":
            return date.fromisoformat(value)
    except (TypeError, ValueError):
        pass
    raise MalformedDataError(f"{where}: {field} is {value!r}, not a date like 2013-02-28.")
