"""Writes `calendars/<NAME>.json` from exchange_calendars: `python -m my_dagster_project.foundation.calendar_build XNYS`.

Run it when exchange_calendars learns of a new closure (the test that compares the two then fails), or to extend the span.
The future part holds the holidays that follow from the exchange's rules; a day of mourning is known only when announced.
"""

import argparse
import json
from collections import Counter
from datetime import date, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from my_dagster_project.foundation.errors import CalendarError

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path(__file__).parent / "calendars"
FIRST = date(1990, 1, 1)
# A fixed day, so that building twice gives the same file; exchange_calendars would take "one year from today".
LAST = date(2030, 12, 31)
_SATURDAY = 5


def build(name: str, first: date = FIRST, last: date = LAST) -> dict[str, Any]:
    """The calendar as JSON-ready data; raises CalendarError for one whose sessions this format cannot hold."""
    import exchange_calendars

    # Without start= exchange_calendars begins 20 years before today, and the sample's first six years would be missing.
    source = exchange_calendars.get_calendar(name, start=first.isoformat(), end=last.isoformat())
    sessions = [label.date() for label in source.sessions]
    opens = _local_times(name, sessions, source.opens, source.tz)
    closes = _local_times(name, sessions, source.closes, source.tz)
    regular_open, special_opens = _split_regular(opens)
    regular_close, special_closes = _split_regular(closes)
    return {
        "name": name,
        "time_zone": str(source.tz),
        "first": first.isoformat(),
        "last": last.isoformat(),
        "open": regular_open,
        "close": regular_close,
        "special_opens": special_opens,
        "special_closes": special_closes,
        "closed": _closed_weekdays(name, sessions, first, last),
    }


def write(name: str, first: date = FIRST, last: date = LAST, folder: Path = FOLDER) -> Path:
    """Build and write the file; returns its path."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps(build(name, first, last), indent=1) + "\n", encoding="utf-8")
    return path


def _local_times(name: str, sessions: list[date], instants: "pd.Series", zone: Any) -> dict[date, time]:
    local = instants.dt.tz_convert(zone)
    if [instant.date() for instant in local] != sessions:
        raise CalendarError(
            f"calendar {name}: a session opens or closes on another day; this format cannot hold that."
        )
    return {session: instant.time() for session, instant in zip(sessions, local, strict=True)}


def _split_regular(times: dict[date, time]) -> tuple[str, dict[str, str]]:
    """The usual time, and the sessions that differ from it."""
    [(regular, _)] = Counter(times.values()).most_common(1)
    special = {day.isoformat(): f"{local:%H:%M}" for day, local in times.items() if local != regular}
    return f"{regular:%H:%M}", special


def _closed_weekdays(name: str, sessions: list[date], first: date, last: date) -> list[str]:
    if any(session.weekday() >= _SATURDAY for session in sessions):
        raise CalendarError(f"calendar {name}: has sessions at weekends; this format cannot hold that.")
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    trading = set(sessions)
    return [day.isoformat() for day in days if day.weekday() < _SATURDAY and day not in trading]


def main() -> None:
    """Command line: the calendar's name and, optionally, another span."""
    parser = argparse.ArgumentParser(
        prog="python -m my_dagster_project.foundation.calendar_build", description=__doc__
    )
    parser.add_argument("name", help="ISO 10383 code of the exchange, XNYS for New York")
    parser.add_argument("--start", type=date.fromisoformat, default=FIRST, help="first day of the span")
    parser.add_argument("--end", type=date.fromisoformat, default=LAST, help="last day of the span")
    wanted = parser.parse_args()
    print(write(wanted.name, wanted.start, wanted.end))


if __name__ == "__main__":
    main()
