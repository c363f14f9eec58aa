"""What a source has changed in bars that were stored before: session, field, old and new value."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.adjustments import DECLARED

if TYPE_CHECKING:
    import pandas as pd

HEAD = ("session", "field", "old", "new")
FIELDS = ("open", "high", "low", "close", "volume", "adj_close")
BAR = "bar"
"""The field of a whole bar that came or went between two others."""
EVERYWHERE = "{}, by no common factor"
"""The field of a stretch whose values changed one by one, as in another symbol's file."""
MOST_LINES = 10
STAYS = "Predictions and orders stay as they were made; `trading remake` makes them anew on today's bars."
# A float written as text and read back is off by 1e-16; a cent of a 100,000 dollar share is 1e-7, a share of a billion 1e-9.
_SAME, _SAME_VOLUME = 1e-8, 1e-12
# How far the ratio may wander in a stretch that was multiplied by one factor: adjusted closes are rounded to cents.
_ONE_FACTOR = 1e-3
# Of one field; beyond that they are told as one, from the first to the last.
_MOST_CHANGES = 100


@dataclass(frozen=True)
class Revision:
    """One value that is another now, or a stretch of a field that was multiplied by one factor (`through`: its last session).

    `old` or `new` is None where there was, or is, no bar; of a stretch they are its first session's.
    """

    session: date
    field: str
    old: float | None
    new: float | None
    through: date | None = None
    sessions: int = 1

    def __str__(self) -> str:
        when, field, old, new = self.cells
        return f"{when}: {field} {old} -> {new}"

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """A line of a table with the columns HEAD."""
        when = (
            f"{self.session} to {self.through} ({self.sessions} sessions)"
            if self.through
            else f"{self.session}"
        )
        return when, self.field, _said(self.old), _said(self.new)

    @property
    def is_adjustment(self) -> bool:
        """Whether only the level of adjusted closes moved, as after every dividend and split: returns stay."""
        return self.through is not None and self.field == "adj_close"

    def to_json(self) -> dict[str, Any]:
        """As plain data; `from_json` gives it back."""
        return asdict(self) | {
            "session": self.session.isoformat(),
            "through": self.through.isoformat() if self.through else None,
        }


def from_json(data: dict[str, Any]) -> Revision:
    """The revision that `to_json` wrote."""
    through = data["through"]
    return Revision(
        **data
        | {
            "session": date.fromisoformat(data["session"]),
            "through": date.fromisoformat(through) if through else None,
        }
    )


def revisions(before: "pd.DataFrame", after: "pd.DataFrame") -> list[Revision]:
    """Everything of `before` that is otherwise in `after` (bars frames), by session; what is new at either end is no revision.

    Nothing where they share no session: bars cut off by another start were not revised.
    """
    both = before.merge(after, on="session", suffixes=("", "_now"))
    if both.empty:
        return []
    first, last = before["session"].iloc[0], before["session"].iloc[-1]
    come = after[~after["session"].isin(before["session"]) & after["session"].between(first, last)]
    kept = before["session"].between(after["session"].iloc[0], after["session"].iloc[-1])
    gone = before[~before["session"].isin(after["session"]) & kept]
    found = [Revision(day.date(), BAR, None, close) for day, close in _closes(come)]
    found += [Revision(day.date(), BAR, close, None) for day, close in _closes(gone)]
    for field in (*FIELDS, *(name for name in DECLARED if f"{name}_now" in both)):
        found += _of_field(both, field)
    return sorted(found, key=lambda one: (one.session, one.field))


def _closes(bars: "pd.DataFrame") -> list[tuple[Any, float]]:
    return list(zip(bars["session"], bars["close"].tolist(), strict=True))


def _of_field(both: "pd.DataFrame", field: str) -> list[Revision]:
    names = (field, f"{field}_now")
    old, new = (_filled(both[name], field).to_numpy() for name in names)
    same = _SAME_VOLUME if field == "volume" else _SAME
    changed = (~(abs(new - old) <= same * abs(old))).nonzero()[0]
    if not len(changed):  # as nearly always: naming thirteen years of days took most of the comparison
        return []

    def stretch(rows: Sequence[int], name: str) -> Revision:
        first, last = rows[0], rows[-1]
        through = days[last] if len(rows) > 2 else None
        return Revision(days[first], name, float(old[first]), float(new[first]), through, len(rows))

    days = [stamp.date() for stamp in both["session"]]
    runs = [list(run) for _, run in groupby(changed, key=_Stretch(old, new))]
    if len(runs) > _MOST_CHANGES:
        return [stretch(changed, EVERYWHERE.format(field))]
    parts = [part for run in runs for part in ([run] if len(run) > 2 else [[row] for row in run])]
    return [stretch(part, field) for part in parts]


def _filled(values: "pd.Series", field: str) -> "pd.Series":
    """With what is declared not to be where nothing is declared; sources write no split as 0 or 1."""
    if field not in DECLARED:
        return values
    return values.where(values > 0, 1.0 if field == "split_ratio" else 0.0)


def revision_lines(found: Sequence[Revision]) -> list[str]:
    """Lines for people, a few of many."""
    more = len(found) - MOST_LINES
    return [
        *map(str, found[:MOST_LINES]),
        *([f"and {more} more, up to {found[-1].session}"] if more > 0 else []),
    ]


class _Stretch:
    """The number of the stretch a row belongs to: neighbours that were multiplied by the same factor share one."""

    def __init__(self, old: Any, new: Any) -> None:
        self._old, self._new = old, new
        self._number, self._row, self._factor = 0, -2, 0.0

    def __call__(self, row: int) -> int:
        factor = self._new[row] / self._old[row] if self._old[row] else float("inf")
        same = row == self._row + 1 and abs(factor - self._factor) <= _ONE_FACTOR * abs(factor)
        if not same:
            self._number += 1
            self._factor = factor
        self._row = row
        return self._number


def _said(value: float | None) -> str:
    return "none" if value is None else f"{value:,.10g}"
