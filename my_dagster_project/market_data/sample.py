"""The embedded default: real daily bars that come with a package, so that a newcomer needs no account and no network."""

import csv
import gzip
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import SourceUnavailableError, UnknownSymbolError
from my_dagster_project.market_data.frames import bars_frame
from my_dagster_project.market_data.source import Bar

if TYPE_CHECKING:
    from my_dagster_project.market_data.source import BarsFrame


class SampleSource:
    """Quandl WIKI bars (public domain) of AAPL, FB, GOOG, IBM and MSFT, 2000-03-01 to 2013-03-01, from bokeh_sampledata.

    Raw prices, and a close adjusted for splits and dividends up to 2018. GOOG starts on 2004-08-19, FB on 2012-05-18.
    """

    name = "sample"
    look_back = None

    def symbols(self) -> list[str]:
        """Give every symbol it has bars of."""
        return list(_all_bars())

    def fetch(self, symbol: str, start: date, end: date) -> "BarsFrame":
        """See MarketDataSource; a symbol outside the five raises UnknownSymbolError."""
        known = _all_bars()
        if symbol not in known:
            raise UnknownSymbolError(f"sample: {symbol}: the sample has only {', '.join(known)}.")
        return bars_frame((bar for bar in known[symbol] if start <= bar.session <= end), f"sample: {symbol}")

    def fingerprint(self, symbol: str) -> str | None:
        """See MarketDataSource: the package's release."""
        try:
            return version("bokeh_sampledata")
        except PackageNotFoundError:
            return None


@cache
def _all_bars() -> dict[str, list[Bar]]:
    bars: dict[str, list[Bar]] = {}
    for symbol, bar in _read_bars():
        bars.setdefault(symbol, []).append(bar)
    return bars


def _read_bars() -> Iterator[tuple[str, Bar]]:
    # The package's `stocks` module reads the same file into lists and then into pandas; the file is all we need.
    try:
        packed = (files("bokeh_sampledata") / "_data" / "stocks.csv.gz").read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as missing:
        raise SourceUnavailableError(
            "sample: bokeh_sampledata==2026.1 is not installed; run `make`."
        ) from missing
    rows = csv.reader(gzip.decompress(packed).decode().splitlines())
    next(rows)  # Ticker,Date,Open,High,Low,Close,Volume,Adj Close: Bar's own order
    for symbol, session, *values in rows:
        yield symbol, Bar(date.fromisoformat(session), *map(float, values))
