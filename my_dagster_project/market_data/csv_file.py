"""Bars from one's own files, CSV or Parquet.

Either a folder with one file per symbol, `<path>/AAPL.csv` or `<path>/AAPL.parquet`, or one file with a `symbol` column. Columns,
in any order, further ones are ignored:

    session     the exchange's session, 2013-02-28 (in Parquet a date or a timestamp at midnight)
    open high low close     dollars, as traded (not adjusted)
    volume      shares
    adj_close   dollars, adjusted for splits and dividends

Every value is required: a session that was not traded is a missing row. Errors carry file:line (Parquet: file and row).
"""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from my_dagster_project.foundation.errors import (
    MalformedDataError,
    SourceUnavailableError,
    UnknownSymbolError,
)
from my_dagster_project.market_data.frames import bars_frame
from my_dagster_project.market_data.parsing import to_number, to_session
from my_dagster_project.market_data.source import COLUMNS, Bar

if TYPE_CHECKING:
    from my_dagster_project.market_data.source import BarsFrame

type Row = tuple[str, dict[str, Any]]
"""Where the row stands, file:line, and its values by column."""

_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,15}")


class CsvSource:
    """Reads the files at every fetch; a changed file is a changed source."""

    name = "csv"

    def __init__(self, path: Path) -> None:
        self._path = path

    def fetch(self, symbol: str, start: date, end: date) -> "BarsFrame":
        """See MarketDataSource; a symbol without a file, or without a row in the one file, raises UnknownSymbolError."""
        bars = _bars(_rows(_find(self._path, symbol), symbol, self._needed()))
        if not bars:
            raise UnknownSymbolError(f"{self._path}: has no rows for {symbol}.")
        return bars_frame((bar for bar in bars if start <= bar.session <= end), f"csv: {symbol}")

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
    names = (
        [path / f"{symbol}{ending}" for ending in (".csv", ".parquet")] if _SYMBOL.fullmatch(symbol) else []
    )
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
        session = to_session(values["session"], "session", where)
        if session in places:
            raise MalformedDataError(f"{where}: session {session} stands already at {places[session]}.")
        places[session] = where
        bars.append(Bar(session, *(to_number(values[name], name, where) for name in COLUMNS[1:])))
    return bars


def _csv_rows(path: Path, needed: tuple[str, ...]) -> Iterator[Row]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as broken:
        raise MalformedDataError(f"{path}: is not UTF-8 text: {broken}.") from None
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [name.strip() for name in next(reader, [])]
    _require_columns(header, needed, f"{path}:1")
    for fields in reader:
        where = f"{path}:{reader.line_num}"
        if not fields:
            continue
        if len(fields) != len(header):
            raise MalformedDataError(
                f"{where}: {len(fields)} fields instead of {len(header)}; is the line torn?"
            )
        yield where, dict(zip(header, (value.strip() for value in fields), strict=True))
    # "1.234" cut down to "1.2" is still a number; only the missing line end tells.
    if not text.endswith(("\n", "\r")):
        raise MalformedDataError(
            f"{path}:{reader.line_num}: the last line has no end; the file may be cut off. Add a newline if not."
        )


def _parquet_rows(path: Path, needed: tuple[str, ...]) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as broken:
        raise MalformedDataError(f"{path}: is not a whole Parquet file: {broken}") from None
    _require_columns(table.column_names, needed, str(path))
    for number, values in enumerate(table.to_pylist(), start=1):
        yield f"{path}: row {number}", values | {"session": _as_text(values["session"])}


def _as_text(session: Any) -> str:
    """Parquet keeps types: a date, or a timestamp of which only midnight is a session."""
    text = session.isoformat() if isinstance(session, date) else str(session)
    return text.removesuffix("T00:00:00") if isinstance(session, datetime) else text


def _require_columns(names: list[str], needed: tuple[str, ...], where: str) -> None:
    if not names:
        raise MalformedDataError(f"{where}: the file is empty.")
    if missing := [name for name in needed if name not in names]:
        raise MalformedDataError(
            f"{where}: column {', '.join(missing)} is missing; needed are {', '.join(needed)}."
        )
    if len(set(names)) < len(names):
        raise MalformedDataError(f"{where}: a column name comes twice: {', '.join(names)}.")
