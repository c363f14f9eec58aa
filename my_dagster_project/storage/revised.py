"""What sources revised in bars that sessions had been predicted and traded on, until those sessions are made anew.

By symbol the bars as they were, `.market/revised/AAPL/before.parquet`, and what is otherwise now, `revised.json`: what was
revised and is back is not told, and a fetch that dies and is done again notes the same.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from my_dagster_project.domain.revisions import Revision, from_json, revisions
from my_dagster_project.foundation.errors import ObjectMissingError
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.parquet import from_parquet, to_parquet

if TYPE_CHECKING:
    import pandas as pd

_ROOT = ".market/revised"
_BEFORE = "before.parquet"


def note_revisions(
    assets: AssetStore, symbol: str, before: "pd.DataFrame", after: "pd.DataFrame"
) -> Sequence[Revision]:
    """Give what these bars of a fetch revise in those that are stored, and remember what was revised in all."""
    found = revisions(before, after)
    if found:
        first = _as_they_were(assets, symbol, before)
        body = json.dumps([one.to_json() for one in revisions(first, after)], indent=1)
        assets.store.put(f"{_ROOT}/{symbol}/revised.json", body.encode())
    return found


def noted_revisions(assets: AssetStore) -> Mapping[str, list[Revision]]:
    """By symbol, what was revised since the sessions were last made anew, oldest session first."""
    found: dict[str, list[Revision]] = {}
    for info in assets.store.list(f"{_ROOT}/"):
        symbol, _, name = info.key.removeprefix(f"{_ROOT}/").partition("/")
        if name != _BEFORE:
            found.setdefault(symbol, []).extend(map(from_json, json.loads(assets.store.get(info.key))))
    return {symbol: sorted(of, key=lambda one: one.session) for symbol, of in sorted(found.items()) if of}


def _as_they_were(assets: AssetStore, symbol: str, stored: "pd.DataFrame") -> "pd.DataFrame":
    """Give the bars as they were before the first revision; the stored ones where this is it."""
    key = f"{_ROOT}/{symbol}/{_BEFORE}"
    try:
        return from_parquet(assets.store.get(key))
    except ObjectMissingError:
        assets.store.put(key, to_parquet(stored))
        return stored


def settle_revisions(assets: AssetStore) -> None:
    """Forget them: what there is was made on today's bars."""
    for info in assets.store.list(f"{_ROOT}/"):
        assets.store.delete(info.key)
