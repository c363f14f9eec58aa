"""The stored daily bars of a symbol: the one place that knows their file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.storage.names import MARKET, bars
from my_dagster_project.storage.parquet import from_parquet

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from my_dagster_project.storage.assets import AssetStore
    from my_dagster_project.storage.object_store import ObjectStore

BARS_FILE = "bars.parquet"


def read_bars(assets: AssetStore, symbol: str) -> pd.DataFrame:
    """A symbol's bars as they are stored now; raises ObjectMissingError when there are none."""
    return from_parquet(assets.read_file(bars(symbol), BARS_FILE))


def bars_content(assets: AssetStore, symbol: str) -> str | None:
    """The md5 of a symbol's stored bars: what a cache of anything made of them goes by. None when there are none."""
    content = assets.content(bars(symbol), BARS_FILE)
    return content.md5 if content else None


def symbols_with_bars(store: ObjectStore) -> tuple[str, ...]:
    """Every symbol that bars are stored of, sorted; raises StorageError."""
    return tuple(sorted({info.key.split("/")[1] for info in store.list(f"{MARKET}/")}))


def all_bars(assets: AssetStore, symbols: Iterable[str]) -> dict[str, pd.DataFrame]:
    """The bars of those of the symbols that have any, by symbol."""
    frames = {}
    for symbol in symbols:
        try:
            frames[symbol] = read_bars(assets, symbol)
        except ObjectMissingError:
            continue
    return frames
