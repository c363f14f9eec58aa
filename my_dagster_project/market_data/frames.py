"""Building and checking the bars frame that every source returns."""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from my_dagster_project.domain.adjustments import DECLARED
from my_dagster_project.foundation.errors import MalformedDataError
from my_dagster_project.market_data.source import COLUMNS, Bar

if TYPE_CHECKING:
    from my_dagster_project.market_data.source import BarsFrame


def bars_frame(bars: Iterable[Bar], where: str) -> "BarsFrame":
    """The bars as a frame, sorted by session; raises MalformedDataError, beginning with `where`, if a session comes twice."""
    import pandas as pd

    ordered = sorted(bars, key=lambda bar: bar.session)
    for bar, following in pairwise(ordered):
        if bar.session == following.session:
            raise MalformedDataError(f"{where}: session {bar.session} comes twice.")
    frame = pd.DataFrame(ordered, columns=[*COLUMNS, *DECLARED])
    said = [name for name in DECLARED if frame[name].notna().any()]
    frame = frame[[*COLUMNS, *said]].astype(dict.fromkeys([*COLUMNS[1:], *said], "float64"))
    frame["session"] = pd.to_datetime(frame["session"]).astype("datetime64[ns]")
    return frame


def empty_bars() -> "BarsFrame":
    """A bars frame without rows, with the right types."""
    return bars_frame([], "empty")


def between(bars: "BarsFrame", start: date, end: date) -> "BarsFrame":
    """The rows from `start` to `end`, both included."""
    import pandas as pd

    inside = (bars["session"] >= pd.Timestamp(start)) & (bars["session"] <= pd.Timestamp(end))
    return bars[inside].reset_index(drop=True)


def session_dates(bars: "BarsFrame") -> list[date]:
    """The frame's sessions as dates, in its order."""
    return list(bars["session"].dt.date)


def require_bars(bars: "BarsFrame", where: str) -> "BarsFrame":
    """The frame itself; raises MalformedDataError, beginning with `where`, if its columns, types or order are not those agreed."""
    agreed = (*COLUMNS, *(name for name in DECLARED if name in bars.columns))
    if tuple(bars.columns) != agreed:
        raise MalformedDataError(f"{where}: columns are {list(bars.columns)}, not {list(agreed)}.")
    wanted = {"session": "datetime64[ns]", **dict.fromkeys(agreed[1:], "float64")}
    wrong = [
        f"{name} is {bars[name].dtype}, not {dtype}"
        for name, dtype in wanted.items()
        if bars[name].dtype != dtype
    ]
    if wrong:
        raise MalformedDataError(f"{where}: {'; '.join(wrong)}.")
    if (bars["session"] != bars["session"].dt.normalize()).any():
        raise MalformedDataError(
            f"{where}: a session carries a time of day (or none at all); sessions are dates."
        )
    if not (bars["session"].is_monotonic_increasing and bars["session"].is_unique):
        raise MalformedDataError(f"{where}: sessions are not sorted, or one comes twice.")
    return bars
