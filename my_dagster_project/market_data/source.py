"""What a source of daily bars gives: one row per session, raw prices beside the adjusted close."""

from datetime import date
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import pandas as pd

type BarsFrame = pd.DataFrame
"""Columns COLUMNS and those of DECLARED that the source says, in this order, sorted by session, each session once, RangeIndex;
a missing session is a missing row, NaN a declaration that is missing."""

COLUMNS = ("session", "open", "high", "low", "close", "volume", "adj_close")


class Bar(NamedTuple):
    """One session of one symbol; prices in dollars, the first four as traded, volume in shares."""

    session: date
    open: float
    high: float
    low: float
    close: float
    volume: float
    adj_close: float
    """Close adjusted for splits and dividends, later ones included: ratios of it are safe, its level is not."""
    split_ratio: float | None = None
    """New shares for one old as of the open, 0 or 1 where there was no split; None where the source does not say."""
    dividend: float | None = None
    """Dollars a share as of the open; None where the source does not say."""


class MarketDataSource(Protocol):
    """One place bars come from."""

    @property
    def name(self) -> str:
        """The source's name in teams.yaml."""
        ...

    @property
    def look_back(self) -> int | None:
        """How many of the newest stored sessions are asked for again at each update, because sources correct them.

        None where one answer holds everything: then all that is stored is compared.
        """
        ...

    def fingerprint(self, symbol: str) -> str | None:
        """What changes when anything of the symbol's bars does, if that can be had without reading them; else None.

        Raises what `fetch` raises.
        """
        ...

    def fetch(self, symbol: str, start: date, end: date) -> BarsFrame:
        """The bars from `start` to `end`, both included; empty when there are none in between.

        Raises SourceUnavailableError (RateLimitedError when asked too often), UnknownSymbolError, MalformedDataError, or plain
        MarketDataError when trying again cannot help, such as refused credentials.
        """
        ...
