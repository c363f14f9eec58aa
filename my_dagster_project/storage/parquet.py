"""Tables as bytes: Parquet, the same bytes for the same table.

What was read lately is kept: a run reads the bars of a symbol for features, predictions and report, a season's report the file of
every session before. From the bytes each costs 2 to 3 ms, of sixty sessions of eight symbols 0.8 s a session.
"""

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_TABLES_KEPT, _SESSIONS_KEPT = 32, 4000


def to_parquet(frame: "pd.DataFrame") -> bytes:
    """The frame as Parquet (zstd). Equal frames give equal bytes; `attrs` are kept, so put nothing that varies there."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def from_parquet(data: bytes) -> "pd.DataFrame":
    """The frame that `to_parquet` wrote, the caller's own."""
    return _frame(data).copy()


@lru_cache(_TABLES_KEPT)
def _frame(data: bytes) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_parquet(io.BytesIO(data))


def rows_of(data: bytes) -> list[dict[str, Any]]:
    """The rows of a small table as plain values, None where there is none: through pandas a row of one costs 2 ms."""
    rows: list[dict[str, Any]] = _small_table(data).to_pylist()
    return rows


@lru_cache(_SESSIONS_KEPT)
def _small_table(data: bytes) -> "pa.Table":
    """A session's: a few rows of some kilobytes."""
    from pyarrow import BufferReader
    from pyarrow.parquet import ParquetFile

    return ParquetFile(BufferReader(data)).read(use_threads=False)


def from_session_files(files: dict[str, bytes]) -> "pd.DataFrame":
    """One frame from files named `<session>.parquet`, in order of session."""
    import pandas as pd
    import pyarrow as pa

    tables = [_small_table(files[name]) for name in sorted(files)]
    if all(table.schema.equals(tables[0].schema, check_metadata=True) for table in tables):
        return pa.concat_tables(tables).to_pandas().copy()  # of one session it is a view of what is kept
    # Columns came along since, or one has no value at all: pandas finds what is common.
    return pd.concat([table.to_pandas() for table in tables], ignore_index=True)
