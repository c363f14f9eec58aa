"""Bars from one's own files, CSV or Parquet.

Either a folder with one file per symbol, `<path>/AAPL.csv` or `<path>/AAPL.parquet`, or one file with a `symbol` column. Columns,
in any order and under the usual names too (`column_names.py`), further ones are ignored:

    session     the exchange's session, 2013-02-28 (or a timestamp at midnight)
    open high low close     dollars, as traded (not adjusted)
    volume      shares
    adj_close   dollars, adjusted for splits and dividends; without it `close` is taken to be
    split_ratio new shares for one old as of that session's open, 1 or 0 where there was no split
    dividend    dollars a share as of that session's open, 0 where there was none

The last three may be missing, and the last two hold nothing. Every other value is required: a session that was not traded is a
missing row. Errors carry file:line (Parquet: file and row).
"""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from hashlib import md5
from pathlib import Path
from typing import TYPE_CHECKING, Any

from my_dagster_project.domain.adjustments import DECLARED
from my_dagster_project.foundation.errors import (
    MalformedDataError,
    SourceUnavailableError,
    UnknownSymbolError,
)
from my_dagster_project.market_data.column_names import our_names
from my_dagster_project.market_data.frames import bars_frame
from my_dagster_project.market_data.parsing import to_number, to_session
from my_dagster_project.market_data.source import COLUMNS, Bar

if TYPE_CHECKING:
    from my_dagster_project.market_data.source import BarsFrame

type Row = tuple[str, dict[str, Any]]
"""Where the row stands, file:line, and its values by column."""

_MIDNIGHT = re.compile(r"[T ]00:00:00(\.0+)?([+-]\d\d:?\d\d|Z)?$")
_ENDINGS = (".csv", ".parquet")
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,15}")


class CsvSource:
    """Reads the files at every fetch; a changed file is a changed source."""

    name = "csv"
    look_back = None

    def __init__(self, path: Path) -> None:
        self._path = path

    def symbols(self) -> list[str]:
        """Give every symbol that has a file in the folder; raises SourceUnavailableError when it is none."""
        if not self._path.is_dir():
            raise SourceUnavailableError(f"{self._path}: no such folder.")
        found = {path.stem for path in self._path.iterdir() if path.suffix in _ENDINGS}
        return sorted(symbol for symbol in found if _SYMBOL.fullmatch(symbol))

    def fetch(self, symbol: str, start: date, end: date) -> "BarsFrame":
        """See MarketDataSource; a symbol without a file, or without a row in the one file, raises UnknownSymbolError."""
        bars = _bars(_rows(_find(self._path, symbol), symbol, self._needed()))
        if not bars:
            raise UnknownSymbolError(f"{self._path}: has no rows for {symbol}.")
        return bars_frame((bar for bar in bars if start <= bar.session <= end), f"csv: {symbol}")

    def fingerprint(self, symbol: str) -> str | None:
        """See MarketDataSource: the md5 of the symbol's file."""
        return md5(_find(self._path, symbol).read_bytes(), usedforsecurity=False).hexdigest()

    def _needed(self) -> tuple[str, ...]:
        # Without it one file's bars would be everybody's.
        return ("symbol", *COLUMNS) if self._path.is_file() else COLUMNS


def _find(path: Path, symbol: str) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise SourceUnavailableError(
            f"{path}: no such file or folder (market.path); {symbol} cannot be read."
        )
    # A symbol names a file here: "../other" must not.
    names = [path / f"{symbol}{ending}" for ending in _ENDINGS] if _SYMBOL.fullmatch(symbol) else []
    found = [name for name in names if name.is_file()]
    if not found:
        raise UnknownSymbolError(f"{path}: has neither {symbol}.csv nor {symbol}.parquet.")
    if len(found) > 1:
        raise MalformedDataError(f"{path}: has both {symbol}.csv and {symbol}.parquet; remove one.")
    return found[0]


def _rows(path: Path, symbol: str, needed: tuple[str, ...]) -> Iterator[Row]:
    rows = _parquet_rows(path, needed) if path.suffix == ".parquet" else _csv_rows(path, needed)
    return (row for row in rows if row[1].get("symbol", symbol) == symbol)


def _bars(rows: Iterator[Row]) -> list[Bar]:
    bars: list[Bar] = []
    places: dict[date, str] = {}
    for where, values in rows:
        # yfinance writes 2013-02-28 00:00:00-05:00; only midnight is a session.
        session = to_session(_MIDNIGHT.sub("", values["session"]), "session", where)
        if session in places:
            raise MalformedDataError(f"{where}: session {session} stands already at {places[session]}.")
        places[session] = where
        values.setdefault("adj_close", values["close"])
        prices = (to_number(values[name], name, where) for name in COLUMNS[1:])
        bars.append(Bar(session, *prices, *(_declared(values.get(name), name, where) for name in DECLARED)))
    return bars


def _declared(value: Any, name: str, where: str) -> float | None:
    """What a file says of a split or dividend; None where it says nothing, in Parquet NaN."""
    if value is None or value == "" or value != value:
        return None
    number = to_number(value, name, where)
    if number < 0:
        raise MalformedDataError(f"{where}: {name} is {value!r}, below zero.")
    return number


def _csv_rows(path: Path, needed: tuple[str, ...]) -> Iterator[Row]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as broken:
        raise MalformedDataError(f"{path}: is not UTF-8 text: {broken}.") from None
    lines = list(io.StringIO(text, newline=None))
    header = our_names(_fields(lines[0], f"{path}:1") if lines else [], needed, f"{path}:1")
    for number, line in enumerate(lines[1:], start=2):
        fields, where = _fields(line, f"{path}:{number}"), f"{path}:{number}"
        if not fields:
            continue
        if len(fields) != len(header):
            raise MalformedDataError(
                f"{where}: {len(fields)} fields instead of {len(header)}; is the line torn?"
            )
        yield where, dict(zip(header, fields, strict=True))
    # "1.234" cut down to "1.2" is still a number; only the missing line end tells.
    if not lines[-1].endswith("\n"):
        raise MalformedDataError(
            f"{path}:{len(lines)}: the last line has no end; the file may be cut off. Add a newline if not."
        )


def _fields(line: str, where: str) -> list[str]:
    """The fields of one line. Line by line, because no value of ours holds a line end: a quotation mark too many would
    swallow the lines after it, up to "field larger than field limit" without a line."""
    try:
        return [value.strip() for value in next(csv.reader([line.rstrip("\n")], strict=True), [])]
    except csv.Error as broken:
        raise MalformedDataError(f"{where}: a quotation mark too many or too few ({broken}).") from None


def _parquet_rows(path: Path, needed: tuple[str, ...]) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as broken:
        raise MalformedDataError(f"{path}: is not a whole Parquet file: {broken}") from None
    table = table.rename_columns(our_names(table.column_names, needed, str(path)))
    for number, values in enumerate(table.to_pylist(), start=1):
        yield f"{path}: row {number}", values | {"session": _as_text(values["session"])}


def _as_text(session: Any) -> str:
    """Parquet keeps types: a date, or a timestamp."""
    return session.isoformat() if isinstance(session, date) else str(session)
