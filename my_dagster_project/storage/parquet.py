"""Tables as bytes: Parquet, the same bytes for the same table."""

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def to_parquet(frame: "pd.DataFrame") -> bytes:
    """The frame as Parquet (zstd). Equal frames give equal bytes; `attrs` are kept, so put nothing that varies there."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def from_parquet(data: bytes) -> "pd.DataFrame":
    """The frame that `to_parquet` wrote."""
    import pandas as pd

    return pd.read_parquet(io.BytesIO(data))


def rows_of(data: bytes) -> list[dict[str, Any]]:
    """The rows of a small table as plain values, None where there is none: through pandas a row of one costs 2 ms."""
    from pyarrow import BufferReader
    from pyarrow.parquet import ParquetFile

    rows: list[dict[str, Any]] = ParquetFile(BufferReader(data)).read(use_threads=False).to_pylist()
    return rows


def from_session_files(files: dict[str, bytes]) -> "pd.DataFrame":
    """One frame from files named `<session>.parquet`, in order of session."""
    import pandas as pd

    return pd.concat([from_parquet(files[name]) for name in sorted(files)], ignore_index=True)
