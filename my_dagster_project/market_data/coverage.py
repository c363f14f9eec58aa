"""What a source was already asked for, remembered with the bars so that it is not asked again and again.

It travels in `bars.attrs`, which pandas writes to Parquet and reads back. A store that loses it costs one more request per
update of a symbol listed late or with a hole, never data.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from my_dagster_project.market_data.source import BarsFrame


@dataclass(frozen=True)
class Coverage:
    """Which missing sessions are known not to exist at the source."""

    asked_from: date | None = None
    """Everything from here to the first bar was asked for: a symbol listed later has no bars there."""
    absent: frozenset[date] = frozenset()
    """Sessions between two bars that the source did not have when it was asked a second time."""

    def excuses(self, session: date, first_bar: date) -> bool:
        """Whether a missing session need not be asked for again."""
        before_listing = self.asked_from is not None and self.asked_from <= session < first_bar
        return before_listing or session in self.absent

    def within(self, start: date, missing: Iterable[date]) -> "Coverage":
        """The part that still holds for bars cut to begin at `start` and without the `missing` sessions.

        Forgetting matters: bars cut away because `start` moved forward must be asked for when it moves back.
        """
        asked_from = None if self.asked_from is None else max(self.asked_from, start)
        return Coverage(asked_from, self.absent.intersection(missing))


def read_coverage(bars: "BarsFrame | None") -> Coverage:
    """What the frame remembers; nothing, for a frame that was not written by `update_bars`."""
    attrs = {} if bars is None else bars.attrs
    asked_from = attrs.get("asked_from")
    return Coverage(
        asked_from=date.fromisoformat(asked_from) if asked_from else None,
        absent=frozenset(date.fromisoformat(day) for day in attrs.get("absent", ())),
    )


def with_coverage(bars: "BarsFrame", coverage: Coverage) -> "BarsFrame":
    """The frame, remembering `coverage`; as text, because Parquet keeps attrs as JSON."""
    bars.attrs = {
        "asked_from": coverage.asked_from.isoformat() if coverage.asked_from else None,
        "absent": sorted(day.isoformat() for day in coverage.absent),
    }
    return bars
