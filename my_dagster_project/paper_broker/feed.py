"""Where the bundled broker's prices come from: raw daily bars, and the splits and dividends between them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from my_dagster_project.domain.adjustments import NO_SPLIT, corporate_actions

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("open", "high", "low", "close", "volume", "adj_close")


@dataclass(frozen=True)
class Bar:
    """One session of a symbol: raw dollars a share, volume in shares; `adjusted` is the adjusted close, where known."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int = 0
    adjusted: Decimal | None = None


class BarFeed(Protocol):
    """What the bundled broker asks of the market. Nothing is asked for a session the clock has not reached."""

    def bar(self, symbol: str, session: date) -> Bar | None:
        """Give the raw bar; None when the symbol did not trade (halted, or not known at all)."""

    def split_ratio(self, symbol: str, session: date) -> Decimal:
        """Give the new shares per old share that became effective before the open of `session`; 1 is no split."""

    def dividend(self, symbol: str, session: date) -> Decimal:
        """Give the dollars that each share gets (after a split) that was held before the open of `session`; 0 is none."""

    def symbols(self) -> list[str]:
        """Give every symbol there are bars of, sorted; also of one that does not trade yet."""

    def last_session(self) -> date | None:
        """Give the newest session there are bars of; the clock does not go past it. None when there are none."""


class Market(Protocol):
    """Bars that may be written anew while a broker runs."""

    def current(self) -> BarFeed:
        """Give the market as it is now; a request works with one of these from its beginning to its end."""


@dataclass(frozen=True)
class TableFeed:
    """A feed over bars in memory, by symbol and session."""

    bars: Mapping[str, Mapping[date, Bar]]
    splits: Mapping[tuple[str, date], Decimal] = field(default_factory=dict)
    dividends: Mapping[tuple[str, date], Decimal] = field(default_factory=dict)

    def current(self) -> "TableFeed":
        """Give itself: bars in memory never change."""
        return self

    def bar(self, symbol: str, session: date) -> Bar | None:
        """Give the raw bar, None where there is none."""
        return self.bars.get(symbol, {}).get(session)

    def split_ratio(self, symbol: str, session: date) -> Decimal:
        """Give the split effective at the open of `session`, 1 where there is none."""
        return self.splits.get((symbol, session), NO_SPLIT)

    def dividend(self, symbol: str, session: date) -> Decimal:
        """Give the dividend a share of `session`, 0 where there is none."""
        return self.dividends.get((symbol, session), Decimal(0))

    def symbols(self) -> list[str]:
        """Give every symbol."""
        return sorted(self.bars)

    def last_session(self) -> date | None:
        """Give the newest session of any symbol."""
        return max((max(table) for table in self.bars.values() if table), default=None)

    @classmethod
    def from_frames(cls, frames: Mapping[str, "pd.DataFrame"]) -> "TableFeed":
        """Make a feed of bars frames (contract: session, open, high, low, close, volume, adj_close) by symbol."""
        bars: dict[str, Mapping[date, Bar]] = {}
        splits: dict[tuple[str, date], Decimal] = {}
        dividends: dict[tuple[str, date], Decimal] = {}
        for symbol, frame in frames.items():
            sessions = [stamp.date() for stamp in frame["session"]]
            columns = [frame[name].tolist() for name in _COLUMNS]
            bars[symbol] = _Rows({day: row for row, day in enumerate(sessions)}, columns)
            actions = corporate_actions(frame)
            splits |= {(symbol, day): ratio for day, ratio in actions.splits.items()}
            dividends |= {(symbol, day): cash for day, cash in actions.dividends.items()}
        return cls(bars, splits, dividends)


@dataclass(frozen=True)
class _Rows(Mapping[date, Bar]):
    """A symbol's bars, made when asked for: 13 years of ready ones would be 2 MB and 20 ms a symbol."""

    rows: Mapping[date, int]
    columns: list[list[float]]

    def __getitem__(self, session: date) -> Bar:
        row = self.rows[session]
        return _bar(*(column[row] for column in self.columns))

    def __iter__(self) -> Iterator[date]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def _bar(*row: float) -> Bar:
    opened, high, low, close = (Decimal(repr(price)) for price in row[:4])
    return Bar(opened, high, low, close, int(row[4]), Decimal(repr(row[5])))
