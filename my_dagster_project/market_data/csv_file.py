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
import re
from collections.abc import Iterator
from datetime import date
from functools import partial
from hashlib import file_digest, md5
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

type Line = tuple[str, list[str]]
"""Where the line stands, file:line, and its fields."""

# Of ours the longest has a hundred characters; reading a line of a gigabyte whole took the machine's memory.
_LONGEST = 100_000
_MIDNIGHT = re.compile(r"[T ]00:00:00(\.0+)?([+-]\d\d:?\d\d|Z)?$")
# Stooq writes 20130228, and IBM.US of IBM.
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)")
_MARKET = re.compile(r"\.[A-Z]{2}$")
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
        path = _find(self._path, symbol)
        bars = _bars(row for row in _rows(path, self._needed()) if _is_of(row, symbol))
        if not bars:
            others = sorted({row[1].get("symbol", "") for row in _rows(path, self._needed())})
            has = f"; it has {', '.join(others[:5])}" if others else ""
            raise UnknownSymbolError(f"{path}: has no rows for {symbol}{has}.")
        return bars_frame((bar for bar in bars if start <= bar.session <= end), f"csv: {symbol}")

    def fingerprint(self, symbol: str) -> str | None:
        """See MarketDataSource: the md5 of the symbol's file."""
        with _find(self._path, symbol).open("rb") as file:
            return file_digest(file, partial(md5, usedforsecurity=False)).hexdigest()

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


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[Row]:
    return _parquet_rows(path, needed) if path.suffix == ".parquet" else _csv_rows(path, needed)


def _is_of(row: Row, symbol: str) -> bool:
    said = row[1].get("symbol", symbol)
    return symbol in (said, _MARKET.sub("", str(said)))


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
    lines = _lines(path)
    header = our_names(_names(lines, path), needed, f"{path}:1")
    for where, fields in lines:
        if len(fields) != len(header):
            raise MalformedDataError(
                f"{where}: {len(fields)} fields instead of {len(header)}; is the line torn?"
            )
        values = dict(zip(header, fields, strict=True))
        yield where, values | {"session": _COMPACT.sub(r"\1-\2-\3", values["session"])}


def _names(lines: Iterator[Line], path: Path) -> list[str]:
    where, names = next(lines, (f"{path}:1", []))
    for mark in ";\t|":
        if len(names) == 1 and mark in names[0]:
            raise MalformedDataError(f"{where}: {mark!r} stands between the fields; needed is a comma.")
    if names[:1] == ["Price"] and [next(lines, ("", [""]))[1][0], next(lines, ("", [""]))[1][0]] == [
        "Ticker",
        "Date",
    ]:
        names[0] = "Date"  # yfinance's: names, tickers, and the name of the first column
    return names


def _lines(path: Path) -> Iterator[Line]:
    """The lines that hold anything."""
    with path.open(encoding="utf-8-sig", newline=None) as file:
        try:
            for number, line in enumerate(iter(partial(file.readline, _LONGEST), ""), start=1):
                where = f"{path}:{number}"
                if len(line) == _LONGEST:
                    raise MalformedDataError(f"{where}: a line of {_LONGEST} characters and more.")
                if any(fields := _fields(line, where)):
                    yield where, fields
                # "1.234" cut down to "1.2" is still a number; only the missing line end tells.
                if not line.endswith("\n"):
                    raise MalformedDataError(
                        f"{where}: the last line has no end; the file may be cut off. Add a newline if not."
                    )
        except UnicodeDecodeError as broken:
            raise MalformedDataError(f"{path}: is not UTF-8 text: {broken}.") from None


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
