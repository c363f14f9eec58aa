"""The columns of people's files, under the names that Yahoo, yfinance, Stooq and Alpha Vantage write over them."""

import re
from collections.abc import Sequence

from my_dagster_project.domain.adjustments import DECLARED
from my_dagster_project.foundation.errors import MalformedDataError
from my_dagster_project.market_data.source import COLUMNS

# Besides the name itself; any case, and "Adj Close", "adj_close", "5. adjusted close" and "<VOL>" are read alike.
_ALSO = {
    "session": ("date", "timestamp", "datetime", "day"),
    "volume": ("vol",),
    "adj_close": ("adjclose", "adjustedclose", "closeadj", "closeadjusted"),
    "split_ratio": ("split", "splits", "stocksplit", "stocksplits", "splitcoefficient", "splitfactor"),
    "dividend": ("dividends", "dividendamount", "cashdividend", "divcash", "exdividend"),
    "symbol": ("ticker",),
}
_NUMBER = re.compile(r"^\s*\d+\.\s*")
_SAVE_LETTERS = re.compile(r"[^a-z]")


def our_names(found: Sequence[str], needed: Sequence[str], where: str) -> list[str]:
    """Our name for each column of a file, its own where we have none; raises MalformedDataError, beginning with `where`.

    Only `adj_close` may be missing: Stooq and yfinance write adjusted closes under `close`. (The check for splits that
    nobody adjusted for finds a file in which they are not.)
    """
    if not any(found):
        raise MalformedDataError(f"{where}: the file is empty.")
    names = [_KNOWN.get(_plain(name), name) for name in found]
    missing = [name for name in needed if name not in names and name != "adj_close"]
    if missing:
        raise MalformedDataError(
            f"{where}: column {', '.join(missing)} is missing; needed are {', '.join(needed)}, found are "
            f"{', '.join(name or 'one without a name' for name in found)}."
        )
    if twice := {name for name in names if name in (*needed, *DECLARED) and names.count(name) > 1}:
        raise MalformedDataError(
            f"{where}: a column name comes twice: {', '.join(found)} ({', '.join(twice)})."
        )
    return names


def _plain(name: str) -> str:
    return _SAVE_LETTERS.sub("", _NUMBER.sub("", str(name)).casefold())


_KNOWN = {
    _plain(also): name for name in (*COLUMNS, *DECLARED, "symbol") for also in (name, *_ALSO.get(name, ()))
}
